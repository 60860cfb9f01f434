/** The interval of a `rate(…)` expression of EventBridge Scheduler, in seconds. */
export const rateSeconds = (expression: string): number => {
  const [, value, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  const seconds = { minute: 60, hour: 3600, day: 86_400 }[unit ?? ''];
  if (seconds === undefined) throw new Error(`template.yaml: ${expression} is not a supported rate expression`);
  return Number(value) * seconds;
};

/** The first tick at or after `fromMs` of a schedule that started at `sinceMs`, epoch milliseconds. */
export const nextTickMs = (sinceMs: number, everySeconds: number, fromMs: number): number => {
  const everyMs = everySeconds * 1000;
  return sinceMs + Math.max(0, Math.ceil((fromMs - sinceMs) / everyMs)) * everyMs;
};

/**
 * Fires at once, and then at this interval.
 * @returns a function that stops it
 */
export const startSchedule = (everySeconds: number, fire: () => void): (() => void) => {
  fire();
  const timer = setInterval(fire, everySeconds * 1000);
  return () => clearInterval(timer);
};
