import { type Job, newJob, toClaimedJob } from '@boomerang/core/domain/job.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { StartExecution } from '@boomerang/core/ports/executions.ts';
import type { JobIntake } from '@boomerang/core/ports/jobs.ts';
import type { WebhookBody } from './schema.ts';

export type AcceptJobDeps = {
  intake: JobIntake;
  startExecution: StartExecution;
  newId: () => string;
  now: () => number;
  log: Log;
  leaseMs: number;
  fetchDeadlineMs: number;
};

/**
 * Stores a job and starts the execution that it is leased to. Once it is stored it is accepted: a start that fails only
 * leaves the first attempt to the schedule.
 */
export const acceptJob = async (deps: AcceptJobDeps, request: WebhookBody): Promise<Job> => {
  const { intake, startExecution, log, leaseMs, fetchDeadlineMs } = deps;
  const now = deps.now();
  const job = newJob({ ...request, jobId: deps.newId(), now, leaseMs, fetchDeadlineMs });
  await intake.create(job);
  try {
    await startExecution([toClaimedJob(job, 'immediate', now)]);
    log.info('Accepted a job', { jobId: job.jobId, clientId: job.clientId, providers: job.providers });
  } catch (error) {
    log.warn('Accepted a job, but could not start it: the schedule will', { jobId: job.jobId, error });
    await makeDueNow(deps, job);
  }
  return job;
};

/** Best effort: where it fails too, the lease runs out and the job is due all the same. */
const makeDueNow = async ({ intake, now, log }: AcceptJobDeps, { jobId, claims }: Job): Promise<void> => {
  try {
    await intake.release(jobId, claims, now());
  } catch (error) {
    log.warn('Could not give a claim back: the lease has to run out', { jobId, error });
  }
};
