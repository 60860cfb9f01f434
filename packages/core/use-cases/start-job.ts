import type { ClaimedJob } from '../contracts/claimed-job.ts';
import { type Job, toClaimedJob } from '../domain/job.ts';
import type { Log } from '../observability/logger.ts';
import type { StartExecution } from '../ports/executions.ts';
import type { JobControl } from '../ports/jobs.ts';

export type StartJobDeps = {
  startExecution: StartExecution;
  control: Pick<JobControl, 'release'>;
  now: () => number;
  log: Log;
};

/**
 * Starts the execution that holds the job's lease. Never throws: if the start fails, the claim is released and the next sweep
 * starts the job. If the release fails, too, the job is due when its lease expires.
 */
export const startJob = async (
  { startExecution, control, now, log }: StartJobDeps,
  job: Job,
  trigger: ClaimedJob['trigger'],
): Promise<void> => {
  const { jobId, clientId, claims } = job;
  try {
    await startExecution([toClaimedJob(job, trigger, now())]);
    return;
  } catch (error) {
    log.warn('Job start failed', { jobId, clientId, error });
  }
  try {
    await control.release(jobId, claims, now());
  } catch (error) {
    log.warn('Claim release failed', { jobId, error });
  }
};
