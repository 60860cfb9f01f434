import { writeOnlyValues } from '@boomerang/core/domain/catalogue/parameters.ts';
import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { LeaseLost, ProviderThrottled, ProviderUnavailable } from '@boomerang/core/domain/failures.ts';
import type { Job } from '@boomerang/core/domain/job.ts';
import { isMaskable, secretsOfUrl } from '@boomerang/core/domain/mask.ts';
import type { Ticket } from '@boomerang/core/domain/outcomes.ts';
import { hasOriginOf, withUserInfoOf } from '@boomerang/core/domain/status-url.ts';
import { roundOf } from '@boomerang/core/domain/tickets.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import { buildFollowUp, buildRequest } from './build-request.ts';
import { createExchange, type Exchange, type ExchangeDeps } from './exchange.ts';
import type { Collected } from './fetch-pages.ts';
import {
  abandonTicket,
  type PollingProvider,
  readResultResponse,
  readStartResponse,
  readStatusResponse,
  type Step,
  type Working,
} from './read-progress.ts';
import { findRequestValues } from './request-values.ts';
import type { FetchRequest } from './schema.ts';

export type PollDeps = ExchangeDeps & {
  jobs: Pick<JobReader, 'getWithData'>;
  /** Minimum time between two polls, milliseconds. */
  minPollMs: number;
};

export const isPolled = (provider: Provider): provider is PollingProvider => provider.polling !== undefined;

/**
 * Starts a provider's work, or polls the job's ticket once.
 *
 * The process may die at any point. Until the job has a ticket, the next execution repeats the start request in the same round,
 * which the provider recognises by its idempotency header. After that it polls.
 *
 * @throws LeaseLost if the job no longer belongs to this claim
 * @throws ProviderThrottled `bad_polling` if a response does not match the catalogue
 * @throws ProviderThrottled `ticket_lost` or `polling_timeout` when the ticket is abandoned (ProviderRefused if the start
 * request must not be repeated)
 * @throws ProviderRefused `work_failed`
 * @throws the same errors as any other fetch
 */
export const pollProvider = async (
  deps: PollDeps,
  provider: PollingProvider,
  request: FetchRequest,
  startedAt: number,
): Promise<Collected | Working> => {
  const job = await findJob(deps, request, startedAt);
  const result = job.results.find(({ providerId }) => providerId === provider.id);
  const ticket = result?.status === 'UNAVAILABLE' ? result.ticket : undefined;
  const { jobId, leasedUntil } = request;
  const exchangeWith = (secrets: readonly string[]) =>
    createExchange(deps, provider, { jobId, leasedUntil, startedAt, secrets });
  if (ticket) {
    // Parameters that the catalogue no longer allows do not affect work that has already started.
    const secrets = writeOnlyValues(provider, job.parameters?.[provider.id] ?? {});
    const exchange = exchangeWith([...secrets, ...secretsOfUrl(ticket.url).filter(isMaskable)]);
    return pollTicket(deps, provider, exchange, ticket);
  }
  const { values, secrets } = await findRequestValues(deps, provider, request, startedAt);
  const exchange = exchangeWith(secrets);
  const first = buildRequest(provider, values, { jobId, round: roundOf(job, result) });
  const rules = { provider, requestUrl: first.url, minPollMs: deps.minPollMs };
  const step = await exchange(first, (response, context) => readStartResponse(response, context, rules, values));
  return fetchResult(provider, exchange, step);
};

/** Reads the job, for its ticket and round. */
const findJob = async ({ jobs, now }: PollDeps, { jobId, claims }: FetchRequest, startedAt: number): Promise<Job> => {
  const { job } = (await jobs.getWithData(jobId, now())) ?? {};
  // An execution may be started twice: the second may read a job that another claim holds.
  if (job?.claims !== claims || job.leasedUntil === undefined) throw new LeaseLost({ class: 'lease_lost', startedAt });
  return job;
};

const pollTicket = async (
  { now, minPollMs }: PollDeps,
  provider: PollingProvider,
  exchange: Exchange,
  ticket: Ticket,
): Promise<Collected | Working> => {
  if (!hasOriginOf(ticket.url, provider.url)) {
    const excerpt = 'the origin of the provider URL has changed in the catalogue';
    throw abandonTicket(provider, { class: 'ticket_lost', startedAt: now(), excerpt });
  }
  const { timeoutSeconds } = provider.polling;
  const isOverdue = () => now() - ticket.since >= timeoutSeconds * 1000;
  const poll = buildFollowUp(provider, withUserInfoOf(provider.url, ticket.url));
  const rules = { provider, requestUrl: poll.url, minPollMs };
  try {
    const step = await exchange(poll, (response, context) => readStatusResponse(response, context, rules, ticket));
    const outcome = await fetchResult(provider, exchange, step);
    const isWorking = 'ticket' in outcome;
    if (!isWorking || !isOverdue()) return outcome;
  } catch (error) {
    const isUnfinished = error instanceof ProviderUnavailable || error instanceof ProviderThrottled;
    if (!isUnfinished || error.failure.class === 'ticket_lost' || !isOverdue()) throw error;
    throw abandonTicket(provider, { ...error.failure, class: 'polling_timeout' }, { cause: error });
  }
  const excerpt = `still working after ${timeoutSeconds} seconds`;
  throw abandonTicket(provider, { class: 'polling_timeout', startedAt: now(), excerpt });
};

/** Fetches the data from the result URL, if there is one. This is one more call; its redirects are not followed. */
const fetchResult = async (provider: PollingProvider, exchange: Exchange, step: Step): Promise<Collected | Working> => {
  if (!('resultUrl' in step)) return step;
  const request = buildFollowUp(provider, withUserInfoOf(provider.url, step.resultUrl));
  return exchange(request, (response, context) => readResultResponse(response, context, provider));
};
