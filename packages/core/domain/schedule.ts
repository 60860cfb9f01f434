/** Delays between attempts. */
export type RetrySchedule = {
  /** Minimum delays in milliseconds. Fetches repeat the last step until their deadline; callbacks end after it. */
  stepsMs: readonly [number, ...number[]];
};

/** The fraction of a delay that jitter may add, so that jobs that failed together are not all retried at once. */
export const JITTER = 0.1;

/**
 * The delay before the next attempt, in milliseconds: the schedule's step, or the other side's hint if that is longer (at
 * most the longest step), plus 0–10% jitter.
 *
 * @param failedAttempts failed attempts so far, this one included: 1 selects the first step
 * @param random 0 ≤ random < 1
 */
export const retryDelayMs = (
  { stepsMs }: RetrySchedule,
  failedAttempts: number,
  hintMs: number | undefined,
  random: number,
): number => {
  const step = stepsMs[Math.min(failedAttempts, stepsMs.length) - 1] ?? stepsMs[0];
  const delay = Math.max(step, Math.min(hintMs ?? 0, longestStepMs({ stepsMs })));
  return Math.round(delay * (1 + JITTER * random));
};

/** The longest step, milliseconds, which also caps hints. */
export const longestStepMs = ({ stepsMs }: RetrySchedule): number => Math.max(...stepsMs);

/** Whether the schedule has no step left. */
export const isExhausted = ({ stepsMs }: RetrySchedule, failedAttempts: number): boolean =>
  failedAttempts > stepsMs.length;

/** The maximum duration of the whole schedule, jitter included, milliseconds. */
export const longestScheduleMs = ({ stepsMs }: RetrySchedule): number =>
  Math.ceil(stepsMs.reduce((sum, step) => sum + step, 0) * (1 + JITTER));

/** The minimum delay of a deferred call, which an immediate retry would only defer again. */
const MIN_DEFERRAL_MS = 1_000;

/**
 * The delay before a deferred call is tried again, in milliseconds: the hint, at least 1 s, plus 0–10% jitter.
 * @param random 0 ≤ random < 1
 */
export const deferralMs = (hintMs: number | undefined, random: number): number =>
  Math.round(Math.max(hintMs ?? 0, MIN_DEFERRAL_MS) * (1 + JITTER * random));

const FIRST_INTERNAL_FAULT_MS = 30_000;
const MAX_INTERNAL_FAULT_MS = 10 * 60_000;

/**
 * The delay after an internal fault, in milliseconds: doubles from 30 s to 10 minutes, plus 0–10% jitter.
 *
 * @param consecutive executions that failed this way in a row, this one included
 * @param random 0 ≤ random < 1
 */
export const internalFaultDelayMs = (consecutive: number, random: number): number =>
  Math.round(Math.min(FIRST_INTERNAL_FAULT_MS * 2 ** (consecutive - 1), MAX_INTERNAL_FAULT_MS) * (1 + JITTER * random));

/** The maximum delay after a refused credential, so that fetching resumes soon after an operator replaces it. */
export const MAX_CREDENTIAL_DELAY_MS = MAX_INTERNAL_FAULT_MS;

/** An hour. */
const MAX_HOLD_MS = 3_600_000;

/**
 * How long a claim prevents other claims of the job, milliseconds: the lease, doubled for each consecutive claim without an
 * outcome, up to an hour. The lease itself, within which its holder may write, does not grow.
 *
 * @param previousMs the hold of the previous claim; undefined if the job has had an outcome since
 */
export const holdMs = (leaseMs: number, previousMs: number | undefined): number =>
  previousMs === undefined ? leaseMs : Math.max(leaseMs, Math.min(previousMs * 2, MAX_HOLD_MS));
