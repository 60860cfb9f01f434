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
import { HttpFailure, type HttpRequest, type HttpResponse, type SendHttp } from '@boomerang/core/ports/http.ts';
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
import { isCredentialStatus } from './judge-response.ts';
import { type LimitCalls, LimitReached, MAX_WAIT_MS, WAIT_AND_CALL_MS } from './limit-calls.ts';
import { dropToken, findToken, TokenRequestFailed } from './oauth-tokens.ts';
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
  /** When the fetch started, epoch milliseconds. All its calls together may take {@link WAIT_AND_CALL_MS}. */
  startedAt: number;
  /** Values to mask in excerpts, however short, in addition to the credential and the secrets of the URL. */
  secrets?: readonly string[];
};

/** A request without our credential. */
export type ExchangeRequest = HttpRequest & { headers: Record<string, string> };

/** The call that a response belongs to. Times are epoch milliseconds. */
export type ResponseContext = {
  /** When the request was sent. */
  startedAt: number;
  /** When the response had arrived. */
  now: number;
  quote: Quote;
};

/**
 * Makes one call to a provider with our credential, through its circuit breaker and its limits. On 401 the token is dropped,
 * the secret is read again, since it may have been rotated, and the call is made once more. A call may take the time left of
 * {@link WAIT_AND_CALL_MS}, including waits for limits and the token request.
 *
 * @param read judges the response and extracts the result; throws a TaskError on failure. It runs inside the circuit breaker's
 * call, so that a failure counts.
 * @throws what `read` throws
 * @throws ProviderUnavailable if there was no response, CredentialRefused
 * @throws ProviderCircuitOpen | ProviderLimitReached if the call is deferred
 * @throws LeaseLost | CredentialMissing | CredentialInvalid if an internal fault prevented the call
 */
export type Exchange = <T>(request: ExchangeRequest, read: ReadResponse<T>) => Promise<T>;

/** The time allowed for storing a large result, on top of the call. */
const STORE_MS = 3_000;

/** @throws LeaseLost if the lease could expire before a call ends and its result is stored */
export const checkLease = (leasedUntil: number, now: number, startedAt: number): void => {
  if (leasedUntil - now < WAIT_AND_CALL_MS + STORE_MS) throw new LeaseLost({ class: 'lease_lost', startedAt });
};

