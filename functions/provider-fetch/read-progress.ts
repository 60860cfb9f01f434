import type { TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { Parameters, Polling, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { ProviderRefused, ProviderThrottled, ProviderUnavailable } from '@boomerang/core/domain/failures.ts';
import { decodeHeader } from '@boomerang/core/domain/header-text.ts';
import { maskSecrets, secretsOfUrl } from '@boomerang/core/domain/mask.ts';
import type { Ticket } from '@boomerang/core/domain/outcomes.ts';
import { type PolledResponse, type Progress, readStart, readStatus } from '@boomerang/core/domain/polling.ts';
import { judgeStatus, readHint } from '@boomerang/core/domain/responses.ts';
import type { HttpResponse } from '@boomerang/core/ports/http.ts';
import type { ResponseContext } from './exchange.ts';
import type { Collected } from './fetch-pages.ts';
import { createResponseErrors, judgeResponse, type ResponseRules, readData } from './judge-response.ts';

export type PollingProvider = Provider & { polling: Polling };

/** What a response of a provider with `polling` brought: its data, a ticket to poll, or the URL of the data. */
export type Step = Collected | Working | { resultUrl: string };
/** The provider is still working. */
export type Working = {
  ticket: Ticket;
  /** The time until the next poll, milliseconds. */
  retryAfterMs: number;
};

export type ProgressRules = {
  provider: PollingProvider;
  /** The requested URL, without our credential. */
  requestUrl: string;
  /** Minimum time between two polls, milliseconds. */
  minPollMs: number;
};

/**
 * Reads the response to the request that starts the work.
 *
 * @param values the parameter values of the request, with defaults
 * @throws ProviderThrottled `bad_polling` if the response does not match the catalogue
 * @throws ProviderRefused `work_failed`
 * @throws the same errors as {@link judgeResponse}
 */
export const readStartResponse = (
  response: HttpResponse,
  context: ResponseContext,
  rules: ProgressRules,
  values: Parameters,
): Step => {
  const polled = toPolled(response, context, rules);
  if (polled === undefined) return collectData(response, rules.provider, context);
  const ticket = { url: rules.requestUrl, since: context.now, polls: 0 };
  return toStep(readStart(rules.provider, polled, values), ticket, response, context, rules);
};

/**
 * Reads the response to a poll.
 *
 * @throws the same errors as {@link readStartResponse}, and `ticket_lost` if the provider no longer knows the work
 */
export const readStatusResponse = (
  response: HttpResponse,
  context: ResponseContext,
  rules: ProgressRules,
  ticket: Ticket,
): Step => {
  checkTicket(response, context, rules.provider);
  const polled = toPolled(response, context, rules);
  if (polled === undefined) return collectData(response, rules.provider, context);
  const next = { ...ticket, polls: ticket.polls + 1 };
  return toStep(readStatus(rules.provider, polled), next, response, context, rules);
};

/**
 * Reads the response from the result URL.
 *
 * @throws the same errors as {@link judgeResponse}, and `ticket_lost` if the provider has deleted the data
 */
export const readResultResponse = (
  response: HttpResponse,
  context: ResponseContext,
  provider: PollingProvider,
): Collected => {
  checkTicket(response, context, provider);
  // A 202 or 303 is not progress here and is not followed.
  return toCollected(response, judgeResponse(response, provider, context));
};

const collectData = (response: HttpResponse, provider: PollingProvider, context: ResponseContext): Collected =>
  toCollected(response, judgeResponse(response, rulesFor(response.statusCode, provider), context));

const toCollected = ({ statusCode, durationMs }: HttpResponse, json: string): Collected => ({
  json,
  statusCode,
  durationMs,
  pages: 1,
});

const CREATED = 201;
const ACCEPTED = 202;
const SEE_OTHER = 303;
/** Statuses for work that the provider does not know, or no longer knows. */
const UNKNOWN_WORK = new Set([404, 410]);

/** Whether a status reports progress: 202 or 303, unless the catalogue declares another meaning. */
const isProgress = (statusCode: number, { responses }: PollingProvider): boolean =>
  (statusCode === ACCEPTED || statusCode === SEE_OTHER) && !judgeStatus(statusCode, responses).isStated;

/** The provider's rules, extended so that a progress status counts as data. */
const rulesFor = (statusCode: number, provider: PollingProvider): ResponseRules =>
  isProgress(statusCode, provider)
    ? { ...provider, responses: { ...provider.responses, [statusCode]: 'data' } }
    : provider;

/** The response as the polling rules read it; undefined if it must be read like that of any other provider. */
const toPolled = (
  response: HttpResponse,
  context: ResponseContext,
  { provider, requestUrl }: ProgressRules,
): PolledResponse | undefined => {
  const { statusCode, headers } = response;
  const { kind, isStated } = judgeStatus(statusCode, provider.responses);
  const hasNoContent = kind === 'empty' && !isStated;
  if (kind !== 'data' && !hasNoContent && !isProgress(statusCode, provider)) return undefined;
  const polled = { statusCode, location: headers.location && decodeHeader(headers.location), requestUrl };
  if (hasNoContent) return { ...polled, json: 'null' };
  const { statusAt, statusUrl, resultUrlAt } = provider.polling;
  const isDocument = statusAt !== undefined || resultUrlAt !== undefined || !('from' in statusUrl);
  const { dataAt: _, ...rules } = rulesFor(statusCode, provider);
  try {
    const data = readData(response, isDocument ? { ...rules, dataAt: '' } : rules, context);
    // If the body reports that there is no data, the response is an ordinary one.
    return data && { ...polled, json: data.json };
  } catch (error) {
    // If the status URL is in a header, an unreadable body must not lose accepted work. An error in the body still counts.
    const isInHeader = 'from' in statusUrl && (statusCode === ACCEPTED || statusCode === CREATED);
    const isHeaderEnough = isInHeader || statusCode === SEE_OTHER;
    if (!isHeaderEnough || !isFailure(error) || error.failure.class === 'error_in_body') throw error;
    return { ...polled, json: undefined };
  }
};

const isFailure = (error: unknown): error is ProviderRefused | ProviderThrottled | ProviderUnavailable =>
  error instanceof ProviderRefused || error instanceof ProviderThrottled || error instanceof ProviderUnavailable;

/** @param ticket kept while the work is unfinished */
const toStep = (
  progress: Progress,
  ticket: Ticket,
  response: HttpResponse,
  context: ResponseContext,
  { provider, minPollMs }: ProgressRules,
): Step => {
  const { statusCode, headers } = response;
  const { quote, now } = context;
  const errors = createResponseErrors(response, provider, context);
  switch (progress.kind) {
    case 'working': {
      const hintMs = readHint(headers, statusCode, now, { reset: provider.rateLimitReset }) ?? 0;
      const retryAfterMs = Math.max(provider.polling.intervalSeconds * 1000, hintMs, minPollMs);
      return { ticket: { ...ticket, url: progress.url ?? ticket.url }, retryAfterMs };
    }
    case 'done':
      return collectData(response, provider, context);
    case 'elsewhere':
      return { resultUrl: progress.url };
    case 'failed':
      throw errors.final('work_failed', quote.response(response));
    case 'broken': {
      const secrets = progress.reference === undefined ? [] : secretsOfReference(progress.reference, ticket.url);
      const excerpt = maskSecrets(`${progress.reason}: ${quote.response(response)}`, secrets);
      throw errors.throttled('bad_polling', quote.text(excerpt));
    }
  }
};

const secretsOfReference = (reference: string, base: string): string[] =>
  URL.canParse(reference, base) ? secretsOfUrl(new URL(reference, base).href) : [reference];

/** @throws `ticket_lost` if the provider does not know the work, or no longer knows it */
const checkTicket = (response: HttpResponse, context: ResponseContext, provider: PollingProvider): void => {
  const { statusCode } = response;
  if (!UNKNOWN_WORK.has(statusCode) || judgeStatus(statusCode, provider.responses).isStated) return;
  const error = createResponseErrors(response, provider, context).refused(
    'bad_status',
    context.quote.response(response),
  );
  // With a retry hint, the work may become known later.
  if (error instanceof ProviderThrottled) throw error;
  throw abandonTicket(provider, { ...error.failure, class: 'ticket_lost' }, { cause: error });
};

/** The error that abandons a ticket. It starts another round if the request may be repeated, and is permanent if not. */
export const abandonTicket = (
  { method, idempotencyHeader, repeatable }: PollingProvider,
  failure: TaskFailure,
  options?: ErrorOptions,
): ProviderThrottled | ProviderRefused => {
  const isRepeatable = method === 'GET' || idempotencyHeader !== undefined || repeatable;
  return isRepeatable ? new ProviderThrottled(failure, options) : new ProviderRefused(failure, options);
};
