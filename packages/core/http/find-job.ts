import type { Job } from '../domain/job.ts';
import { isExpired } from '../domain/ttl.ts';
import type { Caller } from '../ports/clients.ts';
import type { JobReader } from '../ports/jobs.ts';
import { jobIdSchema } from './job-schema.ts';
import { Problem } from './problem.ts';

/**
 * The job that a path names. Another client's job is none: that it exists is not told.
 *
 * @param find the job by its id
 * @throws Problem 404
 */
export const findJob = async <Found extends { job: Job }>(
  path: Readonly<Record<string, string | undefined>>,
  { clientId }: Caller,
  find: (jobId: string) => Promise<Found | undefined>,
  now: number,
): Promise<Found> => {
  const jobId = jobIdSchema.safeParse(path.jobId);
  const found = jobId.success ? await find(jobId.data) : undefined;
  if (found === undefined || found.job.clientId !== clientId || isExpired(found.job, now)) {
    throw new Problem(404, 'There is no such job.');
  }
  return found;
};

/** The job itself, without what was collected for it; as {@link findJob}. */
export const findStoredJob = async (
  { jobs, now }: { jobs: Pick<JobReader, 'get'>; now: () => number },
  path: Readonly<Record<string, string | undefined>>,
  caller: Caller,
): Promise<Job> => {
  const find = async (jobId: string) => {
    const job = await jobs.get(jobId, now());
    return job && { job };
  };
  return (await findJob(path, caller, find, now())).job;
};
