import type { Parameters } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { LeaseLost, ProviderThrottled, ProviderUnavailable } from '@boomerang/core/domain/failures.ts';
import { secretsOfUrl } from '@boomerang/core/domain/mask.ts';
import type { Ticket } from '@boomerang/core/domain/outcomes.ts';
import { isOfOrigin, withUserInfoOf } from '@boomerang/core/domain/status-url.ts';
import { roundOf } from '@boomerang/core/domain/tickets.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import type { Exchange, ExchangeRequest } from './exchange.ts';
import { WAIT_AND_CALL_MS } from './limit-calls.ts';
import {
  type Given,
  givenUp,
  type PollingProvider,
  type ProgressRules,
  readResultAnswer,
  readStartAnswer,
  readStatusAnswer,
  type Step,
  type Working,
} from './read-progress.ts';
import type { FetchRequest } from './schema.ts';

export type PollDeps = {
  jobs: Pick<JobReader, 'getWithData'>;
  now: () => number;
  /** The least time between two questions, milliseconds. */
  minPollMs: number;
};

/** One fetch of a provider with `polling`. */
export type PollRequest = {
  job: Pick<FetchRequest, 'jobId' | 'claims'>;
  provider: PollingProvider;
  /** Makes calls in whose excerpts these secrets are masked, too. */
  exchangeWith: (secrets: readonly string[]) => Exchange;
  /** The request that starts the work, as it is sent in a round. */
  start: (round: number) => ExchangeRequest;
  /** A GET of another address of the provider. */
  follow: (url: string) => ExchangeRequest;
  /** What the request is expanded with, defaults filled in. */
  values: Parameters;
  /** When the fetch began, epoch milliseconds. */
  startedAt: number;
};

/**
 * Takes the work of a provider one step further: starts it, or asks where its ticket says whether it is done.
 *
 * The process may die at any point. Until the job has a ticket, the next one sends the same request in the same round, which
 * the provider takes for a repetition; from then on it asks.
 *
 * @throws LeaseLost when the claim is no longer the job's; with class `bad_polling`, ProviderThrottled for an answer that does
 * not keep to the catalogue; with `work_failed`, ProviderRefused; with `ticket_lost` or `polling_timeout`, which give the
 * ticket up, ProviderThrottled, or ProviderRefused where the request must not be repeated; else as any fetch
 */
export const pollProvider = async (deps: PollDeps, request: PollRequest): Promise<Given | Working> => {
  const { ticket, round } = await findTicket(deps, request);
  return ticket ? askWhetherDone(deps, request, ticket) : startWork(deps, request, round);
};

/** Only fetches of such providers cost this read. */
const findTicket = async (
  { jobs, now }: PollDeps,
  { job: { jobId, claims }, provider, startedAt }: PollRequest,
): Promise<{ ticket: Ticket | undefined; round: number }> => {
  const { job } = (await jobs.getWithData(jobId, now())) ?? {};
  // An execution may be started twice: what the second finds may be the work of another claim.
  if (job?.claims !== claims || job.leasedUntil === undefined) throw new LeaseLost({ class: 'lease_lost', startedAt });
  const result = job.results.find(({ providerId }) => providerId === provider.id);
  return { ticket: result?.status === 'UNAVAILABLE' ? result.ticket : undefined, round: roundOf(job, result) };
};

const startWork = async (deps: PollDeps, request: PollRequest, round: number): Promise<Given | Working> => {
  const exchange = request.exchangeWith([]);
  const sent = inTime(deps, request, request.start(round));
  const rules = rulesOf(deps, request, sent);
  const step = await exchange(sent, (answer, reading) => readStartAnswer(answer, reading, rules, request.values));
  return finish(deps, request, exchange, step);
};

const askWhetherDone = async (deps: PollDeps, request: PollRequest, ticket: Ticket): Promise<Given | Working> => {
  const { provider } = request;
  const { now } = deps;
  if (!isOfOrigin(ticket.url, provider.url)) {
    const excerpt = 'the catalogue has another origin by now';
    throw givenUp(provider, 'ticket_lost', { class: 'ticket_lost', startedAt: now(), excerpt });
  }
  const exchange = request.exchangeWith(secretsOfUrl(ticket.url));
  const isOverdue = () => now() - ticket.since >= provider.polling.timeoutSeconds * 1000;
  const ask = async (): Promise<Given | Working> => {
    const sent = inTime(deps, request, request.follow(withUserInfoOf(provider.url, ticket.url)));
    const rules = rulesOf(deps, request, sent);
    const step = await exchange(sent, (answer, reading) => readStatusAnswer(answer, reading, rules, ticket));
    return finish(deps, request, exchange, step);
  };
  try {
    const asked = await ask();
    if (asked.kind === 'given' || !isOverdue()) return asked;
  } catch (error) {
    const isUnfinished = error instanceof ProviderUnavailable || error instanceof ProviderThrottled;
    if (!isUnfinished || error.failure.class === 'ticket_lost' || !isOverdue()) throw error;
    throw givenUp(provider, 'polling_timeout', error.failure, { cause: error });
  }
  const excerpt = `still working after ${provider.polling.timeoutSeconds} s`;
  throw givenUp(provider, 'polling_timeout', { class: 'polling_timeout', startedAt: now(), excerpt });
};

const rulesOf = (
  { minPollMs }: PollDeps,
  { provider }: PollRequest,
  { url: asked }: ExchangeRequest,
): ProgressRules => ({
  provider,
  asked,
  minPollMs,
});

/** Fetches the data of work that is done, where that is elsewhere. It is one more call: what it answers is not followed. */
const finish = async (
  deps: PollDeps,
  request: PollRequest,
  exchange: Exchange,
  step: Step,
): Promise<Given | Working> => {
  if (step.kind !== 'elsewhere') return step;
  const { provider } = request;
  const sent = inTime(deps, request, request.follow(withUserInfoOf(provider.url, step.url)));
  return exchange(sent, (answer, reading) => readResultAnswer(answer, reading, provider));
};

/** With less time than this a call would only look like a provider that times out, milliseconds. */
const MIN_CALL_MS = 1_000;

/** A request that ends within the time that a fetch has for all its calls. */
const inTime = ({ now }: PollDeps, { startedAt }: PollRequest, request: ExchangeRequest): ExchangeRequest => {
  const restMs = startedAt + WAIT_AND_CALL_MS - now();
  if (restMs >= MIN_CALL_MS) return { ...request, timeoutMs: Math.min(request.timeoutMs, restMs) };
  throw new ProviderThrottled({ class: 'timeout', startedAt, excerpt: 'no time was left to fetch the result' });
};
