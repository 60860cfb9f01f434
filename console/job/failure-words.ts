import type { FailureClass } from '../../packages/core/contracts/task-failure.ts';

type Words = {
  /** Follows "failed with" and stands before "since 10:14". */
  short: string;
  /** A sentence for someone who has to do something about it. */
  long: string;
};

const TABLE: Record<FailureClass, Words> = {
  dns: { short: 'unknown host name', long: 'The host name could not be resolved.' },
  connection_refused: { short: 'connection refused', long: 'The host refused the connection: nothing listens there.' },
  connection_broken: { short: 'connection broken', long: 'The connection broke before the answer was complete.' },
  tls: { short: 'TLS error', long: 'No secure connection: the certificate was not accepted or the handshake failed.' },
  blocked_address: { short: 'blocked address', long: 'The host name resolves to a private or reserved address.' },
  timeout: { short: 'timeout', long: 'The answer was not complete in time.' },
  bad_status: { short: 'error status', long: 'The answer had an error status.' },
  bad_answer: { short: 'malformed answer', long: 'The answer was not valid HTTP.' },
  bad_body: { short: 'unreadable body', long: 'The body of the answer could not be read as its headers describe it.' },
  not_ready: { short: 'not ready', long: 'The provider answered that the data is not ready yet.' },
  bad_page: { short: 'unreadable page', long: 'A page of the answer is not as the catalogue describes it.' },
  too_many_pages: { short: 'too many pages', long: 'The answer has more pages than the catalogue allows.' },
  error_in_body: {
    short: 'error in the body',
    long: 'The answer had a success status, but its body reports an error.',
  },
  data_missing: { short: 'missing data', long: 'The answer does not contain the part that the catalogue asks for.' },
  bad_polling: { short: 'unreadable progress', long: 'The answer to a poll is not as the catalogue describes it.' },
  still_working: { short: 'still working', long: 'The provider accepted the request and is still working on it.' },
  work_failed: { short: 'failed work', long: 'The provider accepted the request but reports that its work failed.' },
  polling_timeout: { short: 'polling timeout', long: 'The provider did not finish its work in time.' },
  ticket_lost: { short: 'lost request', long: 'The provider no longer knows the request that it had accepted.' },
  bad_parameter: {
    short: 'wrong parameter',
    long: 'A parameter does not fit the catalogue, which may have changed since.',
  },
  too_large: { short: 'too much data', long: 'The data is larger than the limit.' },
  gone: { short: 'a refusal of further callbacks', long: 'The receiver declined further callbacks.' },
  unknown_provider: { short: 'unknown provider', long: 'The provider is no longer in the catalogue.' },
  credential_refused: {
    short: 'refused credential',
    long: 'The provider refused our credential. An operator must replace it.',
  },
  circuit_open: { short: 'open circuit', long: 'Calls are suspended because too many of them failed.' },
  limit_reached: { short: 'limit reached', long: 'The limit of concurrent calls or of calls per second was reached.' },
  paused: { short: 'paused', long: 'Operators have paused these calls.' },
  client_revoked: { short: 'revoked client', long: 'The client was revoked: nothing is delivered for it.' },
  lease_lost: { short: 'lost lease', long: 'The execution ran out of time before the call. Another one makes it.' },
  result_missing: { short: 'missing result', long: 'A collected result is no longer stored.' },
  internal: { short: 'internal error', long: 'An error of our own, not of the other side. The log has the details.' },
};

export type CallFailure = { class?: string | undefined; statusCode?: number | undefined };

/** `503`, `timeout`. Classes that this console does not know yet are shown as they are. */
export const shortFailure = ({ class: name, statusCode }: CallFailure): string => {
  const words = wordsOf(name)?.short ?? name?.replaceAll('_', ' ') ?? 'unknown error';
  if (statusCode === undefined) return words;
  return SAYS_NO_MORE.has(name) ? String(statusCode) : `${statusCode}, ${words}`;
};

/** Classes that add nothing to the status code. */
const SAYS_NO_MORE = new Set<string | undefined>(['bad_status', 'gone', undefined]);

export const longFailure = ({ class: name }: CallFailure): string | undefined => wordsOf(name)?.long;

const wordsOf = (name: string | undefined): Words | undefined =>
  name !== undefined && Object.hasOwn(TABLE, name) ? TABLE[name as FailureClass] : undefined;

/** `3 timeouts` is no English for every class: `answered 503`, `failed (timeout)`. */
export const failedHow = (failure: CallFailure): string =>
  failure.statusCode !== undefined ? `answered ${shortFailure(failure)}` : `failed (${shortFailure(failure)})`;
