import { travelledResults, type WorkedJob } from '@boomerang/core/contracts/worked-job.ts';
import { type CallbackEntry, callbackEntries } from '@boomerang/core/domain/callback-body.ts';
import { LeaseLost } from '@boomerang/core/domain/failures.ts';
import { mergeResults, type SettledJob } from '@boomerang/core/domain/settle.ts';
import type { ProviderResultData, ResultStore } from '@boomerang/core/ports/jobs.ts';

export type Collected = {
  /** Where nothing was stored before, the claim says all that settling needs, and no read is needed. */
  job: SettledJob;
  entries: CallbackEntry[];
  /** Results that exist nowhere but in this execution. */
  inline: ProviderResultData[];
};

/**
 * Puts together what this execution fetched and what earlier ones, or large results, left in the table.
 * @throws ResultMissing when something is no longer stored, LeaseLost when the job that was read is not this claim's any more:
 * an execution may be started twice, and what it finds then belongs to another
 */
export const collectResults = async (store: Pick<ResultStore, 'load'>, worked: WorkedJob): Promise<Collected> => {
  const inline = travelledResults(worked);
  const isAllHere = !worked.checkpointed && worked.results.every((o) => o.kind !== 'fetched' || o.json !== undefined);
  const loaded = isAllHere ? undefined : await store.load(worked.jobId);
  const isMine = loaded?.job.claims === worked.claims && loaded.job.leasedUntil !== undefined;
  if (!isAllHere && !isMine) throw new LeaseLost({ class: 'lease_lost' });
  const job = loaded?.job ?? newborn(worked);
  const entries = callbackEntries(mergeResults(job, worked.results), [...(loaded?.results ?? []), ...inline]);
  return { job, entries, inline };
};

const newborn = ({ order }: WorkedJob): SettledJob => ({
  providers: order,
  phase: 'FETCHING',
  results: [],
  fetchAttempts: 0,
  callbackAttempts: 0,
  deadlineAt: 0,
  claimsSinceOutcome: 1,
  updatedAt: 0,
});