export const createExchange = (deps: ExchangeDeps, provider: Provider, context: ExchangeContext): Exchange => {
  const { send, now, log, metrics, breaker, limitCalls } = deps;
  const { jobId, leasedUntil, startedAt, secrets = [] } = context;
  const { id: providerId, auth } = provider;
  const remainingMs = () => startedAt + WAIT_AND_CALL_MS - now();
  /** Whether the next call is the first of this fetch. Only later calls limit their wait to the time left. */
  let isFirst = true;

  const authorizationOf = async (
    request: ExchangeRequest,
    options: { bypassCache?: boolean },
  ): Promise<Authorization> => {
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
          throw error instanceof TokenRequestFailed ? toTaskError(error) : error;
        });
        return bearerCredential(token, secret);
      },
      drop: () => {
        if (token !== undefined) dropToken(deps, auth, secret, token);
      },
    };
  };

  const sendRequest = async (request: ExchangeRequest, credential: Credential | undefined): Promise<HttpResponse> => {
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

  /** The timeout for one part of the call: `wantedMs`, or less if less time is left. */
  const timeLeft = (wantedMs: number): number => {
    const timeoutMs = Math.min(wantedMs, remainingMs());
    if (timeoutMs < Math.min(wantedMs, MIN_CALL_MS)) throw new OutOfTime();
    return timeoutMs;
  };

  /** Makes one call through the circuit breaker and the limits. */
  const call = async <T>(request: ExchangeRequest, authorization: Authorization, read: ReadResponse<T>): Promise<T> => {
    const maxWaitMs = isFirst ? undefined : Math.min(MAX_WAIT_MS, Math.max(0, remainingMs() - MIN_CALL_MS));
    isFirst = false;
    const run = async () => {
      // Reading the circuit may have been slow.
      checkLease(leasedUntil, now(), startedAt);
      const credential = await authorization.find(timeLeft(request.timeoutMs));
      const limited = { ...provider, timeoutMs: request.timeoutMs };
      return limitCalls(
        limited,
        async () => {
          const sentAt = now();
          const response = await sendRequest({ ...request, timeoutMs: timeLeft(request.timeoutMs) }, credential);
          const masked = () => [
            ...secretsOfUrl(request.url),
            ...secretsOfHeaders(provider),
            ...(credential?.secrets() ?? []),
          ];
          return read(response, { startedAt: sentAt, now: now(), quote: createQuote(masked, secrets) });
        },
        maxWaitMs,
      );
    };
    try {
      const party = { key: providerCircuitKey(providerId), longestCallMs: request.timeoutMs };
      return await breaker.call(party, run, judgeProvider);
    } catch (error) {
      if (error instanceof OutOfTime) {
        const excerpt = 'no time was left for this call';
        throw new ProviderUnavailable({ class: 'timeout', startedAt, durationMs: now() - startedAt, excerpt });
      }
      if (error instanceof LimitReached) throw new ProviderLimitReached({ class: 'limit_reached', startedAt });
      if (!(error instanceof CircuitOpen)) throw error;
      const { retryAfterMs, lastFailure: cause } = error;
      throw new ProviderCircuitOpen({ class: 'circuit_open', startedAt, retryAfterMs, ...(cause && { cause }) });
    }
  };

  /** Makes the call; if the credential is refused, once more with one that was read again. */
  const callTwice = async <T>(request: ExchangeRequest, read: ReadResponse<T>): Promise<T> => {
    const authorization = await authorizationOf(request, {});
    try {
      return await call(request, authorization, read);
    } catch (error) {
      if (!isCredentialRefusal(error, provider)) throw error;
      // Dropped even if no time is left for another call: the next fetch of this process must not use the refused token.
      authorization.drop();
      const fresh = await authorizationOf(request, { bypassCache: true });
      if (remainingMs() < MIN_CALL_MS) throw error;
      return await call(request, fresh, read).catch((again: unknown) => {
        if (isCredentialRefusal(again, provider)) fresh.drop();
        throw again;
      });
    }
  };

  return async (request, read) => {
    try {
      return await callTwice(request, read);
    } catch (error) {
      if (!isCredentialRefusal(error, provider)) throw error;
      log.error('Credential refused', { jobId, providerId, secret: auth?.secret });
      metrics.count('CredentialsRefused', { provider: providerId });
      throw new CredentialRefused({ ...error.failure, class: 'credential_refused' }, { cause: error });
    }
  };
};

type ReadResponse<T> = (response: HttpResponse, context: ResponseContext) => T;

/** Finds the credential for calls. */
type Authorization = {
  /** Called inside the circuit breaker's call because it may request a token first. */
  find: (timeoutMs: number) => Promise<Credential | undefined>;
  /** Drops a token that the provider refused. */
  drop: () => void;
};

const NO_AUTHORIZATION: Authorization = { find: async () => undefined, drop: () => {} };

const toTaskError = ({ verdict, failure }: TokenRequestFailed): TaskError => {
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

/** Too little of the fetch's total time is left for another call. */
class OutOfTime extends Error {
  override name = 'OutOfTime';
}

/** Minimum time for a call, milliseconds. With less, a timeout would wrongly count against the provider. */
const MIN_CALL_MS = 1_000;

/** Whether the token endpoint or the provider refused our credential. */
const isCredentialRefusal = (error: unknown, provider: Provider): error is TaskError =>
  error instanceof CredentialRefused ||
  (error instanceof TaskError && isCredentialStatus(error.failure.statusCode, provider));

/** Whether an error comes from a call that was made: the provider returned a failure or did not respond. */
export const isFailedCall = (error: unknown): error is ProviderUnavailable | ProviderThrottled | ProviderRefused =>
  error instanceof ProviderUnavailable || error instanceof ProviderThrottled || error instanceof ProviderRefused;

/** A refusal, or data that is not ready, still counts as success for the circuit. Internal faults count as neither. */
const judgeProvider = (error: unknown): Verdict => {
  if (error instanceof ProviderRefused || error instanceof CredentialRefused) return 'succeeded';
  if (!isFailedCall(error)) return 'unknown';
  const { class: failureClass, statusCode } = error.failure;
  if (failureClass === 'not_ready' || failureClass === 'ticket_lost') return 'succeeded';
  return failureClass === 'internal' ? 'unknown' : { class: failureClass, statusCode };
};
