import type { Job } from './job.ts';
import { JITTER, longestStepMs } from './schedule.ts';
import type { SettlePolicy } from './settle.ts';
import { toEpochMs, toEpochSeconds } from './ttl.ts';

const DAY_MS = 24 * 3_600_000;

/** For how long faults of our own may hold a job up before what it has collected expires. */
const OWN_FAULTS_MS = 7 * DAY_MS;

/** What the life of a result depends on. */
export type LifeOf = Pick<Job, 'phase' | 'deadlineAt' | 'callbackDeadlineAt' | 'callbackAttempts'>;

/**
 * The latest time at which a job, or its caller, may still need what was collected, epoch milliseconds: the fetching
 * deadline, every callback at the longest wait that a hint may ask for, the patience with a receiver in trouble, and the
 * retention.
 */
const neededUntil = (job: LifeOf, now: number, { schedule, patienceMs, retentionMs }: SettlePolicy): number => {
  const isFetching = job.phase === 'FETCHING';
  const start = isFetching ? Math.max(now, job.deadlineAt) : now;
  const callbacksLeft = Math.max(0, schedule.stepsMs.length - (isFetching ? 0 : job.callbackAttempts));
  const callbacksMs = callbacksLeft * longestStepMs(schedule) * (1 + JITTER);
  const abandonedAt = Math.max(start + callbacksMs, job.callbackDeadlineAt ?? 0);
  return abandonedAt + patienceMs + retentionMs;
};

/** When a result that is stored now expires: epoch seconds. */
export const keptUntil = (job: LifeOf, now: number, policy: SettlePolicy): number =>
  toEpochSeconds(neededUntil(job, now, policy) + OWN_FAULTS_MS);

/** Whether a job could outlive a stored result: half of what is kept in reserve for our own faults is used up. */
export const couldOutlive = (
  stored: { keptUntil?: number | undefined },
  job: LifeOf,
  now: number,
  policy: SettlePolicy,
): boolean => toEpochMs(stored.keptUntil ?? 0) < neededUntil(job, now, policy) + OWN_FAULTS_MS / 2;

/** When a result expires that is stored by a fetch, which knows nothing of its job: epoch seconds. */
export const firstKeptUntil = (now: number, fetchDeadlineMs: number, policy: SettlePolicy): number =>
  keptUntil({ phase: 'FETCHING', deadlineAt: now + fetchDeadlineMs, callbackAttempts: 0 }, now, policy);
