import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import { isExpired } from '@boomerang/core/domain/job.ts';
import type { JobReader, JobSummary, ResultStore } from '@boomerang/core/ports/jobs.ts';
import { JobInProgress, type RedriveJobDeps, redriveJob } from '@boomerang/core/use-cases/redrive-job.ts';
import type { BulkRedrive } from './schema.ts';

export type RedriveJobsDeps = Omit<RedriveJobDeps, 'results'> & {
  jobs: Pick<JobReader, 'list'>;
  results: Omit<ResultStore, 'expunge'>;
};

export type Redriven = { matched: number; redriven: number; skipped: number; cursor: string | undefined };

/** How many jobs one request tries again: what they hold is read and written anew. */
const MAX_REDRIVEN = 25;
/** How many jobs one request counts, page by page. */
const PAGE_JOBS = 100;
const MAX_PAGES = 20;

/**
 * Tries a client's jobs of one status again, newest first, as many as one request may; its cursor says where to go on. A job
 * that somebody else takes in the meantime is skipped. What was redriven is pending, and not found again.
 */
export const redriveJobs = async (
  deps: RedriveJobsDeps,
  clientId: string,
  { status, from = 0, to, dryRun, cursor }: BulkRedrive,
): Promise<Redriven> => {
  const { jobs, now } = deps;
  const total: Redriven = { matched: 0, redriven: 0, skipped: 0, cursor: undefined };
  let after = cursor ?? (to === undefined ? undefined : new Date(to).toISOString());
  for (let pages = 0; pages < (dryRun ? MAX_PAGES : 1); pages += 1) {
    const limit = dryRun ? PAGE_JOBS : MAX_REDRIVEN;
    const page = await jobs.list({ clientId, status, limit, after, now: now() });
    const wanted = page.jobs.filter(({ createdAt }) => createdAt >= from && (to === undefined || createdAt < to));
    const isPast = page.jobs.some(({ createdAt }) => createdAt < from);
    total.matched += wanted.length;
    if (!dryRun) {
      const done = await Promise.all(wanted.map((job) => redriveOne(deps, job)));
      total.redriven += done.filter(Boolean).length;
      total.skipped += done.filter((isDone) => !isDone).length;
    }
    total.cursor = isPast ? undefined : page.cursor;
    if (total.cursor === undefined) break;
    after = total.cursor;
  }
  return total;
};

/** @returns whether it is tried again */
const redriveOne = async (deps: RedriveJobsDeps, { jobId, status }: JobSummary): Promise<boolean> => {
  try {
    const found = await deps.results.load(jobId);
    // The list lags behind: by now it may be another's, or gone.
    if (!found || found.job.status !== status || isExpired(found.job, deps.now())) return false;
    await redriveJob(deps, found);
    return true;
  } catch (error) {
    if (!(error instanceof StaleClaim || error instanceof JobInProgress)) throw error;
    return false;
  }
};
