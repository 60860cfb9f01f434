import type { FailureClass } from '../contracts/task-failure.ts';
import type { Job, ProviderResult } from './job.ts';

/**
 * Rounds and tickets of providers with `polling`. A round is one request for work: however often it is sent, it carries the
 * same idempotency value, so the provider does the work once. A ticket is where the work of a round is asked for. A new round
 * begins when a ticket is given up, for that provider, and with each redrive, for all.
 */

/** The round in which a provider is asked. */
export const roundOf = (job: Pick<Job, 'round'>, result: Pick<ProviderResult, 'round'> | undefined): number =>
  result?.round ?? job.round ?? 0;

/** A round that no provider of a job has been asked in: what a redrive begins. */
export const nextRound = (job: Pick<Job, 'round' | 'results'>): number =>
  Math.max(...[undefined, ...job.results].map((result) => roundOf(job, result))) + 1;

const GIVES_UP: ReadonlySet<FailureClass> = new Set(['polling_timeout', 'ticket_lost']);

/** Whether a failure ends the ticket that was asked: its work took too long, or the provider does not know it any more. */
export const givesTicketUp = (failureClass: FailureClass): boolean => GIVES_UP.has(failureClass);

/** Results of a job that asks no provider any more: a ticket may hold a token, and has no use there. */
export const withoutTickets = (results: ProviderResult[]): ProviderResult[] =>
  results.map((result) => {
    if (result.status !== 'UNAVAILABLE') return result;
    const { ticket: _, ...rest } = result;
    return rest;
  });
