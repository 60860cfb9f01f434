import type { WorkedJob } from '@boomerang/core/contracts/worked-job.ts';
import { type CallbackEntry, callbackEntries } from '@boomerang/core/domain/callback-body.ts';
import type { Job } from '@boomerang/core/domain/job.ts';
import { mergeResults } from '@boomerang/core/domain/settle.ts';
import type { ProviderResultData, ResultStore } from '@boomerang/core/ports/jobs.ts';

/** What settling needs of a job; where nothing was stored before, the claim says it all, and no read is needed. */
export type JobView = Pick<
  Job,
  'providers' | 'phase' | 'results' | 'fetchAttempts' | 'callbackAttempts' | 'deadlineAt' | 'callbackDeadlineAt'
>;

export type Collected = {
  job: JobView;
  entries: CallbackEntry[];
  /** Results that exist nowhere but in this execution. */
  inline: ProviderResultData[];
};

/**
 * Puts together what this execution fetched and what earlier ones, or large results, left in the table.
 * @throws ResultMissing when something is not where it was kept; it will not come back by itself, so that the try counts
 */
export const collectResults = async (store: Pick<ResultStore, 'load'>, worked: WorkedJob): Promise<Collected> => {
  const inline = worked.results.flatMap((outcome): ProviderResultData[] => {
    if (outcome.status !== 'FETCHED' || outcome.json === undefined) return [];
    const { providerId, fetchedAt, bytes, json } = outcome;
    return [{ providerId, fetchedAt, bytes, json }];
  });
  const isAllHere = !worked.checkpointed && worked.results.every((o) => o.status !== 'FETCHED' || o.json !== undefined);
  const loaded = isAllHere ? undefined : await store.load(worked.jobId);
  const job = loaded?.job ?? newborn(worked);
  const entries = callbackEntries(mergeResults(job, worked.results), [...(loaded?.results ?? []), ...inline]);
  return { job, entries, inline };
};

const newborn = ({ order }: WorkedJob): JobView => ({
  providers: order,
  phase: 'FETCHING',
  results: [],
  fetchAttempts: 0,
  callbackAttempts: 0,
  deadlineAt: 0,
});
