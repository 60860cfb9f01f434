import type { ClaimedJob } from '../contracts/claimed-job.ts';
import type { TaskFailure } from '../contracts/task-failure.ts';
import type { Attempt, Call, FailureCode, Job, JobStatus, PendingResult, Phase, ProviderResult } from './job.ts';
import { lostMs } from './job.ts';
import {
  type CallbackOutcome,
  type FetchOutcome,
  isAttempt,
  isCallMade,
  type Outcomes,
  type RefusalReason,
} from './outcomes.ts';
import {
  deferralMs,
  isExhausted,
  MAX_CREDENTIAL_DELAY_MS,
  ownFaultDelayMs,
  type RetrySchedule,
  retryDelayMs,
} from './schedule.ts';
import { cutText } from './text.ts';
import { givesTicketUp, roundOf, withoutTickets } from './tickets.ts';
import { toEpochSeconds } from './ttl.ts';

/** The rules that operators set. */
export type SettlePolicy = {
  schedule: RetrySchedule;
  /** For how long callbacks to a receiver in trouble may be deferred, milliseconds. */
  patienceMs: number;
  /** How long a job is kept after it is over, milliseconds. */
  retentionMs: number;
};

/** What the execution that holds a job writes to it: the only kind of write that ends a claim. */
export type Settlement = {
  status: JobStatus;
  phase: Phase;
  results: ProviderResult[];
  /** Absent when no call counted as an attempt: the log would be full of questions whether a provider is done. */
  attempt?: Attempt;
  /** 0 or 1: what this execution adds to each counter. */
  fetchAttempts: number;
  callbackAttempts: number;
  updatedAt: number;
  /** How many executions in a row have failed by faults of ours alone; absent: it stays 0. */
  ownFaults?: number;
  /** The fetching deadline, where it moves. */
  deadlineAt?: number;
  /** When the job is due again; absent when it is over. */
  dueAt?: number;
  /** When a receiver that callbacks are only ever deferred for is abandoned. */
  callbackDeadlineAt?: number;
  /** Why the callback was not sent, on purpose. */
  callbackDeferred?: TaskFailure;
  failure?: { code: FailureCode; message: string };
  /** Epoch seconds; present when it is over. */
  expiresAt?: number;
};

/** What settling reads of a job. */
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
  | 'ownFaults'
  | 'updatedAt'
>;

type Claim = Pick<ClaimedJob, 'claims' | 'trigger' | 'final'>;

/**
 * The one decision of the system: what becomes of a job after an execution.
 *
 * @param stored the job as it is stored
 * @param claimed the claim under which the execution ran
 * @param outcomes what the execution learned
 * @param now epoch milliseconds
 * @param random 0 ≤ random < 1, for jitter: one number, so that what failed together is due together
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
  const job = extendedBy(lostMs(stored, now), stored);
  const all = [...fetches, ...(delivery ? [delivery] : [])];
  const isAnyCallMade = all.some(isCallMade);
  const isOurFault = all.some(({ kind }) => kind === 'notAttempted');
  const isOnlyOurFault = all.length > 0 && all.every(({ kind }) => kind === 'notAttempted');
  const ownFaults = countOwnFaults(job.ownFaults ?? 0, { isAnyCallMade, isOurFault });
  const times: Times = {
    now,
    random,
    schedule: policy.schedule,
    ownFaultMs: ownFaultDelayMs(ownFaults || 1, random),
    isDeadlineOver: claimed.final,
    isDeadlineMoving: isOnlyOurFault,
  };

  const results = withoutMissing(job, mergeResults(job, fetches, times), delivery, times);
  const isComplete = results.length === job.providers.length && results.every((r) => r.status !== 'UNAVAILABLE');
  // What was not attempted by a fault of ours is not missing for good: nothing is frozen without it.
  const isLast = claimed.final && fetches.every(({ kind }) => kind !== 'notAttempted');
  const isFrozen = job.phase === 'CALLING_BACK' || isComplete || isLast;
  const base = {
    status: 'PENDING' as const,
    phase: isFrozen ? ('CALLING_BACK' as const) : ('FETCHING' as const),
    results: isFrozen ? withoutTickets(results) : results,
    fetchAttempts: fetches.some(isAttempt) ? 1 : 0,
    callbackAttempts: 0,
    updatedAt: now,
    ...((ownFaults > 0 || job.ownFaults !== undefined) && { ownFaults }),
  };
  const part = isFrozen ? settleCallback(job, base, delivery, times, policy) : settleFetching(job, results, now);
  const settlement = { ...base, ...part };
  const moved = { ...settlement, ...movedDeadlines(stored, settlement, isOnlyOurFault, now) };
  const next = claimed.final ? moved : { ...moved, results: askedByDeadline(moved.results, moved.deadlineAt) };
  if (!all.some(isAttempt) && next.dueAt !== undefined) return next;
  return { ...next, attempt: { ...toAttempt(claimed, outcomes, now), nextAttemptAt: next.dueAt } };
};

/** The job with the time added to its deadlines that executions have lost which were never heard of again. */
const extendedBy = (lost: number, job: SettledJob): SettledJob => ({
  ...job,
  deadlineAt: job.deadlineAt + lost,
  ...(job.callbackDeadlineAt !== undefined && { callbackDeadlineAt: job.callbackDeadlineAt + lost }),
});

