import { isHeld, redriven } from '../domain/control.ts';
import type { Job } from '../domain/job.ts';
import type { JobControl, ProviderResultData, ResultStore } from '../ports/jobs.ts';
import { type StartJobDeps, startJob } from './start-job.ts';

export type RedriveJobDeps = StartJobDeps & {
  control: JobControl;
  results: Pick<ResultStore, 'save'>;
  leaseMs: number;
  fetchDeadlineMs: number;
  /** How long a stored result may be needed, milliseconds. */
  resultLifeMs: number;
};

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
 * Tries a job again at once, whether it is over or waits, with a fresh deadline and schedule.
 *
 * @param found the job with all that was kept for it
 * @throws JobInProgress when an execution holds it, StaleClaim when somebody has taken or settled it since it was read
 */
export const redriveJob = async (
  deps: RedriveJobDeps,
  { job, results }: { job: Job; results: ProviderResultData[] },
): Promise<Job> => {
  const { control, leaseMs, fetchDeadlineMs, log } = deps;
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
  await startJob(deps, next, 'redrive');
  return next;
};
