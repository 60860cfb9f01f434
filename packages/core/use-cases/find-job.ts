import type { Job } from '../domain/job.ts';
import { isExpired } from '../domain/ttl.ts';
import type { Caller } from '../ports/clients.ts';
import type { JobReader } from '../ports/jobs.ts';
import { JobNotFound } from './job-errors.ts';

/**
 * Finds one of a client's jobs. Another client's job counts as missing, so that callers can't probe for job ids.
 *
 * @param find looks the job up by its id
 * @throws JobNotFound
 */
export const findJob = async <Found extends { job: Job }>(
  jobId: string,
  { clientId }: Pick<Caller, 'clientId'>,
  find: (jobId: string) => Promise<Found | undefined>,
  now: number,
): Promise<Found> => {
  const found = await find(jobId);
  if (found === undefined || found.job.clientId !== clientId || isExpired(found.job, now)) throw new JobNotFound();
  return found;
};

/** The job without its collected data; otherwise as {@link findJob}. */
export const findStoredJob = async (
  { jobs, now }: { jobs: Pick<JobReader, 'get'>; now: () => number },
  jobId: string,
  caller: Pick<Caller, 'clientId'>,
): Promise<Job> => {
  const find = async (id: string) => {
    const job = await jobs.get(id, now());
    return job && { job };
  };
  return (await findJob(jobId, caller, find, now())).job;
};