const countOwnFaults = (
  before: number,
  { isAnyCallMade, isOurFault }: { [Name in 'isAnyCallMade' | 'isOurFault']: boolean },
) => {
  if (isAnyCallMade) return isOurFault ? 1 : 0;
  return isOurFault ? before + 1 : before;
};

/** No provider waits past the deadline, wherever that has moved to: it would be left out of the last attempt. */
const askedByDeadline = (results: ProviderResult[], deadlineAt = Number.POSITIVE_INFINITY): ProviderResult[] =>
  results.map((result) =>
    result.status === 'UNAVAILABLE' && (result.retryAt ?? 0) > deadlineAt ? { ...result, retryAt: deadlineAt } : result,
  );

type Times = {
  now: number;
  random: number;
  schedule: RetrySchedule;
  ownFaultMs: number;
  /** Whether this execution asked for the last time. */
  isDeadlineOver: boolean;
  /** Whether the deadline moves by the time that passes until the job is due again. */
  isDeadlineMoving: boolean;
};

/** Providers that are due at nearly the same time are asked by one execution: ten of them are not ten claims. */
export const TOGETHER_MS = 30_000;

/** Due is the latest time to ask a provider within 30 s of the earliest. */
const settleFetching = ({ providers }: SettledJob, results: ProviderResult[], now: number): { dueAt: number } => {
  const times = results.flatMap((result) => (result.status === 'UNAVAILABLE' ? (result.retryAt ?? now) : []));
  if (results.length < providers.length) times.push(now);
  const earliest = Math.max(now, Math.min(...times));
  return { dueAt: Math.max(now, ...times.filter((time) => time <= earliest + TOGETHER_MS)) };
};

/**
 * Deadlines move by the time that was lost to faults of ours alone: from the job's first claim since its last outcome to when
 * it is due again, or, where this execution learned something, only until now and only for executions before this one.
 */
const movedDeadlines = (
  stored: SettledJob,
  { phase, dueAt, callbackDeadlineAt }: Pick<Settlement, 'phase' | 'dueAt' | 'callbackDeadlineAt'>,
  isOnlyOurFault: boolean,
  now: number,
): Pick<Settlement, 'deadlineAt' | 'callbackDeadlineAt'> => {
  if (dueAt === undefined) return {};
  const before = lostMs(stored, now);
  const lost = isOnlyOurFault ? Math.max(before, dueAt - (stored.heldSince ?? stored.updatedAt)) : before;
  if (lost === 0) return {};
  if (phase === 'FETCHING') return { deadlineAt: stored.deadlineAt + lost };
  if (stored.callbackDeadlineAt === undefined || callbackDeadlineAt === undefined) return {};
  return { callbackDeadlineAt: callbackDeadlineAt + lost - before };
};

