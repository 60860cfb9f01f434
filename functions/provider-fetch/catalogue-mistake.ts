import { ProviderRefused, ProviderThrottled } from '@boomerang/core/domain/failures.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import type { FetchRequest } from './schema.ts';

type Deps = { jobs: Pick<JobReader, 'getWithData'>; now: () => number };

/** How a job that was accepted does not fit the catalogue of this process. */
type Mismatch = { class: 'bad_parameter' | 'unknown_provider'; startedAt: number; excerpt: string };

/** For so long a mismatch may be a mistake in the catalogue, or a deployment that is under way, milliseconds. */
const MISTAKE_MS = 3_600_000;

/**
 * The failure of a fetch that the catalogue does not allow any more, or not yet. Nothing was sent.
 *
 * @returns ProviderThrottled for an hour from the first failure of this class, then ProviderRefused
 */
export const catalogueMistake = async (
  deps: Deps,
  request: FetchRequest,
  mismatch: Mismatch,
): Promise<ProviderThrottled | ProviderRefused> => {
  const { startedAt } = mismatch;
  const since = (await findFirst(deps, request, mismatch)) ?? startedAt;
  const failure = { ...mismatch, since };
  return startedAt - since < MISTAKE_MS ? new ProviderThrottled(failure) : new ProviderRefused(failure);
};

/** When the job first failed like this, epoch milliseconds: each failure hands it on to the next. */
const findFirst = async (
  { jobs, now }: Deps,
  { jobId, providerId }: FetchRequest,
  mismatch: Mismatch,
): Promise<number | undefined> => {
  const found = await jobs.getWithData(jobId, now());
  const result = found?.job.results.find((one) => one.providerId === providerId);
  return result?.status === 'UNAVAILABLE' && result.error.class === mismatch.class ? result.error.since : undefined;
};
