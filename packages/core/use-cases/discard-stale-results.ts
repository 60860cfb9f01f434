import type { Log } from '../observability/logger.ts';
import type { JobReader, ResultKey, ResultStore } from '../ports/jobs.ts';

export type DiscardResultsDeps = {
  jobs: Pick<JobReader, 'getWithData'>;
  results: Pick<ResultStore, 'remove'>;
  now: () => number;
  log: Log;
};

/**
 * Deletes results stored under a stale claim, unless the job uses them or its execution may still save them. Without this, a
 * fetch that outlives its execution, or ends after the caller deleted the data, would leave a copy. Never throws: leftovers
 * expire.
 */
export const discardStaleResults = async (
  { jobs, results, now, log }: DiscardResultsDeps,
  { jobId, claims }: { jobId: string; claims: number },
  stored: ResultKey[],
): Promise<void> => {
  try {
    const { job, inline = [] } = (await jobs.getWithData(jobId, now())) ?? {};
    const isDataDeleted = !job || job.expungedAt !== undefined;
    const isClaimCurrent = job?.claims === claims && job.leasedUntil !== undefined;
    // A delivered job may hold the data inline and needs no stored copy.
    const usesStored = (providerId: string) =>
      job?.results.some((result) => result.providerId === providerId && result.status === 'FETCHED') &&
      !inline.some((result) => result.providerId === providerId);
    const unwanted = stored.filter(({ providerId }) => isDataDeleted || !(isClaimCurrent || usesStored(providerId)));
    await Promise.all(unwanted.map((key) => results.remove(jobId, claims, key)));
    if (unwanted.length > 0) log.info('Stale results discarded', { jobId, claims, results: unwanted.length });
  } catch (error) {
    log.warn('Stale results not discarded', { jobId, claims, error });
  }
};
