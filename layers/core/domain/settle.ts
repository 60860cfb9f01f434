import type { ClaimedJob } from '../contracts/claimed-job.ts';
import type { ProviderOutcome } from '../contracts/provider-outcome.ts';
import type { CaughtError } from '../contracts/task-failure.ts';
import { readCaughtError } from './failures.ts';
import type { Attempt, FailureCode, Job, JobStatus, Phase, ProviderResult, Try } from './job.ts';
import { isExhausted, parkDelayMs, type RetrySchedule, retryDelayMs } from './schedule.ts';

/** The rules that operators set. */
export type SettlePolicy = {
  schedule: RetrySchedule;
  /** For how long a callback may be put off while its receiver is in trouble, milliseconds. */
  patienceMs: number;
  /** How long a job is kept after it is over, milliseconds. */
  retentionMs: number;
};

export type Delivered = { delivered: true; statusCode: number; durationMs: number; tries?: number | undefined };

/** How the callback went: delivered with a status code, or the error that a Catch kept. */
export type Delivery = Delivered | { delivered: false; error: CaughtError };

/** What an execution learned of a job. */
export type Outcomes = { fetches: ProviderOutcome[]; delivery?: Delivery | undefined };

/** What the execution that holds a job writes to it: the only kind of write that ends a claim. */
export type Settlement = {
  status: JobStatus;
  phase: Phase;
  results: ProviderResult[];
  attempt: Attempt;
  /** 0 or 1: what this execution adds to each counter. */
  fetchAttempts: number;
  callbackAttempts: number;
  updatedAt: number;
  /** When the job is due again; absent when it is over. */
  dueAt?: number;
  /** When a receiver that is only ever put off is given up. */
  callbackDeadlineAt?: number;
  failure?: { code: FailureCode; message: string };
  /** Epoch seconds; present when it is over. */
  expiresAt?: number;
};

/** The call was put off on purpose: it did not go out, and doesn't count as an attempt. */
const PARKED = new Set(['ProviderCircuitOpen', 'ProviderLimitReached', 'CallbackCircuitOpen', 'Paused']);

/** Errors of our own making that say nothing of the receiver: the call never went out, so it doesn't count as an attempt. */
const NOT_AN_ATTEMPT = new Set(['LeaseLost', 'CallbackNotSent', 'Lambda.TooManyRequestsException']);

/**
 * The one decision of the system: what becomes of a job after an execution.
 *
 * @param job the job as it is stored
 * @param claimed the claim under which the execution ran
 * @param outcomes what the execution learned
 * @param now epoch milliseconds
 * @param random 0 ≤ random < 1, for jitter
 */
export const settle = (...args: Parameters<typeof decide>): Settlement => {
  const settlement = decide(...args);
  return { ...settlement, attempt: { ...settlement.attempt, nextAttemptAt: settlement.dueAt } };
};

