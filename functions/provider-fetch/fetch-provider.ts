import type { Fetched } from '@boomerang/core/contracts/provider-outcome.ts';
import type { TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { Catalogue, Provider } from '@boomerang/core/domain/catalogue.ts';
import {
  CredentialInvalid,
  countingTries,
  LeaseLost,
  loggable,
  Paused,
  ProviderCircuitOpen,
  ProviderLimitReached,
  ProviderRefused,
  ProviderThrottled,
  ProviderUnavailable,
} from '@boomerang/core/domain/failures.ts';
import { secretsOfCredential, secretsOfUrl } from '@boomerang/core/domain/mask.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { Meter } from '@boomerang/core/observability/meter.ts';
import { type HttpAnswer, HttpFailure, type SendHttp } from '@boomerang/core/ports/http.ts';
import type { ResultStore } from '@boomerang/core/ports/jobs.ts';
import { type FindSecret, SecretMissing } from '@boomerang/core/ports/secrets.ts';
import { type CircuitBreaker, CircuitOpen } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { USER_AGENT } from '@boomerang/core/version.ts';
import { checkCredential } from './check-credential.ts';
import { judgeAnswer } from './judge-answer.ts';
import { type LimitCalls, LimitReached, WAIT_AND_CALL_MS } from './limit-calls.ts';
import type { FetchRequest } from './schema.ts';

export type FetchProviderDeps = {
  catalogue: Catalogue;
  send: SendHttp;
  findSecret: FindSecret;
  results: Pick<ResultStore, 'save'>;
  now: () => number;
  log: Log;
  meter: Meter;
  breaker: CircuitBreaker;
  limitCalls: LimitCalls;
  isPaused: boolean;
  /** How long a stored result may be needed, milliseconds. */
  resultLifeMs: number;
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
 * @throws ProviderUnavailable | ProviderThrottled to be tried again, ProviderRefused for good, ProviderCircuitOpen |
 * ProviderLimitReached | Paused when it was not asked on purpose, CredentialInvalid when it can't be asked, LeaseLost if too little is left of the lease
 */
export const fetchProvider = async (deps: FetchProviderDeps, request: FetchRequest): Promise<Fetched> =>
  countingTries(request.retryCount, async (tries) => fetchOnce(deps, request, tries));

const fetchOnce = async (
  deps: FetchProviderDeps,
  request: FetchRequest,
  tries: number | undefined,
): Promise<Fetched> => {
  const { catalogue, results, now, log } = deps;
  const { jobId, claims, leasedUntil, providerId } = request;
  const startedAt = now();
  if (deps.isPaused) throw new Paused({ class: 'paused', startedAt, retryAfterMs: PAUSE_MS });
  const provider = catalogue.get(providerId);
  if (!provider) throw new ProviderRefused({ class: 'unknown_provider', startedAt });
  if (leasedUntil - startedAt < WAIT_AND_CALL_MS + STORE_MS) {
    throw new LeaseLost({ class: 'lease_lost', startedAt });
  }
  try {
    const credential = await findCredential(deps, provider, startedAt);
    checkCredential(log, provider, credential, startedAt);
    const { answer, json } = await askGuarded(deps, provider, credential, { leasedUntil, startedAt });
    const bytes = Buffer.byteLength(json);
    const fetched: Fetched = {
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
    await results.save(jobId, claims, { ...fetched, json }, Math.ceil((now() + deps.resultLifeMs) / 1000));
    return fetched;
  } catch (error) {
    log.warn('Could not fetch from a provider', { jobId, providerId, ...loggable(error) });
    if (isAnswerOfProvider(error)) deps.meter.count('ProviderFailures', { provider: providerId });
    throw error;
  }
};

/** Whether an error tells how the provider is, and not that it was not asked. */
const isAnswerOfProvider = (error: unknown): boolean =>
  error instanceof ProviderUnavailable || error instanceof ProviderThrottled || error instanceof ProviderRefused;

/** A header that tells the provider who we are. Its value goes to the provider, and nowhere else. */
type Credential = { header: string; value: string };

/** A secret that is missing is our fault, not the provider's last word: the job waits until it is there. */
const findCredential = async (
  { findSecret, log }: FetchProviderDeps,
  { id: providerId, auth }: Provider,
  startedAt: number,
): Promise<Credential | undefined> => {
  if (!auth) return undefined;
  try {
    return { header: auth.header, value: await findSecret(auth.secret) };
  } catch (cause) {
    if (!(cause instanceof SecretMissing)) throw cause;
    log.error('A secret is missing', { providerId, secret: auth.secret, error: cause });
    throw new ProviderUnavailable({ class: 'internal', startedAt, excerpt: 'its credential is missing' }, { cause });
  }
};

/** Asks a provider that is not in trouble, and within its limits. */
const askGuarded = async (
  deps: FetchProviderDeps,
  provider: Provider,
  credential: Credential | undefined,
  { leasedUntil, startedAt }: { leasedUntil: number; startedAt: number },
): Promise<{ answer: HttpAnswer; json: string }> => {
  const { breaker, limitCalls, now } = deps;
  const permit = await breaker.enter(`provider#${provider.id}`).catch((error: unknown): never => {
    if (!(error instanceof CircuitOpen)) throw error;
    throw new ProviderCircuitOpen({ class: 'circuit_open', startedAt, retryAfterMs: error.retryAfterMs });
  });
  // As above, and for the same reason: the tables may have taken their time.
  if (leasedUntil - now() < WAIT_AND_CALL_MS + STORE_MS) throw new LeaseLost({ class: 'lease_lost', startedAt });
  try {
    const given = await limitCalls(provider, async () => {
      const answer = await ask(deps, provider, credential, now());
      return { answer, json: readAnswer(answer, provider, credential, now()) };
    });
    await breaker.leave(permit, true);
    return given;
  } catch (error) {
    if (error instanceof LimitReached) throw new ProviderLimitReached({ class: 'limit_reached', startedAt });
    // A provider that refuses is well; what our own tables do says nothing of it.
    if (isAnswerOfProvider(error)) await breaker.leave(permit, error instanceof ProviderRefused);
    throw error;
  }
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
