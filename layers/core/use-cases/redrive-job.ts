import { isHeld, redriven } from '../domain/control.ts';
import type { Job } from '../domain/job.ts';
import type { Log } from '../observability/logger.ts';
import type { JobControl, ProviderResultData, ResultStore } from '../ports/jobs.ts';
import { type StartJobDeps, startJob } from './start-job.ts';

export type ResetJobDeps = {
  control: Pick<JobControl, 'replace'>;
  results: Pick<ResultStore, 'save'>;
  fetchDeadlineMs: number;
  /** How long a stored result may be needed, milliseconds. */
  resultLifeMs: number;
  now: () => number;
  log: Log;
};

export type RedriveJobDeps = ResetJobDeps & StartJobDeps & { leaseMs: number; control: JobControl };

/** A job with all that was kept for it. */
type Found = { job: Job; results: ProviderResultData[] };

/** An execution holds the job. */
export class JobInProgress extends Error {
  override name = 'JobInProgress';
  /** How long it may hold it, at most. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('the job is in progress');
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Makes a job, whether it is over or waits, as good as new: with a fresh deadline and schedule.
 *
 * @param leaseMs how long the execution that is about to start holds it; without one, the next sweep takes it
 * @throws JobInProgress when an execution holds it, StaleClaim when somebody has taken or settled it since it was read
 */
export const resetJob = async (deps: ResetJobDeps, { job, results }: Found, leaseMs?: number): Promise<Job> => {
  const { control, fetchDeadlineMs, log } = deps;
  const now = deps.now();
  const { jobId, clientId, claims } = job;
  if (isHeld(job, now)) throw new JobInProgress((job.leasedUntil ?? now) - now);
  // Results go first: once the job says that it has them, they must be there, and for as long as they may be needed.
  const expiresAt = Math.ceil((now + deps.resultLifeMs) / 1000);
  const kept = job.expungedAt === undefined ? results : [];
  await Promise.all(kept.map((result) => deps.results.save(jobId, claims, result, expiresAt)));
  const there = new Set(kept.map(({ providerId }) => providerId));
  const next = redriven(job, there, { now, leaseMs, fetchDeadlineMs });
  await control.replace(job, next);
  log.info('Redrove a job', { jobId, clientId, was: job.status, kept: next.results.length });
  return next;
};

/** Tries a job again at once; as {@link resetJob}. */
export const redriveJob = async (deps: RedriveJobDeps, found: Found): Promise<Job> => {
  const next = await resetJob(deps, found, deps.leaseMs);
  await startJob(deps, next, 'redrive');
  return next;
};
