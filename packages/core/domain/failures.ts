import type { TaskFailure } from '../contracts/task-failure.ts';
import { cutText } from './text.ts';

export const MAX_EXCERPT_CHARACTERS = 200;

/**
 * A failure of a task. Retry and Catch of the state machine match its `name`. Its message is a {@link TaskFailure} as one
 * line of JSON, at most 1 KiB.
 */
export abstract class TaskError extends Error {
  failure: TaskFailure;

  constructor(failure: TaskFailure, options?: ErrorOptions) {
    const { excerpt } = failure;
    const capped: TaskFailure =
      excerpt === undefined ? failure : { ...failure, excerpt: cutText(excerpt, MAX_EXCERPT_CHARACTERS) };
    super(JSON.stringify(capped), options);
    this.failure = capped;
  }

  /** Adds the number of calls made to the failure and to the message. */
  withTries(tries: number): this {
    this.failure = { ...this.failure, tries };
    this.message = JSON.stringify(this.failure);
    return this;
  }
}

/**
 * Runs one call of a task and records in its failure how many calls were made.
 * @param retryCount previous calls by the state machine's Retry; undefined if unknown
 */
export const countingTries = async <T>(
  retryCount: number | undefined,
  run: (tries: number | undefined) => Promise<T>,
): Promise<T> => {
  const tries = retryCount === undefined ? undefined : retryCount + 1;
  try {
    return await run(tries);
  } catch (error) {
    throw tries !== undefined && error instanceof TaskError ? error.withTries(tries) : error;
  }
};

/** The provider could not respond; a quick retry may help. */
export class ProviderUnavailable extends TaskError {
  override name = 'ProviderUnavailable';
}

/** The provider throttled the call; no quick retry. */
export class ProviderThrottled extends TaskError {
  override name = 'ProviderThrottled';
}

/** The provider refused the request; a retry can't help. */
export class ProviderRefused extends TaskError {
  override name = 'ProviderRefused';
}

/** The provider refused our credential twice, the second time freshly read. An operator must replace it; no quick retry. */
export class CredentialRefused extends TaskError {
  override name = 'CredentialRefused';
}

/** The configured credential can't be sent, which is an internal fault. The call was not made. */
export class CredentialInvalid extends TaskError {
  override name = 'CredentialInvalid';
}

/** The provider's circuit is open. The call was not made. */
export class ProviderCircuitOpen extends TaskError {
  override name = 'ProviderCircuitOpen';
}

/** The provider's concurrency or rate limit is reached. The call was not made. */
export class ProviderLimitReached extends TaskError {
  override name = 'ProviderLimitReached';
}

/** Operators have paused calls of this kind. The call was not made. */
export class Paused extends TaskError {
  override name = 'Paused';
}

/** The circuit of the receiver's host is open. The call was not made. */
export class CallbackCircuitOpen extends TaskError {
  override name = 'CallbackCircuitOpen';
}

/** The receiver could not respond; a quick retry may help. */
export class CallbackUnavailable extends TaskError {
  override name = 'CallbackUnavailable';
}

/** The receiver throttled the call; no quick retry. */
export class CallbackThrottled extends TaskError {
  override name = 'CallbackThrottled';
}

/** The callback was rejected: no quick retry; no retry at all for class `gone`, `too_large` or `client_revoked`. */
export class CallbackRejected extends TaskError {
  override name = 'CallbackRejected';
}

/** An internal fault, such as an unreadable table, prevented the call. It must not count against the receiver. */
export class CallbackNotSent extends TaskError {
  override name = 'CallbackNotSent';
}

/** The lease would expire before the call could end, so another execution might claim the job meanwhile. */
export class LeaseLost extends TaskError {
  override name = 'LeaseLost';
}

/** A secret needed for the call is missing or can't be read. The call was not made. */
export class CredentialMissing extends TaskError {
  override name = 'CredentialMissing';
}

/** A provider's result is no longer stored, or incomplete. The callback was not sent. */
export class ResultMissing extends TaskError {
  override name = 'ResultMissing';

  constructor(providerId: string) {
    super({ class: 'result_missing', providerId });
  }
}

/** The callback was delivered, but the outcome could not be saved. The callback must not be sent again. */
export class OutcomeNotSaved extends TaskError {
  override name = 'OutcomeNotSaved';
}

/** The write failed because the item has changed since it was read, for example by a newer claim. */
export class StaleClaim extends Error {
  override name = 'StaleClaim';
}

/** A failure in a form safe to log: without the excerpt of the response. */
export const loggable = (error: unknown): Record<string, unknown> => {
  if (!(error instanceof TaskError)) return { error };
  const { excerpt: _, ...failure } = error.failure;
  return { failure: error.name, ...failure };
};
