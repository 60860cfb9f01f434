/** How often a `rate(…)` fires, in seconds (EventBridge Scheduler's rate expressions). */
export const rateSeconds = (expression: string): number => {
  const [, value, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  const seconds = { minute: 60, hour: 3600, day: 86_400 }[unit ?? ''];
  if (seconds === undefined) throw new Error(`template.yaml: ${expression} is not a rate that is known here`);
  return Number(value) * seconds;
};

/** When a schedule that began at `sinceMs` fires first at or after a time, epoch milliseconds. */
export const nextTickMs = (sinceMs: number, everySeconds: number, fromMs: number): number => {
  const everyMs = everySeconds * 1000;
  return sinceMs + Math.max(0, Math.ceil((fromMs - sinceMs) / everyMs)) * everyMs;
};

/**
 * Fires at once, and then so often.
 * @returns stops it
 */
export const startSchedule = (everySeconds: number, fire: () => void): (() => void) => {
  fire();
  const timer = setInterval(fire, everySeconds * 1000);
  return () => clearInterval(timer);
};
