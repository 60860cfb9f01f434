import type { Attempt, GivenResult, Job, ProviderResult } from './job.ts';
import { nextRound, withoutTickets } from './tickets.ts';
import { toEpochSeconds } from './ttl.ts';

/**
 * What a caller may do to a job, as pure functions from the job that was read to the one that is to be. Each counts as a
 * claim, so that whatever an older holder of the job still writes is refused.
 */

export const isOver = ({ status }: Pick<Job, 'status'>): boolean => status !== 'PENDING';

/** Whether an execution holds it. */
export const isHeld = ({ leasedUntil }: Pick<Job, 'leasedUntil'>, now: number): boolean =>
  leasedUntil !== undefined && leasedUntil > now;

/**
 * The job tried anew: with a fresh deadline and schedule. What was fetched is kept, what was refused is asked for again.
 * Tickets are given up: providers get requests of another round, which they do not take for repetitions.
 *
 * @param kept the results whose data is still stored
 * @param leaseMs how long the execution that is about to start holds it; without one, it is due at once
 */
export const redriven = (
  read: Job,
  kept: GivenResult[],
  { now, leaseMs, fetchDeadlineMs }: { now: number; leaseMs?: number | undefined; fetchDeadlineMs: number },
): Job => {
  const { expiresAt: _, failure: __, expungedAt: ___, callbackDeadlineAt: ____, ...rest } = read;
  const { leasedUntil: _____, heldSince: ______, ownFaults: _______, callbackDeferred: ________, ...job } = rest;
  const known = new Map(kept.map((result) => [result.providerId, result]));
  const results = job.results.flatMap(({ providerId }) => known.get(providerId) ?? []).map(withoutRound);
  const isCollected = results.length === job.providers.length;
  const wasDelivered = job.status === 'COMPLETE' || job.status === 'PARTIAL';
  // Receivers know duplicates by the callback's id: a body that may differ from one they had needs another id. They may
  // have had one when callbacks were tried, or when an execution was never heard of again.
  const isSameBody = job.phase === 'CALLING_BACK' && isCollected;
  const mayHaveSent = job.phase === 'CALLING_BACK' || job.claimsSinceOutcome > 0;
  return {
    ...job,
    status: 'PENDING',
    phase: isCollected ? 'CALLING_BACK' : 'FETCHING',
    claims: job.claims + 1,
    round: nextRound(job),
    fetchAttempts: 0,
    callbackAttempts: 0,
    redeliveries: job.redeliveries + (wasDelivered || (mayHaveSent && !isSameBody) ? 1 : 0),
    results,
    updatedAt: now,
    deadlineAt: now + fetchDeadlineMs,
    ...(leaseMs === undefined
      ? { claimsSinceOutcome: 0, dueAt: now }
      : { claimsSinceOutcome: 1, dueAt: now + leaseMs, leasedUntil: now + leaseMs }),
  };
};

/** Of a result that is kept from the rounds before. Should it go missing, its provider is asked in the job's. */
const withoutRound = ({ round: _, ...result }: GivenResult): GivenResult => result;

/** The job ended at its caller's wish. */
export const cancelled = (
  { dueAt: _, leasedUntil: __, ...job }: Job,
  { now, retentionMs }: { now: number; retentionMs: number },
): Job => ({
  ...job,
  status: 'CANCELLED',
  claims: job.claims + 1,
  results: withoutTickets(job.results),
  updatedAt: now,
  expiresAt: toEpochSeconds(now + retentionMs),
});

/** The bare record of a job: what happened, without what its caller gave and what third parties said. */
export const expunged = ({ parameters, metadata, ...job }: Job, now: number): Job => ({
  ...job,
  ...((parameters || metadata) && { isInputDeleted: true }),
  claims: job.claims + 1,
  results: withoutTickets(job.results).map(withoutExcerpt),
  attemptLog: job.attemptLog.map(withoutAnswers),
  updatedAt: now,
  expungedAt: job.expungedAt ?? now,
});

const withoutAnswers = ({ callback, ...attempt }: Attempt): Attempt => ({
  ...attempt,
  fetches: attempt.fetches.map(({ excerpt: _, ...fetch }) => fetch),
  ...(callback && { callback: { ...callback, excerpt: undefined } }),
});

const withoutExcerpt = (result: ProviderResult): ProviderResult => {
  if (result.status === 'FETCHED') return result;
  const { excerpt: _, ...error } = result.error;
  return { ...result, error };
};