/** What a settlement says of the second phase, its results frozen. */
const settleCallback = (
  job: SettledJob,
  base: Pick<Settlement, 'results'>,
  delivery: CallbackOutcome | undefined,
  times: Times,
  policy: SettlePolicy,
): Partial<Settlement> => {
  const { now, random, schedule, ownFaultMs } = times;
  const callbackDeadlineAt = job.callbackDeadlineAt ?? now + policy.patienceMs;
  if (delivery === undefined) return { callbackDeadlineAt, dueAt: now };
  const end = (status: JobStatus, failure?: Settlement['failure']) => ({
    status,
    callbackAttempts: isAttempt(delivery) ? 1 : 0,
    expiresAt: toEpochSeconds(now + policy.retentionMs),
    ...(failure && { failure }),
  });
  switch (delivery.kind) {
    case 'delivered':
      return end(deliveredStatus(base.results));
    case 'refused':
      return end('FAILED', REFUSALS[delivery.reason]);
    case 'resultMissing': {
      // Results that could not be had at the deadline are delivered as errors; what was frozen as given can't be.
      if (job.phase === 'FETCHING') return { callbackDeadlineAt, dueAt: now + ownFaultMs };
      const message = `What ${delivery.providerId} gave is no longer stored. A redrive asks it again.`;
      return end('FAILED', { code: 'RESULT_MISSING', message });
    }
    case 'notAttempted':
      return { callbackDeadlineAt, dueAt: now + ownFaultMs };
    case 'deferred': {
      // A receiver that stays in trouble is abandoned when its schedule would have ended, however few calls were made.
      const { failure } = delivery;
      const isOver = failure.class !== 'paused' && now >= callbackDeadlineAt;
      if (isOver) {
        const message = 'The receiver was in trouble to the end of the schedule.';
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
      // A receiver that asks for time gets it: its patience does not run out meanwhile.
      const asked = callbackDeadlineAt + Math.max(0, delayMs - stepMs);
      return { callbackAttempts: 1, callbackDeadlineAt: asked, dueAt: now + delayMs };
    }
  }
};

/** Why the jobs of a revoked client end. */
const CLIENT_REVOKED = { code: 'CLIENT_REVOKED', message: 'The client was revoked.' } as const;

const REFUSALS: Record<RefusalReason, NonNullable<Settlement['failure']>> = {
  gone: {
    code: 'CALLBACK_GONE',
    message: 'The receiver answered that it wants no more callbacks (410 Gone, or abort).',
  },
  too_large: { code: 'CALLBACK_TOO_LARGE', message: 'What was collected does not fit into one callback.' },
  client_revoked: CLIENT_REVOKED,
};

/** More claims than these without an outcome are suspect, */
const MAX_UNSETTLED_CLAIMS = 20;
/** and end a job when they have gone on for so long: an outage of ours that is shorter loses none. */
const MAX_UNSETTLED_MS = 7 * 24 * 3_600_000;

/** Why a job ends as soon as it is claimed, if it does. */
export const judgeClaim = (job: Job, isClientRevoked: boolean, now: number): Settlement['failure'] => {
  if (isClientRevoked) return CLIENT_REVOKED;
  const isSuspect = job.claimsSinceOutcome > MAX_UNSETTLED_CLAIMS && now - job.updatedAt > MAX_UNSETTLED_MS;
  if (!isSuspect) return undefined;
  return { code: 'NEVER_SETTLED', message: `Claimed ${job.claimsSinceOutcome} times, and never settled.` };
};

/** The end of a job that is not to be tried, or that no execution has been able to settle. */
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
  expiresAt: toEpochSeconds(now + policy.retentionMs),
});

const deliveredStatus = (results: ProviderResult[]): JobStatus =>
  results.every((result) => result.status === 'FETCHED') ? 'COMPLETE' : 'PARTIAL';

/**
 * One result a provider, in the order of the request; what was given before is never replaced.
 * @param times when to ask again those that did not give; undefined where the results are frozen
 */
export const mergeResults = (
  job: Pick<SettledJob, 'providers' | 'results'> & FetchingJob,
  fetches: FetchOutcome[],
  times?: Times,
): ProviderResult[] => {
  const known = new Map(job.results.map((result) => [result.providerId, result]));
  for (const outcome of fetches) {
    const before = known.get(outcome.providerId);
    if (before?.status === 'FETCHED') continue;
    const pending = before?.status === 'UNAVAILABLE' ? before : undefined;
    const result = toResult(job, outcome, pending, times);
    // No round is forgotten, however the provider's part ends: a redrive must begin one that was never used.
    known.set(outcome.providerId, before?.round === undefined ? result : { round: before.round, ...result });
  }
  return job.providers.flatMap((providerId) => known.get(providerId) ?? []);
};

