import type { FailureClass, TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import { asksToWait, judgeStatus, readHint } from '@boomerang/core/domain/answers.ts';
import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { ProviderRefused, ProviderThrottled, ProviderUnavailable } from '@boomerang/core/domain/failures.ts';
import { parsePointer, selectJson } from '@boomerang/core/domain/json-select.ts';
import type { HttpAnswer } from '@boomerang/core/ports/http.ts';
import type { Reading } from './exchange.ts';
import { type JsonText, toJsonDocument, toJsonText } from './read-answer.ts';
import { valueAt } from './value-at.ts';

/** What reading an answer needs to know of its provider. */
export type AnswerRules = Pick<
  Provider,
  'auth' | 'maxBytes' | 'responses' | 'bodyErrors' | 'rateLimitReset' | 'dataAt' | 'pagination'
>;

/** The errors that an answer which is no data ends in: each keeps the status, the times and the provider's hint. */
export type AnswerErrors = {
  /** Never to be asked again, unless the answer asks us to wait. */
  refused: (failureClass: FailureClass, excerpt: string) => ProviderRefused | ProviderThrottled;
  /** To be asked again soon; if the answer asks us to wait, not before that. */
  unavailable: (
    failureClass: FailureClass,
    excerpt: string,
    options?: ErrorOptions & { /** Whether the status says that we should wait, by HTTP. */ isAsking?: boolean },
  ) => ProviderUnavailable | ProviderThrottled;
  /** Never to be asked again, whatever the answer asks. */
  final: (failureClass: FailureClass, excerpt: string) => ProviderRefused;
  /** To be asked again as the schedule or the answer says. */
  throttled: (failureClass: FailureClass, excerpt: string) => ProviderThrottled;
};

export const createAnswerErrors = (
  { statusCode, headers, durationMs }: HttpAnswer,
  { rateLimitReset: reset }: Pick<Provider, 'rateLimitReset'>,
  { startedAt, now }: Reading,
): AnswerErrors => {
  const failure = (failureClass: FailureClass, excerpt: string, isAsking: boolean): TaskFailure => {
    const retryAfterMs = readHint(headers, statusCode, now, { isAsking, reset });
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
      const told = failure(failureClass, excerpt, asksToWait(statusCode));
      return told.retryAfterMs === undefined ? new ProviderRefused(told) : new ProviderThrottled(told);
    },
    unavailable: (failureClass, excerpt, { isAsking = asksToWait(statusCode), ...options } = {}) => {
      const told = failure(failureClass, excerpt, isAsking);
      return told.retryAfterMs !== undefined || isAsking
        ? new ProviderThrottled(told, options)
        : new ProviderUnavailable(told, options);
    },
    final: (failureClass, excerpt) => {
      const { retryAfterMs: _, ...told } = failure(failureClass, excerpt, false);
      return new ProviderRefused(told);
    },
    throttled: (failureClass, excerpt) => new ProviderThrottled(failure(failureClass, excerpt, true)),
  };
};

/**
 * Reads a provider's answer.
 *
 * @returns the data, as JSON text
 * @throws ProviderThrottled for whatever is not data and asks us to wait, else ProviderUnavailable if it may become data,
 * ProviderRefused if it won't
 */
export const judgeAnswer = (answer: HttpAnswer, rules: AnswerRules, reading: Reading): string => {
  const data = readData(answer, rules, reading);
  if (data === undefined) return 'null';
  if (rules.dataAt === undefined) return data.json;
  const selected = selectJson(data.json, parsePointer(rules.dataAt));
  if (selected !== undefined) return selected;
  const excerpt = `nothing at ${rules.dataAt} in ${reading.quote.answer(answer)}`;
  throw createAnswerErrors(answer, rules, reading).unavailable('data_missing', excerpt);
};

/**
 * Reads a provider's answer up to the document that its data is a part of: by its status, its body, and the errors that its
 * body may tell.
 *
 * @returns undefined for an answer that is empty on purpose
 * @throws as {@link judgeAnswer}
 */
export const readData = (answer: HttpAnswer, rules: AnswerRules, reading: Reading): JsonText | undefined => {
  const { statusCode, headers, body, bodyFailure } = answer;
  const { quote } = reading;
  const errors = createAnswerErrors(answer, rules, reading);

  const { kind, isStated } = judgeStatus(statusCode, isCredentialStatus(statusCode, rules) ? {} : rules.responses);
  switch (kind) {
    case 'empty':
      return undefined;
    case 'not_ready':
      // A provider that has only accepted the request needs more time than a quick retry gives it.
      throw statusCode === ACCEPTED
        ? errors.throttled('not_ready', quote.answer(answer))
        : errors.unavailable('not_ready', quote.answer(answer));
    case 'refused':
      throw errors.refused('bad_status', quote.answer(answer));
    case 'unavailable':
      throw errors.unavailable('bad_status', quote.answer(answer), { ...(isStated && { isAsking: false }) });
    case 'throttled':
      throw errors.throttled('bad_status', quote.answer(answer));
    case 'data':
  }

  if (bodyFailure) {
    const tooLarge = rules.pagination ? `all pages are larger than ${rules.maxBytes} bytes` : bodyFailure.message;
    if (bodyFailure.class === 'too_large') throw errors.refused('too_large', tooLarge);
    throw errors.unavailable(bodyFailure.class, quote.text(bodyFailure.message));
  }
  const isSelecting = rules.dataAt !== undefined || rules.pagination !== undefined || rules.bodyErrors.length > 0;
  let data: JsonText;
  try {
    data = (isSelecting ? toJsonDocument : toJsonText)(body, headers['content-type']);
  } catch (cause) {
    throw errors.unavailable('bad_body', quote.text((cause as Error).message), { cause });
  }
  // Text grows when it becomes a JSON string: the limit holds for what is delivered, not only for what came.
  if (data.bytes > rules.maxBytes) {
    throw errors.refused('too_large', `the answer is larger than ${rules.maxBytes} bytes as JSON`);
  }
  return findBodyError(answer, data, rules, reading) === 'empty' ? undefined : data;
};

const ACCEPTED = 202;
const UNAUTHORIZED = 401;

/**
 * Whether a status says that the provider does not accept our credential. A catalogue that names 401 says what it means; `4xx`
 * is not enough for that: a secret that was rotated could be taken for the provider's last word, or for its data.
 */
export const isCredentialStatus = (
  statusCode: number | undefined,
  { auth, responses }: Pick<Provider, 'auth' | 'responses'>,
): boolean => auth !== undefined && statusCode === UNAUTHORIZED && responses?.[UNAUTHORIZED] === undefined;

/**
 * Finds the error that a success tells in its body.
 *
 * @returns `empty` if that means that there is no data
 * @throws as {@link judgeAnswer} for an error
 */
const findBodyError = (
  answer: HttpAnswer,
  data: JsonText,
  rules: AnswerRules,
  reading: Reading,
): 'empty' | undefined => {
  const isSuccess = answer.statusCode >= 200 && answer.statusCode < 300;
  const error = isSuccess
    ? rules.bodyErrors.find(({ at, in: values }) => {
        const value = valueAt(data.value, parsePointer(at));
        return values ? values.some((other) => other === value) : value !== undefined && value !== null;
      })
    : undefined;
  if (!error) return undefined;
  if (error.means === 'empty') return 'empty';
  const excerpt = `${error.at} in ${reading.quote.answer(answer)}`;
  throw createAnswerErrors(answer, rules, reading)[error.means]('error_in_body', excerpt);
};
