/** Delays between attempts. */
export type RetrySchedule = {
  /** Minimum delays in milliseconds; the last step repeats where the phase has no end of its own. */
  stepsMs: readonly [number, ...number[]];
};

/** The share of a step that jitter may add: jobs that failed together must not come back together. */
const JITTER = 0.1;

/**
 * When to try again, in milliseconds from now: the step after so many failed attempts, or what the other side asked for if
 * that is longer (but never longer than the longest step), plus 0..10 % of jitter.
 *
 * @param failedAttempts attempts that have failed so far, this one included: 1 gives the first step
 * @param random 0 ≤ random < 1
 */
export const retryDelayMs = (
  { stepsMs }: RetrySchedule,
  failedAttempts: number,
  hintMs: number | undefined,
  random: number,
): number => {
  const step = stepsMs[Math.min(failedAttempts, stepsMs.length) - 1] ?? stepsMs[0];
  const delay = Math.max(step, Math.min(hintMs ?? 0, Math.max(...stepsMs)));
  return Math.round(delay * (1 + JITTER * random));
};

/** Whether the list of delays is used up. */
export const isExhausted = ({ stepsMs }: RetrySchedule, failedAttempts: number): boolean =>
  failedAttempts > stepsMs.length;

/** How long the whole list takes at most, jitter included. */
export const longestScheduleMs = ({ stepsMs }: RetrySchedule): number =>
  Math.ceil(stepsMs.reduce((sum, step) => sum + step, 0) * (1 + JITTER));

/** The least that a call which was put off waits: nobody comes back at once only to be put off again. */
const MIN_PARK_MS = 1_000;

/**
 * When to come back to a call that was put off, in milliseconds from now: not before it is worth it, and not all at once.
 * @param random 0 ≤ random < 1
 */
export const parkDelayMs = (hintMs: number | undefined, random: number): number =>
  Math.round(Math.max(hintMs ?? 0, MIN_PARK_MS) * (1 + JITTER * random));
