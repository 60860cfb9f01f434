import { resultsInPayload, type WorkedJob } from '@boomerang/core/contracts/worked-job.ts';
import { type CallbackEntry, callbackEntries } from '@boomerang/core/domain/callback-body.ts';
import { LeaseLost } from '@boomerang/core/domain/failures.ts';
import { mergeResults, type SettledJob } from '@boomerang/core/domain/settle.ts';
import type { ProviderResultData, ResultStore } from '@boomerang/core/ports/jobs.ts';

export type Collected = {
  /** Read from the table, or built from the claim if nothing was stored before. */
  job: SettledJob;
  entries: CallbackEntry[];
  /** Results that only this execution holds. */
  inline: ProviderResultData[];
};

/**
 * Merges the results of this execution with those in the table: results of earlier executions, and large ones.
 *
 * @throws ResultMissing if a result is no longer stored; LeaseLost if the job no longer belongs to this claim: an execution
 * may be started twice, and the second may read a job that another claim holds
 */
export const collectResults = async (store: Pick<ResultStore, 'load'>, worked: WorkedJob): Promise<Collected> => {
  const inline = resultsInPayload(worked);
  const isAllInline =
    !worked.checkpointed && worked.results.every((result) => result.kind !== 'fetched' || result.json !== undefined);
  const loaded = isAllInline ? undefined : await store.load(worked.jobId);
  const isMine = loaded?.job.claims === worked.claims && loaded.job.leasedUntil !== undefined;
  if (!isAllInline && !isMine) throw new LeaseLost({ class: 'lease_lost' });
  const job = loaded?.job ?? initialJob(worked);
  const entries = callbackEntries(mergeResults(job, worked.results), [...(loaded?.results ?? []), ...inline]);
  return { job, entries, inline };
};

/** A job without stored results: as its request created it. */
const initialJob = ({ order }: WorkedJob): SettledJob => ({
  providers: order,
  phase: 'FETCHING',
  results: [],
  fetchAttempts: 0,
  callbackAttempts: 0,
  deadlineAt: 0,
  claimsSinceOutcome: 1,
  updatedAt: 0,
});
