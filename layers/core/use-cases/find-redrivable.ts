import type { RedriveQuery } from '../domain/redrive.ts';
import type { JobPage, JobReader } from '../ports/jobs.ts';

/**
 * A page of a client's jobs that are to be tried again, newest first.
 *
 * @param after the cursor of the page before
 */
export const findRedrivable = async (
  { jobs, now }: { jobs: Pick<JobReader, 'list'>; now: () => number },
  clientId: string,
  { status, from, to }: RedriveQuery,
  { limit, after = new Date(to).toISOString() }: { limit: number; after?: string | undefined },
): Promise<JobPage> => {
  const page = await jobs.list({ clientId, status, limit, after, now: now() });
  const isPast = page.jobs.some(({ createdAt }) => createdAt < from);
  return {
    jobs: page.jobs.filter(({ createdAt }) => createdAt >= from),
    ...(page.cursor !== undefined && !isPast && { cursor: page.cursor }),
  };
};
