import type { ClaimedJob } from '../contracts/claimed-job.ts';
import type { TaskFailure } from '../contracts/task-failure.ts';
import type { Attempt, Call, FailureCode, Job, JobStatus, PendingResult, Phase, ProviderResult } from './job.ts';
import { lostMs } from './job.ts';
import {
  type CallbackOutcome,
  type FetchOutcome,
  isAttempt,
  isCallMade,
  isFailedAttempt,
  isInternalFault,
  type Outcome,
  type Outcomes,
  type RefusalReason,
} from './outcomes.ts';
import {
  deferralMs,
  internalFaultDelayMs,
  isExhausted,
  MAX_CREDENTIAL_DELAY_MS,
  type RetrySchedule,
  retryDelayMs,
} from './schedule.ts';
import { cutText } from './text.ts';
import { losesTicket, roundOf, withoutTickets } from './tickets.ts';
import { toEpochSeconds } from './ttl.ts';

/** Limits configured by operators. */
export type SettlePolicy = {
  schedule: RetrySchedule;
  /** How long callbacks to an unavailable receiver may be deferred, milliseconds. */
  patienceMs: number;
  /** How long a job is kept after it ends, milliseconds. */
  retentionMs: number;
};

/** The write with which an execution ends its claim on a job. No other write ends a claim. */
export type Settlement = {
  status: JobStatus;
  phase: Phase;
  results: ProviderResult[];
  /** Absent when no call counted as an attempt, so that polls do not fill the log. */
  attempt?: Attempt;
  /** 0 or 1, added to the job's counter; so is `callbackAttempts`. */
  fetchAttempts: number;
  callbackAttempts: number;
  updatedAt: number;
  /** Consecutive executions that failed only through internal faults. Absent to leave the stored count unchanged. */
  internalFaults?: number;
  /** The new fetch deadline, if it moves. */
  deadlineAt?: number;
  /** When the job is due again; absent when it has ended. */
  dueAt?: number;
  /** When the callback is abandoned if it is still being deferred. */
  callbackDeadlineAt?: number;
  /** Why the callback was deferred. */
  callbackDeferred?: TaskFailure;
  failure?: { code: FailureCode; message: string };
  /** Present when the job has ended; so is `expiresAt`. */
  endedAt?: number;
  /** Epoch seconds. */
  expiresAt?: number;
  /** Present if an attempt failed and the job is still pending. A job in trouble stays so until it ends. */
  isInTrouble?: true;
};

/** The attributes of a job that settling reads. */
export type SettledJob = Pick<
  Job,
  | 'providers'
  | 'phase'
  | 'results'
  | 'round'
  | 'fetchAttempts'
  | 'callbackAttempts'
  | 'deadlineAt'
  | 'callbackDeadlineAt'
  | 'claimsSinceOutcome'
  | 'heldSince'
  | 'internalFaults'
  | 'updatedAt'
>;

type Claim = Pick<ClaimedJob, 'claims' | 'trigger' | 'final'>;

/**
 * Decides a job's next state after an execution.
 *
 * @param stored the job as it is stored
 * @param claimed the claim under which the execution ran
 * @param outcomes the outcomes of the execution's calls
 * @param now epoch milliseconds
 * @param random 0 ≤ random < 1, for jitter: a single number, so that providers that failed together are due together
 */
