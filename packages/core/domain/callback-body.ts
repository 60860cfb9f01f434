import type { TaskFailure } from '../contracts/task-failure.ts';
import { ResultMissing } from './failures.ts';
import type { Metadata, ProviderResult } from './job.ts';

/** One entry of the callback's `data`. `json` is the provider's JSON text, put into the body as it came. */
export type CallbackEntry =
  | { providerId: string; fetchedAt: number; json: string }
  | { providerId: string; code: 'PROVIDER_UNAVAILABLE' | 'PROVIDER_REFUSED'; failure: TaskFailure };

/** The largest callback body, in bytes of UTF-8. */
export const MAX_CALLBACK_BYTES = 10 * 1024 * 1024;

/**
 * The body of a callback, as the text that is sent. It is spliced together instead of serialised: what a provider gave
 * reaches the receiver digit by digit (JSON.parse and back would round its large numbers), and costs no second parse.
 * `metadata` is there only where the caller gave some.
 */
export const callbackBody = (jobId: string, entries: CallbackEntry[], metadata?: Metadata): string => {
  const own = metadata ? `,"metadata":${JSON.stringify(metadata)}` : '';
  return `{"jobId":${JSON.stringify(jobId)},"data":[${entries.map(entryText).join(',')}]${own}}`;
};

/**
 * The entries of a job's results, in their order.
 * @param data what providers gave, as JSON text
 * @throws ResultMissing for a provider that gave, and is not among `data`
 */
export const callbackEntries = (
  results: readonly ProviderResult[],
  data: readonly { providerId: string; fetchedAt: number; json: string }[],
): CallbackEntry[] => {
  const known = new Map(data.map((result) => [result.providerId, result]));
  return results.map((result) => {
    const { providerId, status } = result;
    if (status !== 'FETCHED') return { providerId, code: `PROVIDER_${status}`, failure: result.error };
    const { fetchedAt, json } = known.get(providerId) ?? {};
    if (fetchedAt === undefined || json === undefined) throw new ResultMissing(providerId);
    return { providerId, fetchedAt, json };
  });
};

const entryText = (entry: CallbackEntry): string => {
  if (!('json' in entry)) {
    const error = { code: entry.code, message: errorMessage(entry) };
    return JSON.stringify({ providerId: entry.providerId, error });
  }
  const head = JSON.stringify({ providerId: entry.providerId, fetchedAt: new Date(entry.fetchedAt).toISOString() });
  return `${head.slice(0, -1)},"data":${entry.json}}`;
};

const errorMessage = ({ code, failure }: Extract<CallbackEntry, { code: string }>): string => {
  const what = code === 'PROVIDER_REFUSED' ? 'The provider refused' : 'The provider did not give its data in time';
  const { class: failureClass, statusCode, cause } = failure;
  return `${what} (${describe({ class: failureClass, statusCode })}${cause ? ` after ${describe(cause)}` : ''}).`;
};

const describe = ({ class: failureClass, statusCode }: Pick<TaskFailure, 'class' | 'statusCode'>): string =>
  statusCode === undefined ? failureClass : `${failureClass}, status ${statusCode}`;
