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
 * Starts the execution that a job is leased to. It never throws: a job whose start fails is due at once, and the schedule
 * takes it; where that can't be written either, it is due when its lease runs out.
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
    log.warn('Could not start a job: the schedule will', { jobId, clientId, error });
  }
  try {
    await control.release(jobId, claims, now());
  } catch (error) {
    log.warn('Could not give a claim back: the lease has to run out', { jobId, error });
  }
};