export const settle = (
  stored: SettledJob,
  claimed: Claim,
  outcomes: Outcomes,
  now: number,
  random: number,
  policy: SettlePolicy,
): Settlement => {
  const { fetches, delivery } = outcomes;
  const all = [...fetches, ...(delivery ? [delivery] : [])];
  const job = withExtendedDeadlines(stored, lostMs(stored, now));
  const isOnlyInternalFault = all.length > 0 && all.every(isInternalFault);
  const internalFaults = countInternalFaults(all, job.internalFaults);
  const times: Times = {
    now,
    random,
    schedule: policy.schedule,
    internalFaultMs: internalFaultDelayMs(Math.max(internalFaults, 1), random),
    isDeadlineOver: claimed.final,
    isDeadlineMoving: isOnlyInternalFault,
  };

  const results = withoutMissing(job, mergeResults(job, fetches, times), delivery, times);
  const isFrozen = areFrozen(results, job, claimed, fetches);
  const base = {
    status: 'PENDING' as const,
    phase: isFrozen ? ('CALLING_BACK' as const) : ('FETCHING' as const),
    results: isFrozen ? withoutTickets(results) : results,
    fetchAttempts: fetches.some(isAttempt) ? 1 : 0,
    callbackAttempts: 0,
    updatedAt: now,
    ...((internalFaults > 0 || job.internalFaults !== undefined) && { internalFaults }),
  };
  const phasePart = isFrozen ? settleCallback(job, base, delivery, times, policy) : settleFetching(job, results, now);
  const settlement: Settlement = { ...base, ...phasePart };
  const deadlines = extendedDeadlines(stored, settlement, isOnlyInternalFault, now);
  const isLogged = all.some(isAttempt) || settlement.dueAt === undefined;
  return {
    ...settlement,
    ...deadlines,
    ...(!claimed.final && { results: dueByDeadline(settlement.results, deadlines.deadlineAt) }),
    ...(settlement.status === 'PENDING' && all.some(isFailedAttempt) && { isInTrouble: true as const }),
    ...(isLogged && { attempt: { ...toAttempt(claimed, outcomes, now), nextAttemptAt: settlement.dueAt } }),
  };
};

/** The job with its deadlines extended by the time lost to executions that reported no outcome. */
const withExtendedDeadlines = (job: SettledJob, lost: number): SettledJob => ({
  ...job,
  deadlineAt: job.deadlineAt + lost,
  ...(job.callbackDeadlineAt !== undefined && { callbackDeadlineAt: job.callbackDeadlineAt + lost }),
});

/** Counts consecutive executions with an internal fault. A call that was made restarts the count. */
const countInternalFaults = (all: Outcome[], before = 0): number => {
  const added = all.some(isInternalFault) ? 1 : 0;
  return all.some(isCallMade) ? added : before + added;
};

/** Whether the results no longer change: the job is calling back, no provider is pending, or the deadline has passed. */
const areFrozen = (
  results: ProviderResult[],
  { phase, providers }: SettledJob,
  { final }: Claim,
  fetches: FetchOutcome[],
): boolean => {
  const isComplete = results.length === providers.length && results.every(({ status }) => status !== 'UNAVAILABLE');
  // A provider that was not called because of an internal fault may still return data.
  const isLast = final && !fetches.some(isInternalFault);
  return phase === 'CALLING_BACK' || isComplete || isLast;
};

/** Caps retry times at the (possibly extended) deadline, so that the last attempt includes every pending provider. */
const dueByDeadline = (results: ProviderResult[], deadlineAt = Number.POSITIVE_INFINITY): ProviderResult[] =>
  results.map((result) =>
    result.status === 'UNAVAILABLE' && (result.retryAt ?? 0) > deadlineAt ? { ...result, retryAt: deadlineAt } : result,
  );

type Times = {
  now: number;
  /** 0 ≤ random < 1, for jitter. */
  random: number;
  schedule: RetrySchedule;
  /** The delay after an internal fault, milliseconds. */
  internalFaultMs: number;
  /** Whether this execution made the final attempt. */
  isDeadlineOver: boolean;
  /** Whether the deadline is extended by the time until the job is due again. */
  isDeadlineMoving: boolean;
};

/** Providers due within this time of each other share one execution, so that ten of them do not cost ten claims. */
export const DUE_TOGETHER_MS = 30_000;

/** The job is due at the latest retry time that is within 30 s of the earliest. */
const settleFetching = ({ providers }: SettledJob, results: ProviderResult[], now: number): { dueAt: number } => {
  const times = results.flatMap((result) => (result.status === 'UNAVAILABLE' ? (result.retryAt ?? now) : []));
  if (results.length < providers.length) times.push(now);
  const earliest = Math.max(now, Math.min(...times));
  return { dueAt: Math.max(now, ...times.filter((time) => time <= earliest + DUE_TOGETHER_MS)) };
};

/**
 * Extends deadlines by the time lost to internal faults: from the job's first claim since its last outcome until it is due
 * again. If this execution got an outcome, only the time lost to earlier executions counts, up to now.
 */
