import type { FailureClass } from '../contracts/task-failure.ts';
import type { Job, ProviderResult } from './job.ts';

/**
 * Rounds and tickets of providers with `polling`. A round is one request for work. Each time it is sent, it carries the same
 * idempotency value, so the provider does the work once. A ticket holds the status URL of a round's work. When a
 * provider's ticket is abandoned, its next request begins a new round; a redrive begins a new round for all providers.
 */

/** The round of a provider's next request. */
export const roundOf = (job: Pick<Job, 'round'>, result: Pick<ProviderResult, 'round'> | undefined): number =>
  result?.round ?? job.round ?? 0;

/** A round that no provider of the job has used, for a redrive. */
export const nextRound = (job: Pick<Job, 'round' | 'results'>): number =>
  Math.max(roundOf(job, undefined), ...job.results.map((result) => roundOf(job, result))) + 1;

const LOSES_TICKET: ReadonlySet<FailureClass> = new Set(['polling_timeout', 'ticket_lost']);

/** Whether the ticket is abandoned after a failure: the work took too long, or the provider no longer knows the ticket. */
export const losesTicket = (failureClass: FailureClass): boolean => LOSES_TICKET.has(failureClass);

/** Drops tickets once no provider will be called again, because a ticket's URL may contain a token. */
export const withoutTickets = (results: ProviderResult[]): ProviderResult[] =>
  results.map((result) => {
    if (result.status !== 'UNAVAILABLE') return result;
    const { ticket: _, ...rest } = result;
    return rest;
  });
