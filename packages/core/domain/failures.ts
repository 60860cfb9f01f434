import type { TaskFailure } from '../contracts/task-failure.ts';
import { cutText } from './text.ts';

export const MAX_EXCERPT_CHARACTERS = 200;

/**
 * A failure of a task. Its `name` is what Retry and Catch of the state machine match, its message is a {@link TaskFailure}
 * as one line of JSON, at most 1 KiB.
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

  countTries(tries: number): this {
    this.failure = { ...this.failure, tries };
    this.message = JSON.stringify(this.failure);
    return this;
  }
}

/**
 * Runs one try of a task; what it fails with tells how many there were.
 * @param retryCount how many came before; undefined where the execution doesn't say
 */
export const countingTries = async <T>(
  retryCount: number | undefined,
  run: (tries: number | undefined) => Promise<T>,
): Promise<T> => {
  const tries = retryCount === undefined ? undefined : retryCount + 1;
  try {
    return await run(tries);
  } catch (error) {
    throw tries !== undefined && error instanceof TaskError ? error.countTries(tries) : error;
  }
};

/** The provider could not answer now; worth a quick retry. */
export class ProviderUnavailable extends TaskError {
  override name = 'ProviderUnavailable';
}

/** The provider asked us to come back later: no quick retry. */
export class ProviderThrottled extends TaskError {
  override name = 'ProviderThrottled';
}

/** The provider will not give this data, however often it is asked. */
export class ProviderRefused extends TaskError {
  override name = 'ProviderRefused';
}

/** The provider refuses our credential, read anew: operators have to mend it. No quick retry. */
export class CredentialRefused extends TaskError {
  override name = 'CredentialRefused';
}

/** The provider's credential can't be sent as it is configured. That is our own fault: the call was not made. */
export class CredentialInvalid extends TaskError {
  override name = 'CredentialInvalid';
}

/** The provider is in trouble and left alone; the call was not made. */
export class ProviderCircuitOpen extends TaskError {
  override name = 'ProviderCircuitOpen';
}

/** As much as the provider allows is under way; the call was not made. */
export class ProviderLimitReached extends TaskError {
  override name = 'ProviderLimitReached';
}

/** Operators have paused calls of this kind; the call was not made. */
export class Paused extends TaskError {
  override name = 'Paused';
}

/** The receiver's host is in trouble and left alone; the call was not made. */
export class CallbackCircuitOpen extends TaskError {
  override name = 'CallbackCircuitOpen';
}

/** The receiver could not answer now; worth a quick retry. */
export class CallbackUnavailable extends TaskError {
  override name = 'CallbackUnavailable';
}

/** The receiver asked us to come back later: no quick retry. */
export class CallbackThrottled extends TaskError {
  override name = 'CallbackThrottled';
}

/** The receiver did not want it: no quick retry, and none at all if it is `gone`, `too_large` or `client_revoked`. */
export class CallbackRejected extends TaskError {
  override name = 'CallbackRejected';
}

/** The call was not made, by a fault of ours, such as a table that could not be read: it says nothing of the receiver. */
export class CallbackNotSent extends TaskError {
  override name = 'CallbackNotSent';
}

/** Too little is left of the lease to make the call: somebody else may hold the job before it ends. */
export class LeaseLost extends TaskError {
  override name = 'LeaseLost';
}

/** A secret that a call needs is missing or out of reach: the call was not made. */
export class CredentialMissing extends TaskError {
  override name = 'CredentialMissing';
}

/** What a provider gave is no longer stored, or not whole: the callback was not sent. */
export class ResultMissing extends TaskError {
  override name = 'ResultMissing';

  constructor(providerId: string) {
    super({ class: 'result_missing', providerId });
  }
}

/** The receiver has the callback, but the job's end could not be written. It must never be called again. */
export class OutcomeNotSaved extends TaskError {
  override name = 'OutcomeNotSaved';
}

/** An item another writer has changed since it was read: the writer's claim is no longer the newest. */
export class StaleClaim extends Error {
  override name = 'StaleClaim';
}

/** A failure as logs may show it: without what the other side answered. */
export const loggable = (error: unknown): Record<string, unknown> => {
  if (!(error instanceof TaskError)) return { error };
  const { excerpt: _, ...facts } = error.failure;
  return { failure: error.name, ...facts };
};
