import type { TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import { judgeStatus, readHint } from '@boomerang/core/domain/answers.ts';
import type { Parameters, Polling, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { ProviderRefused, ProviderThrottled, ProviderUnavailable } from '@boomerang/core/domain/failures.ts';
import { decodeHeader } from '@boomerang/core/domain/header-text.ts';
import { maskSecrets, secretsOfUrl } from '@boomerang/core/domain/mask.ts';
import type { Ticket } from '@boomerang/core/domain/outcomes.ts';
import { type PolledAnswer, type Progress, readStart, readStatus } from '@boomerang/core/domain/polling.ts';
import type { HttpAnswer } from '@boomerang/core/ports/http.ts';
import type { Reading } from './exchange.ts';
import type { Collected } from './fetch-pages.ts';
import { type AnswerRules, createAnswerErrors, judgeAnswer, readData } from './judge-answer.ts';

export type PollingProvider = Provider & { polling: Polling };

/** What an answer of a provider with `polling` comes to, if it is no failure. */
export type Step = Collected | Working | { resultUrl: string };
/** The provider is still working on it. @property retryAfterMs when to ask again */
export type Working = { ticket: Ticket; retryAfterMs: number };

export type ProgressRules = {
  provider: PollingProvider;
  /** The URL that was asked, without our credential. */
  asked: string;
  /** The least time between two questions, milliseconds. */
  minPollMs: number;
};

/**
 * Reads the answer to a request that starts work.
 *
 * @param values what the request was expanded with, defaults filled in
 * @throws ProviderThrottled `bad_polling` for an answer that does not keep to the catalogue, ProviderRefused `work_failed`;
 * else as {@link judgeAnswer}
 */
export const readStartAnswer = (
  answer: HttpAnswer,
  reading: Reading,
  rules: ProgressRules,
  values: Parameters,
): Step => {
  const polled = toPolled(answer, reading, rules);
  if (polled === undefined) return given(answer, rules.provider, reading);
  const ticket = { url: rules.asked, since: reading.now, polls: 0 };
  return toStep(readStart(rules.provider, polled, values), ticket, answer, reading, rules);
};

/**
 * Reads the answer to the question whether work is done.
 * @throws as {@link readStartAnswer}, and what gives the ticket up
 */
export const readStatusAnswer = (answer: HttpAnswer, reading: Reading, rules: ProgressRules, ticket: Ticket): Step => {
  checkTicket(answer, reading, rules.provider);
  const polled = toPolled(answer, reading, rules);
  if (polled === undefined) return given(answer, rules.provider, reading);
  const next = { ...ticket, polls: ticket.polls + 1 };
  return toStep(readStatus(rules.provider, polled), next, answer, reading, rules);
};

/**
 * Reads the answer with the data of work that is done.
 * @throws as {@link judgeAnswer}, and what gives the ticket up: the provider may have deleted the data by now
 */
export const readResultAnswer = (answer: HttpAnswer, reading: Reading, provider: PollingProvider): Collected => {
  checkTicket(answer, reading, provider);
  // Nothing is followed from here: neither a 202 nor a 303 is data.
  return collected(answer, judgeAnswer(answer, provider, reading));
};

const given = (answer: HttpAnswer, provider: PollingProvider, reading: Reading): Collected =>
  collected(answer, judgeAnswer(answer, rulesFor(answer.statusCode, provider), reading));

const collected = ({ statusCode, durationMs }: HttpAnswer, json: string): Collected => ({
  json,
  statusCode,
  durationMs,
  pages: 1,
});

const CREATED = 201;
const ACCEPTED = 202;
const SEE_OTHER = 303;
const UNKNOWN_THERE = new Set([404, 410]);

/** Whether a status is progress here, and no success to other providers. */
const isProgress = (statusCode: number, { responses }: PollingProvider): boolean =>
  (statusCode === ACCEPTED || statusCode === SEE_OTHER) && !judgeStatus(statusCode, responses).isStated;

/** The rules of a provider, by which its progress is a success as well. */
const rulesFor = (statusCode: number, provider: PollingProvider): AnswerRules =>
  isProgress(statusCode, provider)
    ? { ...provider, responses: { ...provider.responses, [statusCode]: 'data' } }
    : provider;

/** An answer as the rules of polling read it; undefined for one that is read as any other is. */
const toPolled = (
  answer: HttpAnswer,
  reading: Reading,
  { provider, asked }: ProgressRules,
): PolledAnswer | undefined => {
  const { statusCode, headers } = answer;
  const { kind, isStated } = judgeStatus(statusCode, provider.responses);
  const isNothing = kind === 'empty' && !isStated;
  if (kind !== 'data' && !isNothing && !isProgress(statusCode, provider)) return undefined;
  const polled = { statusCode, location: headers.location && decodeHeader(headers.location), asked };
  if (isNothing) return { ...polled, json: 'null' };
  const { statusAt, statusUrl, resultUrlAt } = provider.polling;
  const isDocument = statusAt !== undefined || resultUrlAt !== undefined || !('from' in statusUrl);
  const { dataAt: _, ...rules } = rulesFor(statusCode, provider);
  try {
    const data = readData(answer, isDocument ? { ...rules, dataAt: '' } : rules, reading);
    // Undefined: the body tells that there is no data, and never will be.
    return data && { ...polled, json: data.json };
  } catch (error) {
    // Where to ask may be in the header: accepted work is not thrown away. An error that the body tells is no accident.
    const isInHeader = 'from' in statusUrl && (statusCode === ACCEPTED || statusCode === CREATED);
    const isHeaderEnough = isInHeader || statusCode === SEE_OTHER;
    if (!isHeaderEnough || !isFailure(error) || error.failure.class === 'error_in_body') throw error;
    return { ...polled, json: undefined };
  }
};

const isFailure = (error: unknown): error is ProviderRefused | ProviderThrottled | ProviderUnavailable =>
  error instanceof ProviderRefused || error instanceof ProviderThrottled || error instanceof ProviderUnavailable;

/** @param ticket of work that is not done */
const toStep = (
  progress: Progress,
  ticket: Ticket,
  answer: HttpAnswer,
  reading: Reading,
  { provider, minPollMs }: ProgressRules,
): Step => {
  const { statusCode, headers } = answer;
  const { quote, now } = reading;
  const errors = createAnswerErrors(answer, provider, reading);
  switch (progress.kind) {
    case 'working': {
      const hintMs = readHint(headers, statusCode, now, { reset: provider.rateLimitReset }) ?? 0;
      const retryAfterMs = Math.max(provider.polling.intervalSeconds * 1000, hintMs, minPollMs);
      return { ticket: { ...ticket, url: progress.url ?? ticket.url }, retryAfterMs };
    }
    case 'done':
      return given(answer, provider, reading);
    case 'elsewhere':
      return { resultUrl: progress.url };
    case 'failed':
      throw errors.final('work_failed', quote.answer(answer));
    case 'broken': {
      const secrets = progress.named === undefined ? [] : secretsOfReference(progress.named, ticket.url);
      const excerpt = maskSecrets(`${progress.reason}: ${quote.answer(answer)}`, secrets);
      throw errors.throttled('bad_polling', quote.text(excerpt));
    }
  }
};

const secretsOfReference = (reference: string, base: string): string[] =>
  URL.canParse(reference, base) ? secretsOfUrl(new URL(reference, base).href) : [reference];

/** @throws what gives the ticket up, for an answer that says that its work is not known there, or not any more */
const checkTicket = (answer: HttpAnswer, reading: Reading, provider: PollingProvider): void => {
  const { statusCode } = answer;
  if (!UNKNOWN_THERE.has(statusCode) || judgeStatus(statusCode, provider.responses).isStated) return;
  const error = createAnswerErrors(answer, provider, reading).refused('bad_status', reading.quote.answer(answer));
  // An answer that asks us to wait says that it will be known later.
  if (error instanceof ProviderThrottled) throw error;
  throw givenUp(provider, { ...error.failure, class: 'ticket_lost' }, { cause: error });
};

/** The end of a ticket: a failed attempt that begins another round, if the request may be made once more. */
export const givenUp = (
  { method, idempotencyHeader, repeatable }: PollingProvider,
  failure: TaskFailure,
  options?: ErrorOptions,
): ProviderThrottled | ProviderRefused => {
  const isRepeatable = method === 'GET' || idempotencyHeader !== undefined || repeatable;
  return isRepeatable ? new ProviderThrottled(failure, options) : new ProviderRefused(failure, options);
};
