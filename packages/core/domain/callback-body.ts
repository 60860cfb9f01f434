import type { TaskFailure } from '../contracts/task-failure.ts';
import { ResultMissing } from './failures.ts';
import type { Metadata, ProviderResult } from './job.ts';
import { toIso } from './time.ts';

/** One entry of a callback's `data`. `json` is the provider's JSON text, copied into the body unchanged. */
export type CallbackEntry =
  | { providerId: string; fetchedAt: number; json: string }
  | { providerId: string; code: 'PROVIDER_UNAVAILABLE' | 'PROVIDER_REFUSED'; failure: TaskFailure };

/** The largest callback body, in bytes of UTF-8. */
export const MAX_CALLBACK_BYTES = 10 * 1024 * 1024;

/**
 * The text of a callback's body. Providers' JSON is spliced in, because parsing and serialising it again would round
 * large numbers and take time. `metadata` is present only if the caller sent some.
 */
export const callbackBody = (jobId: string, entries: CallbackEntry[], metadata?: Metadata): string => {
  const metadataText = metadata ? `,"metadata":${JSON.stringify(metadata)}` : '';
  return `{"jobId":${JSON.stringify(jobId)},"data":[${entries.map(entryText).join(',')}]${metadataText}}`;
};

/**
 * The entries of a job's results, in their order.
 * @param data fetched results, as JSON text
 * @throws ResultMissing for a fetched result that is not in `data`
 */
export const callbackEntries = (
  results: readonly ProviderResult[],
  data: readonly { providerId: string; fetchedAt: number; json: string }[],
): CallbackEntry[] => {
  const resultsById = new Map(data.map((result) => [result.providerId, result]));
  return results.map((result) => {
    const { providerId, status } = result;
    if (status !== 'FETCHED') return { providerId, code: `PROVIDER_${status}`, failure: result.error };
    const { fetchedAt, json } = resultsById.get(providerId) ?? {};
    if (fetchedAt === undefined || json === undefined) throw new ResultMissing(providerId);
    return { providerId, fetchedAt, json };
  });
};

const entryText = (entry: CallbackEntry): string => {
  if (!('json' in entry)) {
    const error = { code: entry.code, message: errorMessage(entry) };
    return JSON.stringify({ providerId: entry.providerId, error });
  }
  const head = JSON.stringify({ providerId: entry.providerId, fetchedAt: toIso(entry.fetchedAt) });
  return `${head.slice(0, -1)},"data":${entry.json}}`;
};

const errorMessage = ({ code, failure }: Extract<CallbackEntry, { code: string }>): string => {
  const summary =
    code === 'PROVIDER_REFUSED' ? 'The provider refused the request' : 'The provider did not return its data in time';
  const { class: failureClass, statusCode, cause } = failure;
  return `${summary} (${describe({ class: failureClass, statusCode })}${cause ? ` after ${describe(cause)}` : ''}).`;
};

const describe = ({ class: failureClass, statusCode }: Pick<TaskFailure, 'class' | 'statusCode'>): string =>
  statusCode === undefined ? failureClass : `${failureClass}, status ${statusCode}`;
