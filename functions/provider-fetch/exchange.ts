import type { TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { providerCircuitKey } from '@boomerang/core/domain/circuit.ts';
import {
  CredentialInvalid,
  CredentialRefused,
  LeaseLost,
  ProviderCircuitOpen,
  ProviderLimitReached,
  ProviderRefused,
  ProviderThrottled,
  ProviderUnavailable,
  TaskError,
} from '@boomerang/core/domain/failures.ts';
import { secretsOfUrl } from '@boomerang/core/domain/mask.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { Meter } from '@boomerang/core/observability/meter.ts';
import { type HttpAnswer, HttpFailure, type HttpRequest, type SendHttp } from '@boomerang/core/ports/http.ts';
import type { FindSecret } from '@boomerang/core/ports/secrets.ts';
import { type CircuitBreaker, CircuitOpen, type Verdict } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { checkCredential } from './check-credential.ts';
import { type Credential, findCredential } from './credentials.ts';
import { type LimitCalls, LimitReached, MAX_WAIT_MS, WAIT_AND_CALL_MS } from './limit-calls.ts';
import { createQuote, type Quote } from './quote.ts';

export type ExchangeDeps = {
  send: SendHttp;
  findSecret: FindSecret;
  now: () => number;
  log: Log;
  meter: Meter;
  breaker: CircuitBreaker;
  limitCalls: LimitCalls;
};

export type ExchangeContext = {
  jobId: string;
  /** When the lease of the job ends, epoch milliseconds. */
  leasedUntil: number;
  /** When the fetch began, epoch milliseconds: all its calls together take at most {@link WAIT_AND_CALL_MS}. */
  startedAt: number;
  /** What excerpts must not show, besides the credential and what is secret of the URL. */
  secrets?: readonly string[];
};

/** A request without our credential. */
export type ExchangeRequest = HttpRequest & { headers: Record<string, string> };

/** What reading an answer needs to know of its call. Times are epoch milliseconds. */
export type Reading = {
  /** When the request was sent. */
  startedAt: number;
  /** When the answer had arrived. */
  now: number;
  quote: Quote;
};

/**
 * Makes one call to a provider: through its circuit and its limits, with our credential. If the provider refuses the
 * credential (401), the secret is read anew and the call is made once more: it may have been rotated since.
 *
 * @param read judges the answer and takes from it what is wanted; it throws a TaskError if that is not there. It runs inside
 * the circuit's call, so that its verdict counts.
 * @throws what `read` throws; ProviderUnavailable when no answer came; CredentialRefused; ProviderCircuitOpen |
 * ProviderLimitReached when the call was not made on purpose; LeaseLost, CredentialMissing, CredentialInvalid when it was not
 * made by a fault of ours
 */
export type Exchange = <T>(request: ExchangeRequest, read: (answer: HttpAnswer, reading: Reading) => T) => Promise<T>;

/** What storing a large result may take on top of the call. */
const STORE_MS = 3_000;

/** @throws LeaseLost if the lease might end before a call and storing its result do */
export const checkLease = (leasedUntil: number, now: number, startedAt: number): void => {
  if (leasedUntil - now < WAIT_AND_CALL_MS + STORE_MS) throw new LeaseLost({ class: 'lease_lost', startedAt });
};

export const createExchange = (deps: ExchangeDeps, provider: Provider, context: ExchangeContext): Exchange => {
  const { send, now, log, meter, breaker, limitCalls } = deps;
  const { jobId, leasedUntil, startedAt } = context;

  const ask = async (request: ExchangeRequest, credential: Credential | undefined): Promise<HttpAnswer> => {
    const sentAt = now();
    try {
      const headers = { ...request.headers, ...(credential && { [credential.header]: credential.value }) };
      return await send({ ...request, headers });
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      const { class: failureClass, durationMs, message: excerpt } = error;
      const failure: TaskFailure = { class: failureClass, startedAt: sentAt, durationMs, excerpt };
      if (failureClass === 'internal') throw new CredentialInvalid(failure, { cause: error });
      throw new ProviderUnavailable(failure, { cause: error });
    }
  };

  /** Makes a call if the provider's circuit is closed, within its limits. */
  const call = async <T>(
    request: ExchangeRequest,
    credential: Credential | undefined,
    read: (answer: HttpAnswer, reading: Reading) => T,
  ): Promise<T> => {
    const secrets = [...(context.secrets ?? []), ...secretsOfUrl(request.url), ...(credential?.secrets ?? [])];
    const run = async () => {
      // The tables may have taken their time.
      checkLease(leasedUntil, now(), startedAt);
      return limitCalls({ ...provider, timeoutMs: request.timeoutMs }, async () => {
        const sentAt = now();
        const answer = await ask(request, credential);
        return read(answer, { startedAt: sentAt, now: now(), quote: createQuote(secrets) });
      });
    };
    try {
      const party = { key: providerCircuitKey(provider.id), longestCallMs: request.timeoutMs };
      return await breaker.call(party, run, judgeProvider);
    } catch (error) {
      if (error instanceof LimitReached) throw new ProviderLimitReached({ class: 'limit_reached', startedAt });
      if (!(error instanceof CircuitOpen)) throw error;
      const { retryAfterMs, lastFailure: cause } = error;
      throw new ProviderCircuitOpen({ class: 'circuit_open', startedAt, retryAfterMs, ...(cause && { cause }) });
    }
  };

  return async (request, read) => {
    const callWith = (credential: Credential | undefined, timeoutMs = request.timeoutMs) => {
      checkCredential(log, { id: provider.id, url: request.url }, credential, startedAt);
      return call({ ...request, timeoutMs }, credential, read);
    };
    if (!provider.auth) return callWith(undefined);
    try {
      try {
        return await callWith(await findCredential(deps, provider, startedAt));
      } catch (error) {
        if (!isCredentialRefusal(error)) throw error;
        // Even where no time is left to ask: the next attempt of this process must not start with the old one.
        const credential = await findCredential(deps, provider, startedAt, { isFresh: true });
        const restMs = startedAt + WAIT_AND_CALL_MS - MAX_WAIT_MS - now();
        if (restMs < MIN_CALL_MS) throw error;
        return await callWith(credential, Math.min(request.timeoutMs, restMs));
      }
    } catch (error) {
      if (!isCredentialRefusal(error)) throw error;
      const { id: providerId, auth } = provider;
      log.error('A provider refuses our credential', { jobId, providerId, secret: auth.secret });
      meter.count('CredentialsRefused', { provider: providerId });
      throw new CredentialRefused({ ...error.failure, class: 'credential_refused' }, { cause: error });
    }
  };
};

/** With less time than this a call would only look like a provider that times out, milliseconds. */
const MIN_CALL_MS = 1_000;

const UNAUTHORIZED = 401;

const isCredentialRefusal = (error: unknown): error is TaskError =>
  error instanceof TaskError && error.failure.statusCode === UNAUTHORIZED;

/** Whether an error is an answer of the provider, or the lack of one: the provider was asked. */
export const isAnswerOfProvider = (
  error: unknown,
): error is ProviderUnavailable | ProviderThrottled | ProviderRefused =>
  error instanceof ProviderUnavailable || error instanceof ProviderThrottled || error instanceof ProviderRefused;

/** A provider that refuses, or has its data not yet, works; failures of our own say nothing of it. */
const judgeProvider = (error: unknown): Verdict => {
  if (error instanceof ProviderRefused) return 'succeeded';
  if (!isAnswerOfProvider(error)) return 'unknown';
  const { class: failureClass, statusCode } = error.failure;
  if (failureClass === 'not_ready' || failureClass === 'ticket_lost') return 'succeeded';
  return failureClass === 'internal' ? 'unknown' : { class: failureClass, statusCode };
};