const extendedDeadlines = (
  stored: SettledJob,
  { phase, dueAt, callbackDeadlineAt }: Pick<Settlement, 'phase' | 'dueAt' | 'callbackDeadlineAt'>,
  isOnlyInternalFault: boolean,
  now: number,
): Pick<Settlement, 'deadlineAt' | 'callbackDeadlineAt'> => {
  if (dueAt === undefined) return {};
  const before = lostMs(stored, now);
  const lost = isOnlyInternalFault ? Math.max(before, dueAt - (stored.heldSince ?? stored.updatedAt)) : before;
  if (lost === 0) return {};
  if (phase === 'FETCHING') return { deadlineAt: stored.deadlineAt + lost };
  if (stored.callbackDeadlineAt === undefined || callbackDeadlineAt === undefined) return {};
  // The new deadline already includes the time lost before this execution.
  return { callbackDeadlineAt: callbackDeadlineAt + lost - before };
};

/** The settlement of the callback phase, in which results are frozen. */
const settleCallback = (
  job: SettledJob,
  base: Pick<Settlement, 'results'>,
  delivery: CallbackOutcome | undefined,
  times: Times,
  policy: SettlePolicy,
): Partial<Settlement> => {
  const { now, random, schedule, internalFaultMs } = times;
  const callbackDeadlineAt = job.callbackDeadlineAt ?? now + policy.patienceMs;
  if (delivery === undefined) return { callbackDeadlineAt, dueAt: now };
  const end = (status: JobStatus, failure?: Settlement['failure']) => ({
    status,
    callbackAttempts: isAttempt(delivery) ? 1 : 0,
    endedAt: now,
    expiresAt: toEpochSeconds(now + policy.retentionMs),
    ...(failure && { failure }),
  });
  switch (delivery.kind) {
    case 'delivered':
      return end(deliveredStatus(base.results));
    case 'refused':
      return end('FAILED', REFUSALS[delivery.reason]);
    case 'resultMissing': {
      // Results frozen by this execution can still be delivered with an error entry; earlier ones can't change.
      if (job.phase === 'FETCHING') return { callbackDeadlineAt, dueAt: now + internalFaultMs };
      const message = `The result of ${delivery.providerId} is no longer stored. Redrive the job to fetch it again.`;
      return end('FAILED', { code: 'RESULT_MISSING', message });
    }
    case 'notAttempted':
      return { callbackDeadlineAt, dueAt: now + internalFaultMs };
    case 'deferred': {
      const { failure } = delivery;
      const isOver = failure.class !== 'paused' && now >= callbackDeadlineAt;
      if (isOver) {
        const message = 'The callback was still deferred at its deadline.';
        return end('FAILED', { code: 'CALLBACK_EXHAUSTED', message });
      }
      const { class: failureClass, cause } = failure;
      const callbackDeferred = { class: failureClass, ...(cause && { cause }) };
      return { callbackDeadlineAt, callbackDeferred, dueAt: now + deferralMs(failure.retryAfterMs, random) };
    }
    case 'failed': {
      const failedAttempts = job.callbackAttempts + 1;
      if (isExhausted(schedule, failedAttempts)) {
        return end('FAILED', { code: 'CALLBACK_EXHAUSTED', message: `The callback failed ${failedAttempts} times.` });
      }
      const stepMs = retryDelayMs(schedule, failedAttempts, undefined, random);
      const delayMs = retryDelayMs(schedule, failedAttempts, delivery.failure.retryAfterMs, random);
      // A longer delay requested by the receiver extends its deadline by the difference.
      const extendedDeadlineAt = callbackDeadlineAt + Math.max(0, delayMs - stepMs);
      return { callbackAttempts: 1, callbackDeadlineAt: extendedDeadlineAt, dueAt: now + delayMs };
    }
  }
};

const CLIENT_REVOKED = { code: 'CLIENT_REVOKED', message: 'The client was revoked.' } as const;

const REFUSALS: Record<RefusalReason, NonNullable<Settlement['failure']>> = {
  gone: {
    code: 'CALLBACK_GONE',
    message: 'The receiver declined further callbacks (410 Gone or abort).',
  },
  too_large: { code: 'CALLBACK_TOO_LARGE', message: 'The results exceed the maximum callback size.' },
  client_revoked: CLIENT_REVOKED,
};

/** A job is abandoned after more claims than this without an outcome, but only after {@link MAX_UNSETTLED_MS}. */
const MAX_UNSETTLED_CLAIMS = 20;
/** A shorter outage of Boomerang or AWS ends no job. */
const MAX_UNSETTLED_MS = 7 * 24 * 3_600_000;

