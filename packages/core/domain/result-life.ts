import type { Job } from './job.ts';
import { JITTER, longestStepMs } from './schedule.ts';
import type { SettlePolicy } from './settle.ts';
import { toEpochMs, toEpochSeconds } from './ttl.ts';

const DAY_MS = 24 * 3_600_000;

/** How long internal faults may delay a job before its results expire. */
const INTERNAL_FAULTS_MS = 7 * DAY_MS;

/** The attributes of a job that determine how long its results are kept. */
export type RetainedJob = Pick<Job, 'phase' | 'deadlineAt' | 'callbackDeadlineAt' | 'callbackAttempts'>;

/**
 * The latest time at which a job or its caller may still need the results, epoch milliseconds: the fetch deadline, plus the
 * longest delay of every remaining callback, plus the deferral limit, plus the retention.
 */
const neededUntil = (job: RetainedJob, now: number, { schedule, patienceMs, retentionMs }: SettlePolicy): number => {
  const isFetching = job.phase === 'FETCHING';
  const start = isFetching ? Math.max(now, job.deadlineAt) : now;
  const callbacksLeft = Math.max(0, schedule.stepsMs.length - (isFetching ? 0 : job.callbackAttempts));
  const callbacksMs = callbacksLeft * longestStepMs(schedule) * (1 + JITTER);
  const abandonedAt = Math.max(start + callbacksMs, job.callbackDeadlineAt ?? 0);
  return abandonedAt + patienceMs + retentionMs;
};

/** When a result stored now expires, epoch seconds. */
export const keptUntil = (job: RetainedJob, now: number, policy: SettlePolicy): number =>
  toEpochSeconds(neededUntil(job, now, policy) + INTERNAL_FAULTS_MS);

/** Whether a job could outlive a stored result: less than half of the reserve for internal faults is left. */
export const couldOutlive = (
  stored: { keptUntil?: number | undefined },
  job: RetainedJob,
  now: number,
  policy: SettlePolicy,
): boolean => toEpochMs(stored.keptUntil ?? 0) < neededUntil(job, now, policy) + INTERNAL_FAULTS_MS / 2;

/** When a result stored by a fetch expires, epoch seconds. A fetch does not know its job: this assumes a new one. */
export const firstKeptUntil = (now: number, fetchDeadlineMs: number, policy: SettlePolicy): number =>
  keptUntil({ phase: 'FETCHING', deadlineAt: now + fetchDeadlineMs, callbackAttempts: 0 }, now, policy);
