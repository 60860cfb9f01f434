import type { FailureClass } from '../../packages/core/contracts/task-failure.ts';

/** A failure in a few words, which fit before "since 10:14", and as a sentence. */
type Words = readonly [short: string, long: string];

const WORDS: Record<FailureClass, Words> = {
  dns: ['unknown host name', 'The host name could not be resolved.'],
  connection_refused: ['connection refused', 'The host refused the connection: nothing listens there.'],
  connection_broken: ['connection broken', 'The connection broke before the response was complete.'],
  tls: ['TLS error', 'No secure connection: the certificate was not accepted or the handshake failed.'],
  blocked_address: ['blocked address', 'The host name resolves to a private or reserved address.'],
  timeout: ['timeout', 'The response was not complete in time.'],
  bad_status: ['error status', 'The response had an error status.'],
  bad_answer: ['malformed response', 'The response was not valid HTTP.'],
  bad_body: ['unreadable body', 'The body of the response is not as its headers describe it.'],
  not_ready: ['not ready', 'The provider answered that the data is not ready yet.'],
  bad_page: ['unreadable page', 'A page of the response is not as the catalogue describes it.'],
  too_many_pages: ['too many pages', 'The response has more pages than the catalogue allows.'],
  error_in_body: ['error in the body', 'The status was a success, but the body reports an error.'],
  data_missing: ['missing data', 'The response does not contain the part that the catalogue asks for.'],
  bad_polling: ['unreadable progress', 'The response to a poll is not as the catalogue describes it.'],
  still_working: ['still working', 'The provider accepted the request and is still working on it.'],
  work_failed: ['failed work', 'The provider accepted the request but reports that its work failed.'],
  polling_timeout: ['polling timeout', 'The provider did not finish its work in time.'],
  ticket_lost: ['lost request', 'The provider no longer knows the request that it had accepted.'],
  bad_parameter: ['wrong parameter', 'A parameter does not fit the catalogue, which may have changed since.'],
  too_large: ['too much data', 'The data is larger than the limit.'],
  gone: ['a refusal of further callbacks', 'The receiver declined further callbacks.'],
  unknown_provider: ['unknown provider', 'The provider is no longer in the catalogue.'],
  credential_refused: ['refused credential', 'The provider refused our credential. An operator must replace it.'],
  circuit_open: ['open circuit', 'Calls are suspended because too many of them failed.'],
  limit_reached: ['limit reached', 'The limit of concurrent calls or of calls per second was reached.'],
  paused: ['paused', 'Operators have paused these calls.'],
  client_revoked: ['revoked client', 'The client was revoked: nothing is delivered for it.'],
  lease_lost: ['lost lease', 'The execution ran out of time before the call. Another one makes it.'],
  result_missing: ['missing result', 'A collected result is no longer stored.'],
  internal: ['internal fault', 'A fault of Boomerang or AWS. The log has the details.'],
};

export type CallFailure = { class?: string | undefined; statusCode?: number | undefined };

/** `503`, `timeout`. Classes that this console does not know yet are shown as they are. */
export const shortFailure = ({ class: name, statusCode }: CallFailure): string => {
  const words = wordsOf(name)?.[0] ?? name?.replaceAll('_', ' ') ?? 'unknown error';
  if (statusCode === undefined) return words;
  return SHOWN_BY_STATUS.has(name) ? String(statusCode) : `${statusCode}, ${words}`;
};

/** Classes that add nothing to the status code. */
const SHOWN_BY_STATUS = new Set<string | undefined>(['bad_status', 'gone', undefined]);

export const longFailure = ({ class: name }: CallFailure): string | undefined => wordsOf(name)?.[1];

const wordsOf = (name: string | undefined): Words | undefined =>
  name !== undefined && Object.hasOwn(WORDS, name) ? WORDS[name as FailureClass] : undefined;

/** `answered 503`, `failed (timeout)`. */
export const describeFailedCall = (failure: CallFailure): string =>
  failure.statusCode === undefined ? `failed (${shortFailure(failure)})` : `answered ${shortFailure(failure)}`;
