import type { FailureClass, TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { ProviderRefused, ProviderThrottled, ProviderUnavailable } from '@boomerang/core/domain/failures.ts';
import { parsePointer, selectJson } from '@boomerang/core/domain/json-select.ts';
import { asksToWait, judgeStatus, readHint } from '@boomerang/core/domain/responses.ts';
import type { HttpResponse } from '@boomerang/core/ports/http.ts';
import type { ResponseContext } from './exchange.ts';
import { type JsonText, toJsonDocument, toJsonText } from './read-response.ts';
import { valueAt } from './value-at.ts';

/** The provider settings that a response is judged by. */
export type ResponseRules = Pick<
  Provider,
  'auth' | 'maxBytes' | 'responses' | 'bodyErrors' | 'rateLimitReset' | 'dataAt' | 'pagination'
>;

/** Builds the errors for a response without data. Each carries the status, the times and the provider's retry hint. */
export type ResponseErrors = {
  /** Permanent, unless the response has a retry hint. */
  refused: (failureClass: FailureClass, excerpt: string) => ProviderRefused | ProviderThrottled;
  /**
   * Retried soon, or when the response's retry hint says.
   * @param options `isThrottled`: whether the response asks to wait; by default, whether its status does
   */
  unavailable: (
    failureClass: FailureClass,
    excerpt: string,
    options?: ErrorOptions & { isThrottled?: boolean },
  ) => ProviderUnavailable | ProviderThrottled;
  /** Permanent, ignoring any retry hint. */
  final: (failureClass: FailureClass, excerpt: string) => ProviderRefused;
  /** Retried by the schedule, or when the response's retry hint says. */
  throttled: (failureClass: FailureClass, excerpt: string) => ProviderThrottled;
};

export const createResponseErrors = (
  { statusCode, headers, durationMs }: HttpResponse,
  { rateLimitReset: reset }: Pick<Provider, 'rateLimitReset'>,
  { startedAt, now }: ResponseContext,
): ResponseErrors => {
  const toFailure = (failureClass: FailureClass, excerpt: string, isThrottled: boolean): TaskFailure => {
    const retryAfterMs = readHint(headers, statusCode, now, { isThrottled, reset });
    return {
      class: failureClass,
      statusCode,
      startedAt,
      durationMs,
      excerpt,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    };
  };
  return {
    refused: (failureClass, excerpt) => {
      const failure = toFailure(failureClass, excerpt, asksToWait(statusCode));
      return failure.retryAfterMs === undefined ? new ProviderRefused(failure) : new ProviderThrottled(failure);
    },
    unavailable: (failureClass, excerpt, { isThrottled = asksToWait(statusCode), ...options } = {}) => {
      const failure = toFailure(failureClass, excerpt, isThrottled);
      return failure.retryAfterMs !== undefined || isThrottled
        ? new ProviderThrottled(failure, options)
        : new ProviderUnavailable(failure, options);
    },
    final: (failureClass, excerpt) => {
      const { retryAfterMs: _, ...failure } = toFailure(failureClass, excerpt, false);
      return new ProviderRefused(failure);
    },
    throttled: (failureClass, excerpt) => new ProviderThrottled(toFailure(failureClass, excerpt, true)),
  };
};

/**
 * Reads a provider's response.
 *
 * @returns the data, as JSON text
 * @throws ProviderThrottled for a response without data that asks us to wait; otherwise ProviderUnavailable if a retry may
 * succeed, ProviderRefused if not
 */
export const judgeResponse = (response: HttpResponse, rules: ResponseRules, context: ResponseContext): string => {
  const data = readData(response, rules, context);
  if (data === undefined) return 'null';
  if (rules.dataAt === undefined) return data.json;
  const selected = selectJson(data.json, parsePointer(rules.dataAt));
  if (selected !== undefined) return selected;
  const excerpt = `nothing at ${rules.dataAt} in ${context.quote.response(response)}`;
  throw createResponseErrors(response, rules, context).unavailable('data_missing', excerpt);
};

/**
 * Reads the document that contains a provider's data. Checks the status, the body, and errors reported in the body.
 *
 * @returns undefined if the response means "no data"
 * @throws as {@link judgeResponse}
 */
export const readData = (
  response: HttpResponse,
  rules: ResponseRules,
  context: ResponseContext,
): JsonText | undefined => {
  const { statusCode, headers, body, bodyFailure } = response;
  const { quote } = context;
  const errors = createResponseErrors(response, rules, context);

  const { kind, isStated } = judgeStatus(statusCode, isCredentialStatus(statusCode, rules) ? {} : rules.responses);
  switch (kind) {
    case 'empty':
      return undefined;
    case 'not_ready':
      // 202: the provider has only accepted the request and needs more time than a quick retry leaves.
      throw statusCode === ACCEPTED
        ? errors.throttled('not_ready', quote.response(response))
        : errors.unavailable('not_ready', quote.response(response));
    case 'refused':
      throw errors.refused('bad_status', quote.response(response));
    case 'unavailable':
      // A status that the catalogue declares unavailable does not ask to wait, even if it is 429 or 503.
      throw errors.unavailable('bad_status', quote.response(response), isStated ? { isThrottled: false } : {});
    case 'throttled':
      throw errors.throttled('bad_status', quote.response(response));
    case 'data':
      break;
  }

  if (bodyFailure?.class === 'too_large') {
    const excerpt = rules.pagination ? `all pages are larger than ${rules.maxBytes} bytes` : bodyFailure.message;
    throw errors.refused('too_large', excerpt);
  }
  if (bodyFailure) throw errors.unavailable(bodyFailure.class, quote.text(bodyFailure.message));
  // Values can only be selected from JSON.
  const isSelecting = rules.dataAt !== undefined || rules.pagination !== undefined || rules.bodyErrors.length > 0;
  let data: JsonText;
  try {
    const toJson = isSelecting ? toJsonDocument : toJsonText;
    data = toJson(body, headers['content-type']);
  } catch (cause) {
    throw errors.unavailable('bad_body', quote.text((cause as Error).message), { cause });
  }
  // Text grows when encoded as a JSON string. The limit also applies to the size that is delivered.
  if (data.bytes > rules.maxBytes) {
    throw errors.refused('too_large', `the response is larger than ${rules.maxBytes} bytes as JSON`);
  }
  return findBodyError(response, data, rules, context) === 'empty' ? undefined : data;
};

const ACCEPTED = 202;
const UNAUTHORIZED = 401;

/**
 * Whether a status means that the provider refused our credential. `responses` in the catalogue can redefine 401 explicitly.
 * `4xx` does not: it would turn a rotated secret into a permanent refusal, or into data.
 */
export const isCredentialStatus = (
  statusCode: number | undefined,
  { auth, responses }: Pick<Provider, 'auth' | 'responses'>,
): boolean => auth !== undefined && statusCode === UNAUTHORIZED && responses?.[UNAUTHORIZED] === undefined;

/**
 * Checks the body of a successful response for the errors that the catalogue declares.
 *
 * @returns `empty` if the error means "no data"
 * @throws as {@link judgeResponse} for any other error
 */
const findBodyError = (
  response: HttpResponse,
  data: JsonText,
  rules: ResponseRules,
  context: ResponseContext,
): 'empty' | undefined => {
  if (response.statusCode < 200 || response.statusCode >= 300) return undefined;
  const error = rules.bodyErrors.find(({ at, in: values }) => {
    const value = valueAt(data.value, parsePointer(at));
    return values ? values.some((other) => other === value) : value !== undefined && value !== null;
  });
  if (!error) return undefined;
  if (error.means === 'empty') return 'empty';
  const excerpt = `${error.at} in ${context.quote.response(response)}`;
  throw createResponseErrors(response, rules, context)[error.means]('error_in_body', excerpt);
};
