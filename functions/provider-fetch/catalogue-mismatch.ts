import { ProviderRefused, ProviderThrottled } from '@boomerang/core/domain/failures.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import type { FetchRequest } from './schema.ts';

type Deps = { jobs: Pick<JobReader, 'getWithData'>; now: () => number };

/** Why an accepted job does not match the catalogue of this process. */
type Mismatch = { class: 'bad_parameter' | 'unknown_provider'; startedAt: number; excerpt: string };

/** How long a mismatch counts as temporary, milliseconds: a mistake in the catalogue, or a deployment in progress. */
const TEMPORARY_MS = 3_600_000;

/**
 * The error of a fetch that the catalogue no longer allows, or does not allow yet. Nothing was sent.
 *
 * @returns ProviderThrottled for an hour from the first failure of this class, then ProviderRefused
 */
export const toMismatchError = async (
  deps: Deps,
  request: FetchRequest,
  mismatch: Mismatch,
): Promise<ProviderThrottled | ProviderRefused> => {
  const { startedAt } = mismatch;
  const since = (await findFirstFailure(deps, request, mismatch)) ?? startedAt;
  const failure = { ...mismatch, since };
  return startedAt - since < TEMPORARY_MS ? new ProviderThrottled(failure) : new ProviderRefused(failure);
};

/** When the job first failed like this, epoch milliseconds. Each failure stores the time for the next. */
const findFirstFailure = async (
  { jobs, now }: Deps,
  { jobId, providerId }: FetchRequest,
  mismatch: Mismatch,
): Promise<number | undefined> => {
  const found = await jobs.getWithData(jobId, now());
  const result = found?.job.results.find((one) => one.providerId === providerId);
  return result?.status === 'UNAVAILABLE' && result.error.class === mismatch.class ? result.error.since : undefined;
};
