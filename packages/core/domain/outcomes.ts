import type { TaskFailure } from '../contracts/task-failure.ts';
import type { StoredResult } from './job.ts';

/**
 * What an execution learned, in the words of this domain. The contracts of the tasks translate into it what Step Functions
 * and Lambda report; nothing behind them knows these services' names.
 *
 * | kind | the call | costs an attempt | next |
 * |---|---|---|---|
 * | `fetched`, `delivered` | succeeded | yes | – |
 * | `refused` | was answered: never, however often it is repeated | if it went out | this part is over |
 * | `failed` | failed on the other side | yes | the schedule, or the other side's hint |
 * | `working` | was accepted: the provider is still working on it | no | the provider's interval, or its hint |
 * | `deferred` | was not made, on purpose: circuit, limit, pause | no | when the cause is over |
 * | `notAttempted` | was not made, or not to its end, by a fault of ours | no | soon, backing off |
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
  /** What a provider gave is no longer stored. */
  | { kind: 'resultMissing'; providerId: string };

/** Why a receiver will never get this callback. */
export type RefusalReason = 'gone' | 'too_large' | 'client_revoked';

/** A provider gave its data. */
export type Fetched = {
  kind: 'fetched';
  /** Epoch milliseconds. */
  fetchedAt: number;
  /** Size of the JSON text, UTF-8 bytes. */
  bytes: number;
  durationMs: number;
  statusCode: number;
  /** How many calls the execution made, quick retries included. */
  tries?: number | undefined;
  /** The JSON text; absent when it was too large to travel and is stored already. */
  json?: string | undefined;
  stored?: StoredResult | undefined;
};

export type Delivered = { kind: 'delivered'; statusCode: number; durationMs: number; tries?: number | undefined };

/** Its class says why: `circuit_open`, `limit_reached` or `paused`; its `retryAfterMs`, when to look again. */
export type Deferred = { kind: 'deferred'; failure: TaskFailure };

/** @property cause what failed, for our own logs */
export type NotAttempted = { kind: 'notAttempted'; failure: TaskFailure; cause: string };

/**
 * Where a provider that is still working on a request can be asked for its result.
 *
 * @property url at most 2,048 characters; it may hold a token: it is stored with the job and sent to its provider, and never shown
 * @property since when the provider accepted the request, epoch milliseconds
 * @property polls how often it was asked there and was still working
 */
export type Ticket = { url: string; since: number; polls: number };

/** Everything that one execution learned of a job. */
export type Outcomes = { fetches: FetchOutcome[]; delivery?: CallbackOutcome | undefined };

type Outcome = FetchOutcome | CallbackOutcome;

/** Classes of refusals that we know without asking the other side. */
const KNOWN_WITHOUT_A_CALL = new Set(['unknown_provider', 'bad_parameter', 'too_large', 'client_revoked']);

/** Whether the call counts as an attempt: attempts are counted and logged, and a schedule of them may end. */
export const isAttempt = (outcome: Outcome): boolean => outcome.kind !== 'working' && isCallMade(outcome);

/** Whether the call went out, and its end is known. */
export const isCallMade = (outcome: Outcome): boolean => {
  switch (outcome.kind) {
    case 'fetched':
    case 'delivered':
    case 'failed':
    case 'working':
      return true;
    case 'refused':
      return outcome.failure.statusCode !== undefined || !KNOWN_WITHOUT_A_CALL.has(outcome.failure.class);
    case 'deferred':
    case 'notAttempted':
    case 'resultMissing':
      return false;
  }
};
