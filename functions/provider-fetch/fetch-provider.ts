import type { FetchedPayload } from '@boomerang/core/contracts/provider-outcome.ts';
import type { TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { Catalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { providerCircuitKey } from '@boomerang/core/domain/circuit.ts';
import {
  CredentialInvalid,
  CredentialMissing,
  CredentialRefused,
  countingTries,
  LeaseLost,
  loggable,
  Paused,
  ProviderCircuitOpen,
  ProviderLimitReached,
  ProviderRefused,
  ProviderThrottled,
  ProviderUnavailable,
  TaskError,
} from '@boomerang/core/domain/failures.ts';
import type { StoredResult } from '@boomerang/core/domain/job.ts';
import { secretsOfCredential, secretsOfUrl } from '@boomerang/core/domain/mask.ts';
import { firstKeptUntil } from '@boomerang/core/domain/result-life.ts';
import type { SettlePolicy } from '@boomerang/core/domain/settle.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { Meter } from '@boomerang/core/observability/meter.ts';
import { type HttpAnswer, HttpFailure, type SendHttp } from '@boomerang/core/ports/http.ts';
import type { JobReader, ResultStore } from '@boomerang/core/ports/jobs.ts';
import { type FindSecret, SecretMissing } from '@boomerang/core/ports/secrets.ts';
import { type CircuitBreaker, CircuitOpen, type Verdict } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { discardUnwanted } from '@boomerang/core/use-cases/discard-result.ts';
import { USER_AGENT } from '@boomerang/core/version.ts';
import { checkCredential } from './check-credential.ts';
import { judgeAnswer } from './judge-answer.ts';
import { type LimitCalls, LimitReached, MAX_WAIT_MS, WAIT_AND_CALL_MS } from './limit-calls.ts';
import type { FetchRequest } from './schema.ts';

export type FetchProviderDeps = {
  catalogue: Catalogue;
  send: SendHttp;
  findSecret: FindSecret;
  results: Pick<ResultStore, 'save' | 'remove'>;
  jobs: Pick<JobReader, 'getWithData'>;
  now: () => number;
  log: Log;
  meter: Meter;
  breaker: CircuitBreaker;
  limitCalls: LimitCalls;
  isPaused: boolean;
  fetchDeadlineMs: number;
  policy: SettlePolicy;
};

/**
 * How much JSON of one provider may travel in the state of an execution: ten of them, and what JSON text costs as a JSON
 * string, stay under Step Functions' 256 KiB.
 */
const MAX_INLINE_BYTES = 16 * 1024;

/** How long a job waits while fetching is paused, milliseconds; then it looks again. */
const PAUSE_MS = 60_000;

/** What storing a large result may take on top of the call. */
const STORE_MS = 3_000;

/**
 * Asks one provider for its data.
 *
 * @returns the data inline, or without it where it was so large that it went into the table
 * @throws ProviderUnavailable | ProviderThrottled | CredentialRefused to be tried again, ProviderRefused for good,
 * ProviderCircuitOpen | ProviderLimitReached | Paused when it was not asked on purpose, LeaseLost if too little is left of the
 * lease, CredentialMissing when its secret can't be read, CredentialInvalid when that can't be sent
 */
export const fetchProvider = async (deps: FetchProviderDeps, request: FetchRequest): Promise<FetchedPayload> =>
  countingTries(request.retryCount, async (tries) => fetchOnce(deps, request, tries));

const fetchOnce = async (
  deps: FetchProviderDeps,
  request: FetchRequest,
  tries: number | undefined,
): Promise<FetchedPayload> => {
  const { catalogue, now, log } = deps;
  const { jobId, leasedUntil, providerId } = request;
  const startedAt = now();
  if (deps.isPaused) throw new Paused({ class: 'paused', startedAt, retryAfterMs: PAUSE_MS });
  const provider = catalogue.get(providerId);
  if (!provider) throw new ProviderRefused({ class: 'unknown_provider', startedAt });
  if (leasedUntil - startedAt < WAIT_AND_CALL_MS + STORE_MS) {
    throw new LeaseLost({ class: 'lease_lost', startedAt });
  }
  try {
    const { answer, json } = await askWithCredential(deps, provider, { leasedUntil, startedAt });
    const bytes = Buffer.byteLength(json);
    const fetched: FetchedPayload = {
      providerId,
      status: 'FETCHED',
      fetchedAt: now(),
      bytes,
      statusCode: answer.statusCode,
      durationMs: answer.durationMs,
      tries,
    };
    log.info('Fetched from a provider', { jobId, providerId, bytes, durationMs: answer.durationMs });
    if (Buffer.byteLength(JSON.stringify(json)) <= MAX_INLINE_BYTES) return { ...fetched, json };
    return { ...fetched, ...(await store(deps, request, { ...fetched, json })) };
  } catch (error) {
    log.warn('Could not fetch from a provider', { jobId, providerId, ...loggable(error) });
    if (isAnswerOfProvider(error)) deps.meter.count('ProviderFailures', { provider: providerId });
    throw error;
  }
};

/** Stores a large result; should its job be gone or in other hands by then, it is deleted again. */
const store = async (
  deps: FetchProviderDeps,
  { jobId, claims }: FetchRequest,
  { providerId, fetchedAt, bytes, json }: FetchedPayload & { json: string },
): Promise<StoredResult> => {
  const { results, now, fetchDeadlineMs, policy } = deps;
  const expiresAt = firstKeptUntil(now(), fetchDeadlineMs, policy);
  const stored = await results.save(jobId, claims, { providerId, fetchedAt, bytes, json }, expiresAt);
  await discardUnwanted(deps, { jobId, claims }, [{ providerId, ...stored }]);
  return stored;
};

/**
 * Asks a provider, with our credential where it wants one. One that refuses it is asked once more with the secret read anew:
 * it may have been rotated since.
 */
const askWithCredential = async (
  deps: FetchProviderDeps,
  provider: Provider,
  times: { leasedUntil: number; startedAt: number },
): Promise<{ answer: HttpAnswer; json: string }> => {
  const { now, log, meter } = deps;
  const { startedAt } = times;
  const ask = (credential: Credential | undefined, timeoutMs = provider.timeoutMs) => {
    checkCredential(log, provider, credential, startedAt);
    return askGuarded(deps, { ...provider, timeoutMs }, credential, times);
  };
  if (!provider.auth) return ask(undefined);
  const isRefused = (error: unknown): error is TaskError =>
    error instanceof TaskError && error.failure.statusCode === UNAUTHORIZED;
  try {
    try {
      return await ask(await findCredential(deps, provider, startedAt));
    } catch (error) {
      if (!isRefused(error)) throw error;
      // Even where no time is left to ask: the next attempt of this process must not start with the old one.
      const credential = await findCredential(deps, provider, startedAt, { isFresh: true });
      const restMs = startedAt + WAIT_AND_CALL_MS - MAX_WAIT_MS - now();
      if (restMs < MIN_CALL_MS) throw error;
      return await ask(credential, Math.min(provider.timeoutMs, restMs));
    }
  } catch (error) {
    if (!isRefused(error)) throw error;
    log.error('A provider refuses our credential', { providerId: provider.id, secret: provider.auth.secret });
    meter.count('CredentialsRefused', { provider: provider.id });
    throw new CredentialRefused({ ...error.failure, class: 'credential_refused' }, { cause: error });
  }
};

const UNAUTHORIZED = 401;

/** With less time than this a call would only look like a provider that times out, milliseconds. */
const MIN_CALL_MS = 1_000;

/** Whether an error tells how the provider is, and not that it was not asked. */
const isAnswerOfProvider = (error: unknown): error is ProviderUnavailable | ProviderThrottled | ProviderRefused =>
  error instanceof ProviderUnavailable || error instanceof ProviderThrottled || error instanceof ProviderRefused;

/** A header that tells the provider who we are. Its value goes to the provider, and nowhere else. */
type Credential = { header: string; value: string };

/** A secret that is missing is our fault, not the provider's last word: the job waits until it is there. */
const findCredential = async (
  { findSecret, log }: FetchProviderDeps,
  { id: providerId, auth }: Provider,
  startedAt: number,
  options: { isFresh?: boolean } = {},
): Promise<Credential | undefined> => {
  if (!auth) return undefined;
  if (auth.kind !== 'header') throw new TypeError('to come');
  try {
    return { header: auth.header, value: await findSecret(auth.secret, options) };
  } catch (cause) {
    if (!(cause instanceof SecretMissing)) throw cause;
    log.error('A secret is missing', { providerId, secret: auth.secret, error: cause });
    throw new CredentialMissing({ class: 'internal', startedAt, excerpt: 'its credential is missing' }, { cause });
  }
};

/** Asks a provider whose circuit is closed, within its limits. */
const askGuarded = async (
  deps: FetchProviderDeps,
  provider: Provider,
  credential: Credential | undefined,
  { leasedUntil, startedAt }: { leasedUntil: number; startedAt: number },
): Promise<{ answer: HttpAnswer; json: string }> => {
  const { breaker, limitCalls, now } = deps;
  const call = async () => {
    // As above, and for the same reason: the tables may have taken their time.
    if (leasedUntil - now() < WAIT_AND_CALL_MS + STORE_MS) throw new LeaseLost({ class: 'lease_lost', startedAt });
    return limitCalls(provider, async () => {
      const answer = await ask(deps, provider, credential, now());
      return { answer, json: readAnswer(answer, provider, credential, now()) };
    });
  };
  try {
    const party = { key: providerCircuitKey(provider.id), longestCallMs: provider.timeoutMs };
    return await breaker.call(party, call, judgeProvider);
  } catch (error) {
    if (error instanceof LimitReached) throw new ProviderLimitReached({ class: 'limit_reached', startedAt });
    if (!(error instanceof CircuitOpen)) throw error;
    const { retryAfterMs, lastFailure: cause } = error;
    throw new ProviderCircuitOpen({ class: 'circuit_open', startedAt, retryAfterMs, ...(cause && { cause }) });
  }
};

/** A provider that refuses, or has its data not yet, works; failures of our own say nothing of it. */
const judgeProvider = (error: unknown): Verdict => {
  if (error instanceof ProviderRefused) return 'succeeded';
  if (!isAnswerOfProvider(error)) return 'unknown';
  const { class: failureClass, statusCode } = error.failure;
  if (failureClass === 'not_ready') return 'succeeded';
  return failureClass === 'internal' ? 'unknown' : { class: failureClass, statusCode };
};

const ask = async (
  { send }: FetchProviderDeps,
  provider: Provider,
  credential: Credential | undefined,
  startedAt: number,
): Promise<HttpAnswer> => {
  try {
    return await send({
      method: 'GET',
      url: provider.url,
      headers: {
        accept: 'application/json, text/*;q=0.5, */*;q=0.1',
        'user-agent': USER_AGENT,
        ...(credential && { [credential.header]: credential.value }),
      },
      timeoutMs: provider.timeoutMs,
      maxBytes: provider.maxBytes,
    });
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    const { class: failureClass, durationMs, message: excerpt } = error;
    const failure: TaskFailure = { class: failureClass, startedAt, durationMs, excerpt };
    if (failureClass === 'internal') throw new CredentialInvalid(failure, { cause: error });
    throw new ProviderUnavailable(failure, { cause: error });
  }
};

/** @returns the data, as JSON text */
const readAnswer = (
  answer: HttpAnswer,
  provider: Provider,
  credential: Credential | undefined,
  startedAt: number,
): string => {
  const secrets = [...secretsOfUrl(provider.url), ...(credential ? secretsOfCredential(credential.value) : [])];
  return judgeAnswer(answer, provider, secrets, startedAt);
};
