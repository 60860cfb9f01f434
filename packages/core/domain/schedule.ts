/** Delays between attempts. */
export type RetrySchedule = {
  /** Minimum delays in milliseconds; the last step repeats where the phase has no end of its own. */
  stepsMs: readonly [number, ...number[]];
};

/** The share of a step that jitter may add: jobs that failed together must not come back together. */
export const JITTER = 0.1;

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
  const delay = Math.max(step, Math.min(hintMs ?? 0, longestStepMs({ stepsMs })));
  return Math.round(delay * (1 + JITTER * random));
};

/** The longest delay of the list, milliseconds; no hint is followed for longer. */
export const longestStepMs = ({ stepsMs }: RetrySchedule): number => Math.max(...stepsMs);

/** Whether the list of delays is used up. */
export const isExhausted = ({ stepsMs }: RetrySchedule, failedAttempts: number): boolean =>
  failedAttempts > stepsMs.length;

/** How long the whole list takes at most, jitter included. */
export const longestScheduleMs = ({ stepsMs }: RetrySchedule): number =>
  Math.ceil(stepsMs.reduce((sum, step) => sum + step, 0) * (1 + JITTER));

/** The least that a deferred call waits: none comes back at once only to be deferred again. */
const MIN_DEFERRAL_MS = 1_000;

/**
 * When to look again after a deferred call, in milliseconds from now: not before it is worth it, and not all at once.
 * @param random 0 ≤ random < 1
 */
export const deferralMs = (hintMs: number | undefined, random: number): number =>
  Math.round(Math.max(hintMs ?? 0, MIN_DEFERRAL_MS) * (1 + JITTER * random));

const FIRST_OWN_FAULT_MS = 30_000;
const MAX_OWN_FAULT_MS = 10 * 60_000;

/**
 * When to try again after a fault of our own, in milliseconds from now: doubling from 30 s to 10 minutes, plus 0..10 % of
 * jitter.
 *
 * @param inARow how many executions in a row failed that way, this one included
 * @param random 0 ≤ random < 1
 */
export const ownFaultDelayMs = (inARow: number, random: number): number =>
  Math.round(Math.min(FIRST_OWN_FAULT_MS * 2 ** (inARow - 1), MAX_OWN_FAULT_MS) * (1 + JITTER * random));

/** How long a credential that a provider refuses waits at most: operators mend it, and nothing else does. */
export const MAX_CREDENTIAL_DELAY_MS = MAX_OWN_FAULT_MS;

/** The longest between two claims of a job that no execution settles. */
const MAX_HOLD_MS = 3_600_000;

/**
 * For how long a claim keeps others from claiming the job, milliseconds: the lease, doubled with every claim in a row that
 * was not settled, up to an hour. The lease itself, within which its holder may write, does not grow.
 *
 * @param beforeMs what the claim before had; undefined where the job was settled since
 */
export const holdMs = (leaseMs: number, beforeMs: number | undefined): number =>
  beforeMs === undefined ? leaseMs : Math.max(leaseMs, Math.min(beforeMs * 2, MAX_HOLD_MS));
