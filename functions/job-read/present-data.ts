import { type CallbackEntry, callbackBody, callbackEntries } from '@boomerang/core/domain/callback-body.ts';
import { ResultMissing } from '@boomerang/core/domain/failures.ts';
import type { Job } from '@boomerang/core/domain/job.ts';
import { invalid, Problem } from '@boomerang/core/http/problem.ts';
import type { ProviderResultData } from '@boomerang/core/ports/jobs.ts';

/** Lambda responses are limited to 6 MB. The body is encoded as a JSON string, in which every quote takes two bytes. */
const MAX_RESPONSE_BYTES = 5_500_000;

/**
 * The data of a job as JSON text, in the format of its callback.
 *
 * @param providerId if set, only this provider's data
 * @throws Problem 410 if the job was expunged or a result is no longer stored; 422 if the job has no such provider, or if all
 * data is too large for one response
 */
export const presentData = (
  { job, results }: { job: Job; results: ProviderResultData[] },
  providerId: string | undefined,
): string => {
  if (job.expungedAt !== undefined) throw new Problem(410, 'The data was deleted.');
  if (providerId !== undefined && !job.providers.includes(providerId)) {
    throw invalidProviderId('Must be a provider of this job');
  }
  const selected = job.results.filter((result) => providerId === undefined || result.providerId === providerId);
  const text = callbackBody(job.jobId, entriesOf(selected, results), job.metadata);
  if (Buffer.byteLength(JSON.stringify(text)) > MAX_RESPONSE_BYTES) {
    throw invalidProviderId('Required: the data of all providers is too large for one response');
  }
  return text;
};

const entriesOf = (...collected: Parameters<typeof callbackEntries>): CallbackEntry[] => {
  try {
    return callbackEntries(...collected);
  } catch (error) {
    if (!(error instanceof ResultMissing)) throw error;
    throw new Problem(
      410,
      `The result of ${error.failure.providerId} is no longer stored. A redrive fetches it again.`,
    );
  }
};

const invalidProviderId = (message: string): Problem => invalid([{ pointer: '/providerId', message }]);
