import type { TaskFailure } from '../contracts/task-failure.ts';
import type { StoredResult } from './job.ts';

/**
 * The outcome of one of an execution's calls. The task contracts translate the reports of Step Functions and Lambda to these
 * types, so that the domain does not depend on the services.
 *
 * | kind | the call | costs an attempt | next |
 * |---|---|---|---|
 * | `fetched`, `delivered` | succeeded | yes | – |
 * | `refused` | was refused; retrying can't help | if it was sent | no retry |
 * | `failed` | failed on the other side | yes | the schedule, or the other side's hint |
 * | `working` | was accepted; the provider is still working on it | no | the polling interval, or the provider's hint |
 * | `deferred` | was not made because of a circuit, limit or pause | no | when the cause ends |
 * | `notAttempted` | was not made or not completed because of an internal fault | no | soon, with backoff |
 */
export type FetchOutcome = { providerId: string } & (
  | Fetched
  | { kind: 'refused'; failure: TaskFailure }
  | { kind: 'failed'; failure: TaskFailure }
  | { kind: 'working'; ticket: Ticket; retryAfterMs: number }
  | Deferred
  | NotAttempted
);

export type CallbackOutcome =
  | Delivered
  | { kind: 'refused'; reason: RefusalReason; failure: TaskFailure }
  | { kind: 'failed'; failure: TaskFailure }
  | Deferred
  | NotAttempted
  /** A provider's result is no longer stored. */
  | { kind: 'resultMissing'; providerId: string };

/** Why a receiver will never get this callback. */
export type RefusalReason = 'gone' | 'too_large' | 'client_revoked';

/** A provider returned its data. */
export type Fetched = {
  kind: 'fetched';
  /** Epoch milliseconds. */
  fetchedAt: number;
  /** Size of the JSON text, UTF-8 bytes. */
  bytes: number;
  durationMs: number;
  statusCode: number;
  /** Calls that the execution made, quick retries included. */
  tries?: number | undefined;
  /** The JSON text; absent if it was too large for the state machine's payload and is already stored. */
  json?: string | undefined;
  stored?: StoredResult | undefined;
};

export type Delivered = { kind: 'delivered'; statusCode: number; durationMs: number; tries?: number | undefined };

/** The failure's class is `circuit_open`, `limit_reached` or `paused`; its `retryAfterMs` says when to check again. */
export type Deferred = { kind: 'deferred'; failure: TaskFailure };

/** @property cause the underlying error, for our own logs */
export type NotAttempted = { kind: 'notAttempted'; failure: TaskFailure; cause: string };

/**
 * Where to poll a provider that is still working on a request.
 *
 * @property url at most 2,048 characters. It may contain a token: it is stored with the job, sent only to the provider and
 * never shown
 * @property since when the provider accepted the request, epoch milliseconds
 * @property polls the number of polls so far; the response to each was "still working"
 */
export type Ticket = { url: string; since: number; polls: number };

/** All outcomes of one execution. */
export type Outcomes = { fetches: FetchOutcome[]; delivery?: CallbackOutcome | undefined };

export type Outcome = FetchOutcome | CallbackOutcome;

/** Classes of refusals that are decided before a call is made. */
const REFUSED_WITHOUT_CALL = new Set(['unknown_provider', 'bad_parameter', 'too_large', 'client_revoked']);

/** Whether the call counts as an attempt. Attempts are logged and use up the retry schedule. */
export const isAttempt = (outcome: Outcome): boolean => outcome.kind !== 'working' && isCallMade(outcome);

/** Whether the call is an attempt that failed. A job whose attempt failed is in trouble until it ends. */
export const isFailedAttempt = (outcome: Outcome): boolean =>
  isAttempt(outcome) && outcome.kind !== 'fetched' && outcome.kind !== 'delivered';

/** Whether an internal fault prevented or interrupted the call. */
export const isInternalFault = ({ kind }: Outcome): boolean => kind === 'notAttempted';

/** Whether the call was made and its outcome is known. */
export const isCallMade = (outcome: Outcome): boolean => {
  switch (outcome.kind) {
    case 'fetched':
    case 'delivered':
    case 'failed':
    case 'working':
      return true;
    case 'refused':
      return outcome.failure.statusCode !== undefined || !REFUSED_WITHOUT_CALL.has(outcome.failure.class);
    case 'deferred':
    case 'notAttempted':
    case 'resultMissing':
      return false;
  }
};