type FetchingJob = Pick<SettledJob, 'deadlineAt' | 'fetchAttempts' | 'round'>;

const toResult = (
  job: FetchingJob,
  outcome: FetchOutcome,
  before: PendingResult | undefined,
  times: Times | undefined,
): ProviderResult => {
  const { providerId } = outcome;
  // Versions before counted attempts by job.
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
  // What the provider itself answered outlives all that is no answer.
  const lastAnswer = (failure: TaskFailure) => (before && (attempts > 0 || ticket) ? before.error : failure);
  switch (outcome.kind) {
    case 'fetched': {
      const { fetchedAt, bytes, stored } = outcome;
      return { providerId, status: 'FETCHED', fetchedAt, bytes, ...stored };
    }
    case 'refused':
      return { providerId, status: 'REFUSED', error: outcome.failure };
    case 'failed': {
      const { failure } = outcome;
      const isGivenUp = ticket !== undefined && givesTicketUp(failure.class);
      const round = roundOf(job, before) + 1;
      // A provider that loses each ticket accepts each request: its row of failures is as long as the row of its rounds.
      const failedAttempts = Math.max(attempts + 1, isGivenUp ? round - (job.round ?? 0) : 0);
      return pending((given) => failureDelayMs(given, failedAttempts, failure), {
        attempts: failedAttempts,
        error: failure,
        ...(isGivenUp ? { round } : ticket),
      });
    }
    case 'working':
      // It is well: a row of failures ends here.
      return pending(({ random }) => deferralMs(outcome.retryAfterMs, random), {
        attempts: 0,
        error: { class: 'still_working' },
        ticket: outcome.ticket,
      });
    case 'deferred': {
      const { class: failureClass, retryAfterMs, cause } = outcome.failure;
      return pending(({ random }) => deferralMs(retryAfterMs, random), {
        error: lastAnswer(outcome.failure),
        deferred: { class: failureClass, ...(cause && { cause }) },
        ...ticket,
      });
    }
    case 'notAttempted':
      return pending(({ ownFaultMs }) => ownFaultMs, { error: lastAnswer(outcome.failure), ...ticket });
  }
};

/** The schedule's step, or what the provider asked for; a credential of ours that it refuses is tried again sooner. */
const failureDelayMs = ({ schedule, random }: Times, attempts: number, failure: TaskFailure): number => {
  const delayMs = retryDelayMs(schedule, attempts, failure.retryAfterMs, random);
  return failure.class === 'credential_refused' ? Math.min(delayMs, MAX_CREDENTIAL_DELAY_MS) : delayMs;
};

/** Not after the deadline: there each pending provider is asked once more. Where that was done, only the delay counts. */
const retryAt = (
  { deadlineAt }: FetchingJob,
  { now, isDeadlineOver, isDeadlineMoving }: Times,
  delayMs: number,
): number => (isDeadlineOver || isDeadlineMoving ? now + delayMs : Math.min(now + delayMs, deadlineAt));

/**
 * A result that the delivery missed has to be fetched again, as after a failure. Where the results are frozen by now, it
 * stands as an error in its place.
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
      // Should that go on, it is asked less and less often.
      retryAt: retryAt(job, times, failureDelayMs(times, job.fetchAttempts + 1, failure)),
    };
  });
};

const toAttempt = ({ claims, trigger }: Claim, { fetches, delivery }: Outcomes, now: number): Attempt => {
  const tries = fetches.map((outcome) => ({ providerId: outcome.providerId, ...toFetchCall(outcome) }));
  const callback = delivery && toCallbackCall(delivery, now);
  const starts = [...tries, ...(callback ? [callback] : [])].flatMap(({ startedAt }) => startedAt ?? []);
  return {
    number: claims,
    trigger,
    startedAt: Math.min(now, ...starts),
    endedAt: now,
    fetches: tries,
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

/** The log is read and written with the job: of what others answered it keeps little. */
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
