import type { WorkedJob } from '@boomerang/core/contracts/worked-job.ts';
import type { CallbackEntry } from '@boomerang/core/domain/callback-body.ts';
import type { Job, ProviderResult } from '@boomerang/core/domain/job.ts';
import { mergeResults } from '@boomerang/core/domain/settle.ts';
import type { ProviderResultData, ResultStore } from '@boomerang/core/ports/jobs.ts';

/** What settling needs of a job; where nothing was stored before, the claim says it all, and no read is needed. */
export type JobView = Pick<
  Job,
  'providers' | 'phase' | 'results' | 'fetchAttempts' | 'callbackAttempts' | 'deadlineAt'
>;

export type Collected = {
  job: JobView;
  entries: CallbackEntry[];
  /** Results that exist nowhere but in this execution. */
  inline: ProviderResultData[];
};

/** What a provider gave is not where it was kept. It will not come back by itself, so that the try counts. */
export class ResultMissing extends Error {
  override name = 'ResultMissing';

  constructor(providerId: string) {
    super(`what ${providerId} gave is not there`);
  }
}

/** Puts together what this execution fetched and what earlier ones, or large results, left in the table. */
export const collectResults = async (store: Pick<ResultStore, 'load'>, worked: WorkedJob): Promise<Collected> => {
  const inline = worked.results.flatMap((outcome): ProviderResultData[] => {
    if (outcome.status !== 'FETCHED' || outcome.json === undefined) return [];
    const { providerId, fetchedAt, bytes, json } = outcome;
    return [{ providerId, fetchedAt, bytes, json }];
  });
  const isAllHere = !worked.checkpointed && worked.results.every((o) => o.status !== 'FETCHED' || o.json !== undefined);
  const loaded = isAllHere ? undefined : await store.load(worked.jobId);
  const job = loaded?.job ?? newborn(worked);
  const data = new Map([...(loaded?.results ?? []), ...inline].map((result) => [result.providerId, result]));
  const entries = mergeResults(job, worked.results).map((result) => toEntry(result, data));
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

const toEntry = (result: ProviderResult, data: Map<string, ProviderResultData>): CallbackEntry => {
  const { providerId, status } = result;
  if (status !== 'FETCHED') return { providerId, code: `PROVIDER_${status}`, failure: result.error };
  const { fetchedAt, json } = data.get(providerId) ?? {};
  if (fetchedAt === undefined || json === undefined) throw new ResultMissing(providerId);
  return { providerId, fetchedAt, json };
};
