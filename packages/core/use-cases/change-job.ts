import { StaleClaim } from '../domain/failures.ts';
import type { Job } from '../domain/job.ts';
import type { Caller } from '../ports/clients.ts';
import type { JobControl, JobReader } from '../ports/jobs.ts';
import { findStoredJob } from './find-job.ts';
import { JobInProgress } from './job-errors.ts';

/** Claims and settlements of a job are seconds apart, so even two lost races in a row are rare. */
const MAX_ATTEMPTS = 5;
const RETRY_AFTER_MS = 1_000;

/**
 * Changes a client's job with optimistic locking: if another writer was faster, the job is read again and `change` runs on
 * the new state.
 *
 * @param change returns the job to store; throws if the job can't be changed
 * @throws JobNotFound, JobInProgress when other writers win five times in a row, and any error of `change`
 */
export const changeJob = async (
  { jobs, control, now }: { jobs: Pick<JobReader, 'get'>; control: Pick<JobControl, 'replace'>; now: () => number },
  jobId: string,
  caller: Pick<Caller, 'clientId'>,
  change: (read: Job) => Job,
): Promise<Job> => {
  for (let attempt = 1; ; attempt += 1) {
    const job = await findStoredJob({ jobs, now }, jobId, caller);
    const next = change(job);
    try {
      await control.replace(job, next);
      return next;
    } catch (cause) {
      if (!(cause instanceof StaleClaim)) throw cause;
      if (attempt === MAX_ATTEMPTS) throw new JobInProgress(RETRY_AFTER_MS, { cause });
    }
  }
};