/** Why a job must end as soon as it is claimed; undefined if it may run. */
export const reasonToAbandon = (job: Job, isClientRevoked: boolean, now: number): Settlement['failure'] => {
  if (isClientRevoked) return CLIENT_REVOKED;
  const isSuspect = job.claimsSinceOutcome > MAX_UNSETTLED_CLAIMS && now - job.updatedAt > MAX_UNSETTLED_MS;
  if (!isSuspect) return undefined;
  return { code: 'NEVER_SETTLED', message: `Claimed ${job.claimsSinceOutcome} times without an outcome.` };
};

/** Ends a job without running it, for a failure found by {@link reasonToAbandon}. */
export const abandon = (
  job: Job,
  claimed: ClaimedJob,
  failure: NonNullable<Settlement['failure']>,
  now: number,
  policy: SettlePolicy,
): Settlement => ({
  status: 'FAILED',
  phase: job.phase,
  results: withoutTickets(job.results),
  attempt: { number: claimed.claims, trigger: claimed.trigger, endedAt: now, fetches: [] },
  fetchAttempts: 0,
  callbackAttempts: 0,
  updatedAt: now,
  failure,
  endedAt: now,
  expiresAt: toEpochSeconds(now + policy.retentionMs),
});

const deliveredStatus = (results: ProviderResult[]): JobStatus =>
  results.every((result) => result.status === 'FETCHED') ? 'COMPLETE' : 'PARTIAL';

/**
 * One result per provider, in the order of the request. A fetched result is never replaced.
 * @param times for computing when to retry providers without data; undefined if the results are frozen
 */
export const mergeResults = (
  job: Pick<SettledJob, 'providers' | 'results'> & FetchingJob,
  fetches: FetchOutcome[],
  times?: Times,
): ProviderResult[] => {
  const resultsById = new Map(job.results.map((result) => [result.providerId, result]));
  for (const outcome of fetches) {
    const before = resultsById.get(outcome.providerId);
    if (before?.status === 'FETCHED') continue;
    const pending = before?.status === 'UNAVAILABLE' ? before : undefined;
    const result = toResult(job, outcome, pending, times);
    // Keep the round whatever the outcome: a redrive must begin a round that was never used.
    resultsById.set(outcome.providerId, before?.round === undefined ? result : { round: before.round, ...result });
  }
  return job.providers.flatMap((providerId) => resultsById.get(providerId) ?? []);
};

type FetchingJob = Pick<SettledJob, 'deadlineAt' | 'fetchAttempts' | 'round'>;

const toResult = (
  job: FetchingJob,
  outcome: FetchOutcome,
  before: PendingResult | undefined,
  times: Times | undefined,
): ProviderResult => {
  const { providerId } = outcome;
  // Earlier versions counted attempts per job.
  const attempts = before ? (before.attempts ?? job.fetchAttempts) : 0;
  const pending = (
    delayMs: (times: Times) => number,
    change: Partial<PendingResult> & Pick<PendingResult, 'error'>,
  ) => ({
    providerId,
    status: 'UNAVAILABLE' as const,
    attempts,
    ...(times && { retryAt: retryAt(job, times, delayMs(times)) }),
    ...change,
  });
  const ticket = before?.ticket && { ticket: before.ticket };
  // Without a call, the error of the provider's last response stays, if there was one.
  const lastErrorOr = (failure: TaskFailure) => (before && (attempts > 0 || ticket) ? before.error : failure);
  switch (outcome.kind) {
    case 'fetched': {
      const { fetchedAt, bytes, stored } = outcome;
      return { providerId, status: 'FETCHED', fetchedAt, bytes, ...stored };
    }
    case 'refused':
      return { providerId, status: 'REFUSED', error: outcome.failure };
    case 'failed': {
      const { failure } = outcome;
      const isTicketLost = ticket !== undefined && losesTicket(failure.class);
      const round = roundOf(job, before) + 1;
      // If the provider loses every ticket, its requests in between succeed and reset `attempts`: count the rounds instead.
      const failedAttempts = Math.max(attempts + 1, isTicketLost ? round - (job.round ?? 0) : 0);
      return pending((definedTimes) => failureDelayMs(definedTimes, failedAttempts, failure), {
        attempts: failedAttempts,
        error: failure,
        ...(isTicketLost ? { round } : ticket),
      });
    }
    case 'working':
      // The provider responds: reset its consecutive failures.
      return pending(({ random }) => deferralMs(outcome.retryAfterMs, random), {
        attempts: 0,
        error: { class: 'still_working' },
        ticket: outcome.ticket,
      });
    case 'deferred': {
      const { class: failureClass, retryAfterMs, cause } = outcome.failure;
      return pending(({ random }) => deferralMs(retryAfterMs, random), {
        error: lastErrorOr(outcome.failure),
        deferred: { class: failureClass, ...(cause && { cause }) },
        ...ticket,
      });
    }
    case 'notAttempted':
      return pending(({ internalFaultMs }) => internalFaultMs, { error: lastErrorOr(outcome.failure), ...ticket });
  }
};