const decide = (
  job: Pick<
    Job,
    'providers' | 'phase' | 'results' | 'fetchAttempts' | 'callbackAttempts' | 'deadlineAt' | 'callbackDeadlineAt'
  >,
  claimed: Pick<ClaimedJob, 'claims' | 'trigger' | 'final'>,
  { fetches, delivery }: Outcomes,
  now: number,
  random: number,
  policy: SettlePolicy,
): Settlement => {
  const results = mergeResults(job, fetches);
  const isComplete = results.length === job.providers.length && results.every((r) => r.status !== 'UNAVAILABLE');
  const isFrozen = job.phase === 'CALLING_BACK' || isComplete || claimed.final;
  const base = {
    status: 'PENDING' as const,
    phase: isFrozen ? ('CALLING_BACK' as const) : ('FETCHING' as const),
    results,
    attempt: toAttempt(claimed, fetches, delivery, now),
    fetchAttempts: fetches.some((outcome) => !isParked(outcome)) ? 1 : 0,
    callbackAttempts: 0,
    updatedAt: now,
  };

  if (!isFrozen) {
    const delay = fetchDelayMs(fetches, job.fetchAttempts + 1, random, policy.schedule);
    return { ...base, dueAt: Math.max(now, Math.min(now + delay, job.deadlineAt)) };
  }
  const callbackDeadlineAt = job.callbackDeadlineAt ?? now + policy.patienceMs;
  const waiting = { ...base, callbackDeadlineAt };
  if (delivery === undefined) return { ...waiting, dueAt: now };

  const end = (status: JobStatus): Settlement => ({
    ...base,
    status,
    callbackAttempts: 1,
    expiresAt: Math.ceil((now + policy.retentionMs) / 1000),
  });
  if (delivery.delivered || delivery.error.Error === 'OutcomeNotSaved') return end(deliveredStatus(results));

  const { Error: error } = delivery.error;
  const failure = readCaughtError(delivery.error);
  if (NOT_AN_ATTEMPT.has(error)) {
    const delay = error === 'LeaseLost' ? 0 : retryDelayMs(policy.schedule, 1, undefined, random);
    return { ...waiting, dueAt: now + delay };
  }
  if (PARKED.has(error)) {
    // A receiver that never comes back is given up when its schedule would have ended, however few calls it was spared.
    const isOver = error !== 'Paused' && now >= callbackDeadlineAt;
    if (!isOver) return { ...waiting, dueAt: now + parkDelayMs(failure.retryAfterMs, random) };
    const message = 'The receiver was out of reach to the end of the schedule.';
    return { ...end('FAILED'), callbackAttempts: 0, failure: { code: 'CALLBACK_EXHAUSTED', message } };
  }
  if (failure.class === 'gone') {
    return { ...end('FAILED'), failure: { code: 'CALLBACK_GONE', message: 'The receiver wants no more callbacks.' } };
  }
  if (failure.class === 'client_revoked') return { ...end('FAILED'), callbackAttempts: 0, failure: CLIENT_REVOKED };
  if (failure.class === 'too_large') {
    return {
      ...end('FAILED'),
      failure: { code: 'CALLBACK_TOO_LARGE', message: 'What was collected does not fit into one callback.' },
    };
  }
  const failedAttempts = job.callbackAttempts + 1;
  if (isExhausted(policy.schedule, failedAttempts)) {
    const message = `The callback failed ${failedAttempts} times.`;
    return { ...end('FAILED'), failure: { code: 'CALLBACK_EXHAUSTED', message } };
  }
  const delay = retryDelayMs(policy.schedule, failedAttempts, failure.retryAfterMs, random);
  return { ...waiting, callbackAttempts: 1, dueAt: now + delay };
};

const isParked = (outcome: ProviderOutcome): boolean => outcome.status !== 'FETCHED' && PARKED.has(outcome.error.Error);

/** When to ask again those that did not give: what was tried goes by the schedule, what was only put off comes back early. */
const fetchDelayMs = (
  fetches: ProviderOutcome[],
  failedAttempts: number,
  random: number,
  schedule: RetrySchedule,
): number => {
  const unavailable = fetches.filter((outcome) => outcome.status === 'UNAVAILABLE');
  const hintsOf = (outcomes: typeof unavailable) =>
    outcomes.map(({ error }) => readCaughtError(error).retryAfterMs ?? 0);
  const tried = unavailable.filter((outcome) => !isParked(outcome));
  if (tried.length === 0 && unavailable.length > 0) return parkDelayMs(Math.min(...hintsOf(unavailable)), random);
  return retryDelayMs(schedule, failedAttempts, Math.max(0, ...hintsOf(tried)), random);
};

/** How often a job may be taken without an outcome before it ends: crashes must not loop for ever. */
const MAX_UNSETTLED_CLAIMS = 20;

/** Why the jobs of a revoked client end. */
const CLIENT_REVOKED = { code: 'CLIENT_REVOKED', message: 'The client was revoked.' } as const;

