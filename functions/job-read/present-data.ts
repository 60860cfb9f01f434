import { type CallbackEntry, callbackBody, callbackEntries } from '@boomerang/core/domain/callback-body.ts';
import { ResultMissing } from '@boomerang/core/domain/failures.ts';
import type { Job } from '@boomerang/core/domain/job.ts';
import { invalid, Problem } from '@boomerang/core/http/problem.ts';
import type { ProviderResultData } from '@boomerang/core/ports/jobs.ts';

/** Lambda answers at most 6 MB, and what it answers travels as a JSON string, in which every quote takes two bytes. */
const MAX_ANSWER_BYTES = 5_500_000;

/**
 * What was collected for a job, as JSON text in the form of its callback.
 *
 * @param providerId of whom only the data is wanted
 * @throws Problem 410 once it is expunged, or where what a provider gave is no longer stored, 422 for a provider that is none of the job's, or where all of it is too much for
 * one answer
 */
export const presentData = (
  { job, results }: { job: Job; results: ProviderResultData[] },
  providerId: string | undefined,
): string => {
  if (job.expungedAt !== undefined) throw new Problem(410, 'The data was deleted.');
  if (providerId !== undefined && !job.providers.includes(providerId))
    throw wrongProvider('Is no provider of this job');
  const wanted = job.results.filter((result) => providerId === undefined || result.providerId === providerId);
  const text = callbackBody(job.jobId, findEntries(wanted, results), job.metadata);
  if (Buffer.byteLength(JSON.stringify(text)) > MAX_ANSWER_BYTES) {
    throw wrongProvider('Has to be given: all of the data is too much for one answer');
  }
  return text;
};

const findEntries = (...collected: Parameters<typeof callbackEntries>): CallbackEntry[] => {
  try {
    return callbackEntries(...collected);
  } catch (error) {
    if (!(error instanceof ResultMissing)) throw error;
    throw new Problem(410, `What ${error.failure.providerId} gave is no longer stored. A redrive asks it again.`);
  }
};

const wrongProvider = (message: string): Problem => invalid([{ pointer: '/providerId', message }]);
