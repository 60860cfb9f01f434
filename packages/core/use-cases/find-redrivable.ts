import type { RedriveQuery } from '../domain/redrive.ts';
import type { JobPage, JobReader } from '../ports/jobs.ts';

/**
 * A page of a client's jobs to redrive, newest first.
 *
 * @param after the cursor of the previous page
 */
export const findRedrivable = async (
  { jobs, now }: { jobs: Pick<JobReader, 'list'>; now: () => number },
  clientId: string,
  { status, from, to }: RedriveQuery,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<JobPage> => jobs.list({ clientId, status, from, to, limit, after, now: now() });