/** Why a job ends as soon as it is taken, if it does. */
export const judgeClaim = (job: Job, isClientRevoked: boolean): Settlement['failure'] => {
  if (isClientRevoked) return CLIENT_REVOKED;
  if (job.unsettled <= MAX_UNSETTLED_CLAIMS) return undefined;
  return { code: 'NEVER_SETTLED', message: `Taken ${job.unsettled} times, and never seen through.` };
};

/** The end of a job that is not to be tried, or that nobody has been able to settle. */
export const abandon = (
  job: Job,
  claimed: ClaimedJob,
  failure: NonNullable<Settlement['failure']>,
  now: number,
  policy: SettlePolicy,
): Settlement => ({
  status: 'FAILED',
  phase: job.phase,
  results: job.results,
  attempt: { number: claimed.claims, trigger: claimed.trigger, endedAt: now, fetches: [] },
  fetchAttempts: 0,
  callbackAttempts: 0,
  updatedAt: now,
  failure,
  expiresAt: Math.ceil((now + policy.retentionMs) / 1000),
});

const deliveredStatus = (results: ProviderResult[]): JobStatus =>
  results.every((result) => result.status === 'FETCHED') ? 'COMPLETE' : 'PARTIAL';

/** One result a provider, in the order of the request; what was given before is never replaced. */
export const mergeResults = (job: Pick<Job, 'providers' | 'results'>, fetches: ProviderOutcome[]): ProviderResult[] => {
  const known = new Map(job.results.map((result) => [result.providerId, result]));
  for (const outcome of fetches) {
    if (known.get(outcome.providerId)?.status === 'FETCHED') continue;
    known.set(outcome.providerId, toResult(outcome));
  }
  return job.providers.flatMap((providerId) => known.get(providerId) ?? []);
};

const toResult = (outcome: ProviderOutcome): ProviderResult => {
  const { providerId, status } = outcome;
  if (status !== 'FETCHED') return { providerId, status, error: readCaughtError(outcome.error) };
  return { providerId, status, fetchedAt: outcome.fetchedAt, bytes: outcome.bytes };
};

const toAttempt = (
  claimed: Pick<ClaimedJob, 'claims' | 'trigger'>,
  fetches: ProviderOutcome[],
  delivery: Delivery | undefined,
  now: number,
): Attempt => {
  const tries = fetches.map((outcome) => ({ providerId: outcome.providerId, ...toFetchTry(outcome) }));
  const callback = delivery && toCallbackTry(delivery, now);
  const starts = [...tries, ...(callback ? [callback] : [])].flatMap(({ startedAt }) => startedAt ?? []);
  return {
    number: claimed.claims,
    trigger: claimed.trigger,
    startedAt: Math.min(now, ...starts),
    endedAt: now,
    fetches: tries,
    ...(callback && { callback }),
  };
};

const toFetchTry = (outcome: ProviderOutcome): Try => {
  if (outcome.status !== 'FETCHED') return failedTry(outcome.error);
  const { statusCode, durationMs, fetchedAt, tries } = outcome;
  return { status: 'OK', statusCode, durationMs, startedAt: Math.round(fetchedAt - durationMs), tries };
};

const toCallbackTry = (delivery: Delivery, now: number): Try => {
  if (!delivery.delivered) return failedTry(delivery.error);
  const { statusCode, durationMs, tries } = delivery;
  return { status: 'OK', statusCode, durationMs, startedAt: Math.round(now - durationMs), tries };
};

/** The log is read and written with the job: of what others answered it keeps little. */
const MAX_LOGGED_CHARACTERS = 100;

const failedTry = (error: CaughtError): Try => {
  const { class: failureClass, statusCode, startedAt, durationMs, tries, excerpt } = readCaughtError(error);
  return {
    status: 'FAILED',
    class: failureClass,
    statusCode,
    startedAt,
    durationMs,
    tries,
    excerpt: excerpt?.slice(0, MAX_LOGGED_CHARACTERS),
  };
};