/** The schedule's step or the provider's hint. A refused credential is retried after ten minutes at most. */
const failureDelayMs = ({ schedule, random }: Times, attempts: number, failure: TaskFailure): number => {
  const delayMs = retryDelayMs(schedule, attempts, failure.retryAfterMs, random);
  return failure.class === 'credential_refused' ? Math.min(delayMs, MAX_CREDENTIAL_DELAY_MS) : delayMs;
};

/**
 * When to retry a provider: at the fetch deadline at the latest, for a last call. The deadline does not apply after that call,
 * or if it moves.
 */
const retryAt = (
  { deadlineAt }: FetchingJob,
  { now, isDeadlineOver, isDeadlineMoving }: Times,
  delayMs: number,
): number => (isDeadlineOver || isDeadlineMoving ? now + delayMs : Math.min(now + delayMs, deadlineAt));

/**
 * Turns a result that the callback found missing into a failed fetch, to be retried; if the results are frozen by then, it
 * is delivered as an error.
 */
const withoutMissing = (
  job: FetchingJob,
  results: ProviderResult[],
  delivery: CallbackOutcome | undefined,
  times: Times,
): ProviderResult[] => {
  if (delivery?.kind !== 'resultMissing') return results;
  return results.map((result) => {
    if (result.providerId !== delivery.providerId) return result;
    const failure = { class: 'result_missing' } as const;
    return {
      providerId: result.providerId,
      status: 'UNAVAILABLE',
      attempts: 0,
      error: failure,
      ...(result.round !== undefined && { round: result.round }),
      // Backs off if results keep going missing.
      retryAt: retryAt(job, times, failureDelayMs(times, job.fetchAttempts + 1, failure)),
    };
  });
};

const toAttempt = ({ claims, trigger }: Claim, { fetches, delivery }: Outcomes, now: number): Attempt => {
  const calls = fetches.map((outcome) => ({ providerId: outcome.providerId, ...toFetchCall(outcome) }));
  const callback = delivery && toCallbackCall(delivery, now);
  const starts = [...calls, ...(callback ? [callback] : [])].flatMap(({ startedAt }) => startedAt ?? []);
  return {
    number: claims,
    trigger,
    startedAt: Math.min(now, ...starts),
    endedAt: now,
    fetches: calls,
    ...(callback && { callback }),
  };
};

const toFetchCall = (outcome: FetchOutcome): Call => {
  switch (outcome.kind) {
    case 'fetched': {
      const { statusCode, durationMs, fetchedAt, tries } = outcome;
      return { status: 'OK', statusCode, durationMs, startedAt: Math.round(fetchedAt - durationMs), tries };
    }
    case 'working':
      return { status: 'FAILED', class: 'still_working' };
    default:
      return failedCall(outcome.failure);
  }
};

const toCallbackCall = (delivery: CallbackOutcome, now: number): Call => {
  switch (delivery.kind) {
    case 'delivered': {
      const { statusCode, durationMs, tries } = delivery;
      return { status: 'OK', statusCode, durationMs, startedAt: Math.round(now - durationMs), tries };
    }
    case 'resultMissing':
      return { status: 'FAILED', class: 'result_missing' };
    default:
      return failedCall(delivery.failure);
  }
};

/** The log is read and written with the job, so its excerpts are short. */
const MAX_LOGGED_CHARACTERS = 100;

const failedCall = (failure: TaskFailure): Call => {
  const { class: failureClass, statusCode, startedAt, durationMs, tries, excerpt } = failure;
  return {
    status: 'FAILED',
    class: failureClass,
    statusCode,
    startedAt,
    durationMs,
    tries,
    ...(excerpt !== undefined && { excerpt: cutText(excerpt, MAX_LOGGED_CHARACTERS) }),
  };
};
