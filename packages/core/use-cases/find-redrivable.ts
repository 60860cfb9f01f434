import { type RedriveQuery, toJobFilter } from '../domain/redrive.ts';
import type { JobEntry, JobPage, JobReader } from '../ports/jobs.ts';

/**
 * A page of a client's jobs to redrive, newest first.
 *
 * @param after the cursor of the previous page
 */
export const findRedrivable = async (
  { jobs, now }: { jobs: Pick<JobReader, 'find'>; now: () => number },
  clientId: string,
  query: RedriveQuery,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<JobPage<JobEntry>> => jobs.find({ clientId, ...toJobFilter(query), limit, after, now: now() });
