import { readHint } from '@boomerang/core/domain/answers.ts';
import type { Parameters, Polling, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import {
  LeaseLost,
  ProviderRefused,
  ProviderThrottled,
  ProviderUnavailable,
  type TaskError,
} from '@boomerang/core/domain/failures.ts';
import { maskSecrets, secretsOfUrl } from '@boomerang/core/domain/mask.ts';
import type { Ticket } from '@boomerang/core/domain/outcomes.ts';
import { type PolledAnswer, type Progress, readStart, readStatus, SEE_OTHER } from '@boomerang/core/domain/polling.ts';
import { isOfOrigin, withUserInfoOf } from '@boomerang/core/domain/status-url.ts';
import { roundOf } from '@boomerang/core/domain/tickets.ts';
import type { HttpAnswer } from '@boomerang/core/ports/http.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import type { TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { Exchange, ExchangeRequest, Reading } from './exchange.ts';
import { judgeAnswer } from './judge-answer.ts';
import { MIN_CALL_MS, WAIT_AND_CALL_MS } from './limit-calls.ts';
import { toJsonText } from './read-answer.ts';
import type { FetchRequest } from './schema.ts';

export type PollDeps = {
  jobs: Pick<JobReader, 'get'>;
  now: () => number;
  /** The least time between two questions, milliseconds. */
  minPollMs: number;
};

export type PollingProvider = Provider & { polling: Polling };

/** One fetch of a provider with `polling`. */
export type PollRequest = {
  job: Pick<FetchRequest, 'jobId' | 'claims'>;
  provider: PollingProvider;
  exchange: Exchange;
  /** The request that starts the work, as it is sent in a round. */
  start: (round: number) => ExchangeRequest;
  /** What that was expanded with, defaults filled in. */
  values: Parameters;
  /** When the fetch began, epoch milliseconds. */
  startedAt: number;
};

export type Polled = Given | Working;
export type Given = { kind: 'given'; answer: HttpAnswer; json: string };
export type Working = { kind: 'working'; ticket: Ticket; retryAfterMs: number };

/**
 * Takes a provider's work one step further: starts it, or asks where its ticket says whether it is done.
 *
 * A process may die at any point. Until its job has the ticket, the next one sends the same request in the same round; from
 * then on, it asks.
 *
 * @throws LeaseLost when the job is in other hands by now; of class `bad_polling`, ProviderThrottled for an answer that does
 * not keep to the catalogue; of class `work_failed`, ProviderRefused; of class `ticket_lost` or `polling_timeout`, what gives
 * the ticket up: ProviderThrottled, or ProviderRefused where the request must not be repeated; else what any fetch throws
 */
export const pollProvider = async (deps: PollDeps, request: PollRequest): Promise<Polled> => {
  const { ticket, round } = await findTicket(deps, request);
  return ticket ? askForWork(deps, request, ticket) : startWork(deps, request, round);
};

/** Only such providers cost this read. What is not this claim's any more is not this execution's to ask. */
const findTicket = async (
  { jobs, now }: PollDeps,
  { job: { jobId, claims }, provider, startedAt }: PollRequest,
): Promise<{ ticket: Ticket | undefined; round: number }> => {
  const job = await jobs.get(jobId, now());
  if (job?.claims !== claims || job.leasedUntil === undefined) throw new LeaseLost({ class: 'lease_lost', startedAt });
  const result = job.results.find(({ providerId }) => providerId === provider.id);
  const ticket = result?.status === 'UNAVAILABLE' ? result.ticket : undefined;
  return { ticket, round: roundOf(job, result) };
};

const startWork = async (deps: PollDeps, request: PollRequest, round: number): Promise<Polled> => {
  const { provider, exchange, start, values } = request;
  const sent = start(round);
  return exchange(sent, (answer, reading) => {
    const polled = toPolled(answer, sent.url);
    if (!polled) return { kind: 'given', answer, json: judgeAnswer(answer, provider, reading) };
    const progress = readStart(provider, polled, values);
    if (progress.kind === 'working') {
      const ticket = { url: progress.url ?? sent.url, since: reading.now, polls: 0 };
      return working(deps, provider, answer, reading, ticket);
    }
    if (progress.kind === 'elsewhere') throw new TypeError('to come');
    return ended(provider, answer, reading, sent.url, progress);
  });
};

export const notYet = { readHint, ProviderRefused, ProviderUnavailable, maskSecrets, secretsOfUrl, SEE_OTHER, isOfOrigin, withUserInfoOf, MIN_CALL_MS, WAIT_AND_CALL_MS, toJsonText, readStatus };
