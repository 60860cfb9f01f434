import { StaleClaim } from '../domain/failures.ts';
import type { Job } from '../domain/job.ts';
import type { Caller } from '../ports/clients.ts';
import type { JobControl, JobReader } from '../ports/jobs.ts';
import { findStoredJob } from './find-job.ts';
import { inProgress } from './problem.ts';

/** Who takes a job holds it for seconds at least: nobody is overtaken so often. */
const MAX_TRIES = 5;

/**
 * Changes the caller's job that a path names, whatever else happens to it at the same time: where somebody was faster, it is
 * read and judged anew.
 *
 * @param change from the job that was read to the one that is to be; it throws where that can't be
 * @throws Problem 404, and what `change` throws
 */
export const changeJob = async (
  { jobs, control, now }: { jobs: Pick<JobReader, 'get'>; control: Pick<JobControl, 'replace'>; now: () => number },
  path: Readonly<Record<string, string | undefined>>,
  caller: Caller,
  change: (read: Job) => Job,
): Promise<Job> => {
  for (let tries = 1; ; tries += 1) {
    const job = await findStoredJob({ jobs, now }, path, caller);
    const next = change(job);
    try {
      await control.replace(job, next);
      return next;
    } catch (cause) {
      if (!(cause instanceof StaleClaim)) throw cause;
      if (tries === MAX_TRIES) throw inProgress(1_000, cause);
    }
  }
};
