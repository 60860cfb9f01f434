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
import type { Metrics } from '@boomerang/core/observability/metrics.ts';
import { type HttpAnswer, HttpFailure, type HttpRequest, type SendHttp } from '@boomerang/core/ports/http.ts';
import type { FindSecret } from '@boomerang/core/ports/secrets.ts';
import { type CircuitBreaker, CircuitOpen, type Verdict } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { checkCredential } from './check-credential.ts';
import {
  bearerCredential,
  type Credential,
  findProviderSecret,
  secretsOfHeaders,
  toCredential,
} from './credentials.ts';
import { isCredentialStatus } from './judge-answer.ts';
import { type LimitCalls, LimitReached, MAX_WAIT_MS, WAIT_AND_CALL_MS } from './limit-calls.ts';
import { dropToken, findToken, TokenNotGiven } from './oauth-tokens.ts';
import { createQuote, type Quote } from './quote.ts';

export type ExchangeDeps = {
  send: SendHttp;
  findSecret: FindSecret;
  now: () => number;
  log: Log;
  metrics: Metrics;
  breaker: CircuitBreaker;
  limitCalls: LimitCalls;
};

export type ExchangeContext = {
  jobId: string;
  /** When the lease of the job ends, epoch milliseconds. */
  leasedUntil: number;
  /** When the fetch began, epoch milliseconds: all its calls together take at most {@link WAIT_AND_CALL_MS}. */
  startedAt: number;
  /** Values that excerpts must not show, besides the credential and what is secret of the URL, however short they are. */
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
 * Makes one call to a provider: through its circuit and its limits, with our credential. If the credential is refused (401),
 * the token is dropped, the secret is read anew and the call is made once more: it may have been rotated since. A call gets at
 * most the time that is left of {@link WAIT_AND_CALL_MS}, waits for limits and a token's request included.
 *
 * @param read judges the answer and takes from it what is wanted; it throws a TaskError if that is not there. It runs inside
 * the circuit's call, so that its verdict counts.
 * @throws what `read` throws; ProviderUnavailable when no answer came; CredentialRefused; ProviderCircuitOpen |
 * ProviderLimitReached when the call was not made on purpose; LeaseLost, CredentialMissing, CredentialInvalid when it was not
 * made by a fault of ours
 */
export type Exchange = <T>(request: ExchangeRequest, read: Read<T>) => Promise<T>;

/** What storing a large result may take on top of the call. */
const STORE_MS = 3_000;

/** @throws LeaseLost if the lease might end before a call and storing its result do */
export const checkLease = (leasedUntil: number, now: number, startedAt: number): void => {
  if (leasedUntil - now < WAIT_AND_CALL_MS + STORE_MS) throw new LeaseLost({ class: 'lease_lost', startedAt });
};

export const createExchange = (deps: ExchangeDeps, provider: Provider, context: ExchangeContext): Exchange => {
  const { send, now, log, metrics, breaker, limitCalls } = deps;
  const { jobId, leasedUntil, startedAt, secrets = [] } = context;
  const { id: providerId, auth } = provider;
  const restMs = () => startedAt + WAIT_AND_CALL_MS - now();
  /** Whether the next call is the first of this fetch: only that one may wait for limits as long as it pleases. */
  let isFirst = true;

  const authorizationOf = async (request: ExchangeRequest, options: { isFresh?: boolean }): Promise<Authorization> => {
    const secret = auth ? await findProviderSecret(deps, { id: providerId, auth }, startedAt, options) : '';
    checkCredential(log, { id: providerId, url: request.url, auth }, secret, startedAt);
    if (!auth) return NO_AUTHORIZATION;
    if (auth.kind !== 'oauth2') {
      const credential = toCredential(auth, secret);
      return { find: async () => credential, drop: () => {} };
    }
    let token: string | undefined;
    return {
      find: async (timeoutMs) => {
        token = await findToken(deps, auth, secret, timeoutMs).catch((error: unknown) => {
          throw error instanceof TokenNotGiven ? toTaskError(error) : error;
        });
        return bearerCredential(token, secret);
      },
      drop: () => {
        if (token !== undefined) dropToken(deps, auth, secret, token);
      },
    };
  };

  const ask = async (request: ExchangeRequest, credential: Credential | undefined): Promise<HttpAnswer> => {
    const sentAt = now();
    try {
      return await send({ ...request, ...credential?.addTo(request) });
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      const { class: failureClass, durationMs, message: excerpt } = error;
      const failure: TaskFailure = { class: failureClass, startedAt: sentAt, durationMs, excerpt };
      if (failureClass === 'internal') throw new CredentialInvalid(failure, { cause: error });
      throw new ProviderUnavailable(failure, { cause: error });
    }
  };

  /** How long a part of the call may take: what it wants, or what is left of the fetch. */
  const timeLeft = (wantedMs: number): number => {
    const timeoutMs = Math.min(wantedMs, restMs());
    if (timeoutMs < Math.min(wantedMs, MIN_CALL_MS)) throw new OutOfTime();
    return timeoutMs;
  };

  /** Makes a call if the provider's circuit is closed, within its limits. */
  const call = async <T>(request: ExchangeRequest, authorization: Authorization, read: Read<T>): Promise<T> => {
    const maxWaitMs = isFirst ? undefined : Math.min(MAX_WAIT_MS, Math.max(0, restMs() - MIN_CALL_MS));
    isFirst = false;
    const run = async () => {
      // The tables may have taken their time.
      checkLease(leasedUntil, now(), startedAt);
      const credential = await authorization.find(timeLeft(request.timeoutMs));
      const limited = { ...provider, timeoutMs: request.timeoutMs };
      return limitCalls(
        limited,
        async () => {
          const sentAt = now();
          const answer = await ask({ ...request, timeoutMs: timeLeft(request.timeoutMs) }, credential);
          const hidden = () => [
            ...secretsOfUrl(request.url),
            ...secretsOfHeaders(provider),
            ...(credential?.secrets() ?? []),
          ];
          return read(answer, { startedAt: sentAt, now: now(), quote: createQuote(hidden, secrets) });
        },
        maxWaitMs,
      );
    };
    try {
      const party = { key: providerCircuitKey(providerId), longestCallMs: request.timeoutMs };
      return await breaker.call(party, run, judgeProvider);
    } catch (error) {
      if (error instanceof OutOfTime) {
        throw new ProviderUnavailable({ class: 'timeout', startedAt, durationMs: now() - startedAt, excerpt: NO_TIME });
      }
      if (error instanceof LimitReached) throw new ProviderLimitReached({ class: 'limit_reached', startedAt });
      if (!(error instanceof CircuitOpen)) throw error;
      const { retryAfterMs, lastFailure: cause } = error;
      throw new ProviderCircuitOpen({ class: 'circuit_open', startedAt, retryAfterMs, ...(cause && { cause }) });
    }
  };

  return async (request, read) => {
    const authorization = await authorizationOf(request, {});
    try {
      try {
        return await call(request, authorization, read);
      } catch (error) {
        if (!isCredentialRefusal(error, provider)) throw error;
        // Even where no time is left to ask: the next attempt of this process must not start with the old one.
        authorization.drop();
        const fresh = await authorizationOf(request, { isFresh: true });
        if (restMs() < MIN_CALL_MS) throw error;
        return await call(request, fresh, read).catch((again: unknown) => {
          if (isCredentialRefusal(again, provider)) fresh.drop();
          throw again;
        });
      }
    } catch (error) {
      if (!isCredentialRefusal(error, provider)) throw error;
      log.error('A provider refuses our credential', { jobId, providerId, secret: auth?.secret });
      metrics.count('CredentialsRefused', { provider: providerId });
      throw new CredentialRefused({ ...error.failure, class: 'credential_refused' }, { cause: error });
    }
  };
};

type Read<T> = (answer: HttpAnswer, reading: Reading) => T;

/** How calls get their credential. */
type Authorization = {
  /** Inside the circuit's call: a token may have to be asked for first. */
  find: (timeoutMs: number) => Promise<Credential | undefined>;
  /** The provider has refused the credential: a token is not used again. */
  drop: () => void;
};

const NO_AUTHORIZATION: Authorization = { find: async () => undefined, drop: () => {} };

const toTaskError = ({ verdict, failure }: TokenNotGiven): TaskError => {
  switch (verdict) {
    case 'refused':
      return new CredentialRefused(failure);
    case 'throttled':
      return new ProviderThrottled(failure);
    case 'unavailable':
      return new ProviderUnavailable(failure);
    case 'invalid':
      return new CredentialInvalid(failure);
  }
};

/** Of the time that all calls of a fetch have together, too little is left for another one. */
class OutOfTime extends Error {
  override name = 'OutOfTime';
}

const NO_TIME = 'no time was left for this call';

/** With less time than this a call would only look like a provider that times out, milliseconds. */
const MIN_CALL_MS = 1_000;

/** Whether a call ended because our credential was not accepted: by the token endpoint, or by the provider itself. */
const isCredentialRefusal = (error: unknown, provider: Provider): error is TaskError =>
  error instanceof CredentialRefused ||
  (error instanceof TaskError && isCredentialStatus(error.failure.statusCode, provider));

/** Whether an error is an answer of the provider, or the lack of one: the provider was asked. */
export const isAnswerOfProvider = (
  error: unknown,
): error is ProviderUnavailable | ProviderThrottled | ProviderRefused =>
  error instanceof ProviderUnavailable || error instanceof ProviderThrottled || error instanceof ProviderRefused;

/** A provider that refuses, or has its data not yet, works; failures of our own say nothing of it. */
const judgeProvider = (error: unknown): Verdict => {
  if (error instanceof ProviderRefused || error instanceof CredentialRefused) return 'succeeded';
  if (!isAnswerOfProvider(error)) return 'unknown';
  const { class: failureClass, statusCode } = error.failure;
  if (failureClass === 'not_ready' || failureClass === 'ticket_lost') return 'succeeded';
  return failureClass === 'internal' ? 'unknown' : { class: failureClass, statusCode };
};
