import { type Attempt, endedAtOf, type FetchedResult, type Job, type ProviderResult } from './job.ts';
import { omit } from './omit.ts';
import { nextRound, withoutTickets } from './tickets.ts';
import { toEpochSeconds } from './ttl.ts';

/**
 * What a caller may do to a job, as pure functions from the job that was read to the job to write. Each increments `claims`,
 * the fencing token, so that later writes by an earlier holder of the job fail.
 */

export const hasEnded = ({ status }: Pick<Job, 'status'>): boolean => status !== 'PENDING';

/** Whether an execution holds the job. */
export const isHeld = ({ leasedUntil }: Pick<Job, 'leasedUntil'>, now: number): boolean =>
  leasedUntil !== undefined && leasedUntil > now;

const MAX_POLL_MS = 60_000;
const MIN_POLL_MS = 1_000;

/**
 * When a caller should read a pending job again, milliseconds from now: when it is due, between 1 s and 1 min; after 1 s if an
 * execution holds it. Undefined once it has ended.
 */
export const nextChangeMs = (job: Pick<Job, 'status' | 'dueAt' | 'leasedUntil'>, now: number): number | undefined => {
  if (hasEnded(job)) return undefined;
  const dueMs = isHeld(job, now) ? 0 : (job.dueAt ?? now) - now;
  return Math.min(Math.max(dueMs, MIN_POLL_MS), MAX_POLL_MS);
};

/** What a caller may do to a job now. */
export type AllowedActions = { redrive: boolean; cancel: boolean; delete: boolean };

export const allowedActions = (
  job: Pick<Job, 'status' | 'leasedUntil' | 'isInputDeleted'>,
  now: number,
): AllowedActions => ({
  redrive: !isHeld(job, now) && !job.isInputDeleted,
  cancel: !hasEnded(job),
  delete: hasEnded(job),
});

const REMOVED_BY_REDRIVE = [
  'expiresAt',
  'failure',
  'expungedAt',
  'callbackDeadlineAt',
  'leasedUntil',
  'heldSince',
  'internalFaults',
  'callbackDeferred',
  'endedAt',
  'isInTrouble',
] as const satisfies (keyof Job)[];

/**
 * The job redriven, with a new deadline and retry schedule. Fetched results are kept; refused providers are called again.
 * Tickets are abandoned: the next requests belong to a new round, so that providers do not treat them as repeats.
 *
 * @param kept the results whose data is still stored
 * @param leaseMs the lease of the execution that is about to start; if undefined, the job is due at once
 */
export const redriven = (
  stored: Job,
  kept: FetchedResult[],
  { now, leaseMs, fetchDeadlineMs }: { now: number; leaseMs?: number | undefined; fetchDeadlineMs: number },
): Job => {
  const job = omit(stored, REMOVED_BY_REDRIVE);
  const resultsById = new Map(kept.map((result) => [result.providerId, result]));
  const results = job.results.flatMap(({ providerId }) => resultsById.get(providerId) ?? []).map(withoutRound);
  const isCollected = results.length === job.providers.length;
  const wasDelivered = job.status === 'COMPLETE' || job.status === 'PARTIAL';
  // Receivers detect duplicates by `webhook-id`, so a body that may differ from an earlier one needs a new id. They may have
  // received an earlier one in the callback phase, or from an execution that reported no outcome.
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

/** If a kept result goes missing later, its provider is called in the job's new round. */
const withoutRound = ({ round: _, ...result }: FetchedResult): FetchedResult => result;

/** The job ended at the caller's request. */
export const cancelled = (job: Job, { now, retentionMs }: { now: number; retentionMs: number }): Job => ({
  ...omit(job, ['dueAt', 'leasedUntil', 'isInTrouble']),
  status: 'CANCELLED',
  claims: job.claims + 1,
  results: withoutTickets(job.results),
  updatedAt: now,
  endedAt: now,
  expiresAt: toEpochSeconds(now + retentionMs),
});

/** The job without its data: no parameters, metadata or excerpts of responses. */
export const expunged = ({ parameters, metadata, ...job }: Job, now: number): Job => ({
  ...job,
  endedAt: endedAtOf(job) ?? now,
  ...((parameters || metadata) && { isInputDeleted: true }),
  claims: job.claims + 1,
  results: withoutTickets(job.results).map(withoutExcerpt),
  attemptLog: job.attemptLog.map(withoutExcerpts),
  updatedAt: now,
  expungedAt: job.expungedAt ?? now,
});

const withoutExcerpts = ({ callback, ...attempt }: Attempt): Attempt => ({
  ...attempt,
  fetches: attempt.fetches.map(({ excerpt: _, ...fetch }) => fetch),
  ...(callback && { callback: { ...callback, excerpt: undefined } }),
});

const withoutExcerpt = (result: ProviderResult): ProviderResult => {
  if (result.status === 'FETCHED') return result;
  const { excerpt: _, ...error } = result.error;
  return { ...result, error };
};
