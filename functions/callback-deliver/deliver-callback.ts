import type { FailureClass, TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { WorkedJob } from '@boomerang/core/contracts/worked-job.ts';
import { callbackBody, MAX_CALLBACK_BYTES } from '@boomerang/core/domain/callback-body.ts';
import {
  type CallbackHeader,
  InvalidCallbackHeaders,
  parseCallbackHeaders,
} from '@boomerang/core/domain/callback-headers.ts';
import { receiverCircuitKey } from '@boomerang/core/domain/circuit.ts';
import { liveSecrets } from '@boomerang/core/domain/client.ts';
import { excerptOfResponse } from '@boomerang/core/domain/excerpt.ts';
import {
  CallbackCircuitOpen,
  CallbackNotSent,
  CallbackRejected,
  CallbackThrottled,
  CallbackUnavailable,
  countingTries,
  LeaseLost,
  loggable,
  OutcomeNotSaved,
  Paused,
  ResultMissing,
  StaleClaim,
} from '@boomerang/core/domain/failures.ts';
import { secretsOfCredential, secretsOfUrl } from '@boomerang/core/domain/mask.ts';
import type { Delivered } from '@boomerang/core/domain/outcomes.ts';
import { judgeCallbackResponse, readHint } from '@boomerang/core/domain/responses.ts';
import { type SettlePolicy, settle } from '@boomerang/core/domain/settle.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { FindClient } from '@boomerang/core/ports/clients.ts';
import { HttpFailure, type HttpResponse, type SendHttp } from '@boomerang/core/ports/http.ts';
import type { JobOutcomes, ResultStore } from '@boomerang/core/ports/jobs.ts';
import { signatureHeaders } from '@boomerang/core/security/signature.ts';
import { type CircuitBreaker, CircuitOpen, type Verdict } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { type NotifyDeps, publishJobEnded } from '@boomerang/core/use-cases/notify-operators.ts';
import { type Collected, collectResults } from './collect-results.ts';

export type DeliverCallbackDeps = NotifyDeps & {
  results: Pick<ResultStore, 'load'>;
  outcomes: JobOutcomes;
  findClient: FindClient;
  send: SendHttp;
  now: () => number;
  log: Log;
  breaker: CircuitBreaker;
  isPaused: boolean;
  policy: SettlePolicy;
  userAgent: string;
};

/** A single deadline for DNS, connect, headers and body. */
const CALLBACK_TIMEOUT_MS = 15_000;
/** How long a job is deferred while callbacks are paused, milliseconds. */
const PAUSE_MS = 60_000;
/** How much of the receiver's response is read. */
const MAX_RESPONSE_BYTES = 16 * 1024;
/** The time allowed for reading results and writing the outcome, on top of the call. */
const STORE_MS = 5_000;

/** The signing secrets and headers of a client's callbacks. */
type Sender = {
  secrets: string[];
  headers: CallbackHeader[];
};

/**
 * Posts the results to the callback URL, with the client's headers and signed with its secrets. Ends the job once the
 * receiver has accepted them.
 *
 * @param retryCount how many quick retries preceded this call, if the execution reports it
 * @throws CallbackUnavailable | CallbackThrottled | CallbackRejected if the receiver did not accept the callback
 * @throws LeaseLost if too little of the lease was left for the call
 * @throws CallbackCircuitOpen | Paused if the callback is deferred
 * @throws CallbackNotSent if the table failed or the client's headers are invalid
 * @throws OutcomeNotSaved if the receiver accepted the callback but the job's end could not be saved
 */
export const deliverCallback = async (
  deps: DeliverCallbackDeps,
  worked: WorkedJob,
  retryCount?: number,
): Promise<void> => countingTries(retryCount, async (tries) => deliver(deps, worked, tries));

const deliver = async (deps: DeliverCallbackDeps, worked: WorkedJob, tries: number | undefined): Promise<void> => {
  const { jobId, leasedUntil, metadata } = worked;
  const { now, log } = deps;
  const startedAt = now();
  if (leasedUntil - startedAt < CALLBACK_TIMEOUT_MS + STORE_MS) {
    throw new LeaseLost({ class: 'lease_lost', startedAt });
  }
  if (!isReady(worked)) throw new CallbackNotSent({ class: 'internal', startedAt, excerpt: 'providers are missing' });
  if (deps.isPaused) throw new Paused({ class: 'paused', startedAt, retryAfterMs: PAUSE_MS });
  const { collected, client } = await prepare(deps, worked, startedAt);
  const sender = { secrets: liveSecrets(client, startedAt), headers: headersOf(deps, worked, client, startedAt) };
  const body = callbackBody(jobId, collected.entries, metadata);
  if (Buffer.byteLength(body) > MAX_CALLBACK_BYTES) throw new CallbackRejected({ class: 'too_large', startedAt });
  let response: HttpResponse;
  try {
    response = await postGuarded(deps, worked, sender, body, startedAt);
  } catch (error) {
    log.warn('Callback delivery failed', { jobId, ...loggable(error) });
    throw error;
  }
  const { statusCode, durationMs } = response;
  await saveDelivered(deps, worked, collected, { kind: 'delivered', statusCode, durationMs, tries });
};

/**
 * Whether the callback may be sent: every provider has returned data or refused, or the fetch deadline has passed. A fetch that
 * was not attempted because of an internal fault always holds the callback back. The state machine applies the same rule
 * except for that last part, and older definitions may not apply it at all.
 */
const isReady = ({ results, isAnyWaiting, final }: WorkedJob): boolean => {
  if (results.some(({ kind }) => kind === 'notAttempted')) return false;
  return final || (!isAnyWaiting && results.every(({ kind }) => kind === 'fetched' || kind === 'refused'));
};

type CallbackClient = NonNullable<Awaited<ReturnType<FindClient>>>;

/** Reads the results and the client from the tables. */
const prepare = async (
  { results, findClient }: DeliverCallbackDeps,
  worked: WorkedJob,
  startedAt: number,
): Promise<{ collected: Collected; client: CallbackClient }> => {
  try {
    const [collected, client] = await Promise.all([collectResults(results, worked), findClient(worked.clientId)]);
    if (client && client.revokedAt === undefined) return { collected, client };
  } catch (cause) {
    if (cause instanceof ResultMissing || cause instanceof LeaseLost) throw cause;
    throw new CallbackNotSent({ class: 'internal', startedAt }, { cause });
  }
  throw new CallbackRejected({ class: 'client_revoked', startedAt });
};

/** The client's headers. If the stored ones are invalid, no callback is sent until an operator sets them again. */
const headersOf = (
  { log }: DeliverCallbackDeps,
  { jobId, clientId }: WorkedJob,
  { callbackHeaders }: CallbackClient,
  startedAt: number,
): CallbackHeader[] => {
  try {
    return parseCallbackHeaders(callbackHeaders);
  } catch (cause) {
    if (!(cause instanceof InvalidCallbackHeaders)) throw cause;
    const { message: reason } = cause;
    log.error('Callback headers are invalid', { jobId, clientId, reason });
    throw new CallbackNotSent({ class: 'internal', startedAt, excerpt: `callback headers: ${reason}` }, { cause });
  }
};

/** Posts through the receiver's circuit breaker. */
const postGuarded = async (
  deps: DeliverCallbackDeps,
  worked: WorkedJob,
  sender: Sender,
  body: string,
  startedAt: number,
): Promise<HttpResponse> => {
  const { breaker, now } = deps;
  const call = async () => {
    // After slow table reads the lease may expire during the call, and another attempt would start.
    const sentAt = now();
    if (sentAt - startedAt > STORE_MS) throw new CallbackNotSent({ class: 'timeout', startedAt });
    return post(deps, worked, sender, body, sentAt);
  };
  try {
    const key = receiverCircuitKey(worked.clientId, worked.callbackUrl);
    return await breaker.call({ key, longestCallMs: CALLBACK_TIMEOUT_MS }, call, judgeReceiver);
  } catch (error) {
    if (!(error instanceof CircuitOpen)) throw error;
    const { retryAfterMs, lastFailure: cause } = error;
    throw new CallbackCircuitOpen({ class: 'circuit_open', startedAt, retryAfterMs, ...(cause && { cause }) });
  }
};

/** A rejection still counts as success for the circuit. A call that was not sent counts as neither. */
const judgeReceiver = (error: unknown): Verdict => {
  if (error instanceof CallbackRejected) return error.failure.class === 'blocked_address' ? 'unknown' : 'succeeded';
  if (!(error instanceof CallbackUnavailable || error instanceof CallbackThrottled)) return 'unknown';
  const { class: failureClass, statusCode } = error.failure;
  return failureClass === 'internal' ? 'unknown' : { class: failureClass, statusCode };
};

const post = async (
  { send, userAgent }: DeliverCallbackDeps,
  { callbackUrl: url, webhookId }: WorkedJob,
  { secrets, headers: clientHeaders }: Sender,
  body: string,
  startedAt: number,
): Promise<HttpResponse> => {
  const headers = {
    // First, so that our own headers replace any of the same name.
    ...Object.fromEntries(clientHeaders.map(({ name, value }) => [name, value])),
    'content-type': 'application/json',
    'user-agent': userAgent,
    ...signatureHeaders(secrets, webhookId, body, startedAt),
  };
  let response: HttpResponse;
  try {
    response = await send({
      method: 'POST',
      url,
      headers,
      body,
      // Receivers drop duplicates by webhook-id.
      isRepeatable: true,
      timeoutMs: CALLBACK_TIMEOUT_MS,
      maxBytes: MAX_RESPONSE_BYTES,
    });
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    const { class: failureClass, durationMs, message: excerpt } = error;
    const failure: TaskFailure = { class: failureClass, startedAt, durationMs, excerpt };
    if (failureClass === 'internal') throw new CallbackNotSent(failure, { cause: error });
    if (NO_QUICK_RETRY.has(failureClass)) throw new CallbackRejected(failure, { cause: error });
    throw new CallbackUnavailable(failure, { cause: error });
  }
  const masked = [
    ...secretsOfUrl(url),
    ...secretsOfSignature(secrets, headers),
    ...clientHeaders.flatMap(({ value }) => secretsOfCredential(value)),
  ];
  throwUnlessDelivered(response, masked, startedAt);
  return response;
};

/** Failures that only the receiver can fix: a quick retry would fail the same way. */
const NO_QUICK_RETRY: ReadonlySet<FailureClass> = new Set(['tls', 'blocked_address', 'bad_answer']);

/** The signatures of a callback and their secrets, without the common prefixes. */
const secretsOfSignature = (secrets: string[], headers: ReturnType<typeof signatureHeaders>): string[] =>
  [...secrets, ...headers['webhook-signature'].split(' ')].map((value) => value.replace(/^(?:whsec_|v\d+,)/, ''));

/** @param masked values to mask in the excerpt of a failure */
const throwUnlessDelivered = (response: HttpResponse, masked: readonly string[], startedAt: number): void => {
  const { statusCode, headers, durationMs } = response;
  const retryAfterMs = readHint(headers, statusCode, startedAt);
  const verdict = judgeCallbackResponse(statusCode, {
    hasRetryAfter: retryAfterMs !== undefined,
    isAborted: headers['webhook-delivery']?.trim().toLowerCase() === 'abort-message',
  });
  if (verdict === 'delivered') return;
  const failure: TaskFailure = {
    class: verdict === 'gone' ? 'gone' : 'bad_status',
    statusCode,
    startedAt,
    durationMs,
    excerpt: excerptOfResponse(response, masked),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
  if (verdict === 'throttled') throw new CallbackThrottled(failure);
  if (verdict === 'unavailable') throw new CallbackUnavailable(failure);
  throw new CallbackRejected(failure);
};

/** Ends the job. The receiver has accepted the callback, so no failure from here on may cause another call. */
const saveDelivered = async (
  deps: DeliverCallbackDeps,
  worked: WorkedJob,
  { job, inline }: Collected,
  delivery: Delivered,
): Promise<void> => {
  const { outcomes, now, log, policy } = deps;
  const { jobId, claims } = worked;
  const { statusCode, durationMs } = delivery;
  const settlement = settle(job, worked, { fetches: worked.results, delivery }, now(), 0, policy);
  try {
    await outcomes.save(jobId, claims, settlement, inline);
    log.info('Callback delivered', { jobId, status: settlement.status, statusCode, durationMs });
    await publishJobEnded(deps, worked, settlement);
  } catch (error) {
    // Another claim's outcome is saved, or ours is and the response to the first write was lost.
    if (error instanceof StaleClaim) {
      log.warn('Callback delivered under a settled claim', { jobId, claims, statusCode });
      return;
    }
    log.error('Callback delivered, outcome not saved', { jobId, error });
    throw new OutcomeNotSaved({ class: 'internal', statusCode, durationMs }, { cause: error });
  }
};
