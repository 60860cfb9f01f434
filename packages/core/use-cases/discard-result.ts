import type { Log } from '../observability/logger.ts';
import type { JobReader, ResultKey, ResultStore } from '../ports/jobs.ts';

export type DiscardResultsDeps = {
  jobs: Pick<JobReader, 'getWithData'>;
  results: Pick<ResultStore, 'remove'>;
  now: () => number;
  log: Log;
};

/**
 * Deletes results that were stored under a claim, unless their job has or may still get them: after a cancellation and a
 * deletion of the data, what a fetch stored that was under way must not stay, nor what a fetch stored that outlived its
 * execution. It never throws: what it leaves expires.
 */
export const discardUnwanted = async (
  { jobs, results, now, log }: DiscardResultsDeps,
  { jobId, claims }: { jobId: string; claims: number },
  stored: ResultKey[],
): Promise<void> => {
  try {
    const { job, inline = [] } = (await jobs.getWithData(jobId, now())) ?? {};
    const isDeleted = !job || job.expungedAt !== undefined;
    const isStillMine = job?.claims === claims && job.leasedUntil !== undefined;
    // A job that was delivered may hold the data itself: it needs no other.
    const has = (providerId: string) =>
      job?.results.some((result) => result.providerId === providerId && result.status === 'FETCHED') &&
      !inline.some((result) => result.providerId === providerId);
    const unwanted = stored.filter(({ providerId }) => isDeleted || !(isStillMine || has(providerId)));
    await Promise.all(unwanted.map((key) => results.remove(jobId, claims, key)));
    if (unwanted.length > 0)
      log.info('Discarded results of a stale claim', { jobId, claims, results: unwanted.length });
  } catch (error) {
    log.warn('Could not discard results of a stale claim', { jobId, claims, error });
  }
};
