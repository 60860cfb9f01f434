import type { FailureClass, TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import { asksToWait, judgeProviderStatus, readHint } from '@boomerang/core/domain/answers.ts';
import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { ProviderRefused, ProviderThrottled, ProviderUnavailable } from '@boomerang/core/domain/failures.ts';
import type { HttpAnswer } from '@boomerang/core/ports/http.ts';
import type { Reading } from './exchange.ts';
import { type JsonText, toJsonText } from './read-answer.ts';

/**
 * Reads a provider's answer.
 *
 * @returns the data, as JSON text
 * @throws ProviderThrottled for whatever is not data and asks us to wait, else ProviderUnavailable if it may become data,
 * ProviderRefused if it won't
 */
export const judgeAnswer = (
  answer: HttpAnswer,
  { maxBytes }: Pick<Provider, 'maxBytes'>,
  { startedAt, now, quote }: Reading,
): string => {
  const { statusCode, headers, body, bodyFailure, durationMs } = answer;
  const retryAfterMs = readHint(headers, statusCode, now);
  const failure = (failureClass: FailureClass, excerpt: string): TaskFailure => ({
    class: failureClass,
    statusCode,
    startedAt,
    durationMs,
    excerpt,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
  const unavailable = (told: TaskFailure, options?: ErrorOptions) =>
    retryAfterMs !== undefined || asksToWait(statusCode)
      ? new ProviderThrottled(told, options)
      : new ProviderUnavailable(told, options);
  const refused = (told: TaskFailure) =>
    retryAfterMs !== undefined ? new ProviderThrottled(told) : new ProviderRefused(told);

  const verdict = judgeProviderStatus(statusCode);
  if (verdict === 'empty') return 'null';
  if (verdict === 'not_ready') {
    const told = failure('not_ready', quote.answer(answer));
    // A provider that has only accepted the request needs more time than a quick retry gives it.
    throw statusCode === 202 ? new ProviderThrottled(told) : unavailable(told);
  }
  if (verdict === 'refused') throw refused(failure('bad_status', quote.answer(answer)));
  if (verdict === 'unavailable') throw unavailable(failure('bad_status', quote.answer(answer)));

  if (bodyFailure) {
    const told = failure(bodyFailure.class, quote.text(bodyFailure.message));
    throw bodyFailure.class === 'too_large' ? refused(told) : unavailable(told);
  }
  let data: JsonText;
  try {
    data = toJsonText(body, headers['content-type']);
  } catch (cause) {
    throw unavailable(failure('bad_body', quote.text((cause as Error).message)), { cause });
  }
  // Text grows when it becomes a JSON string: the limit holds for what is delivered, not only for what came.
  if (data.bytes > maxBytes) throw refused(failure('too_large', `the answer is larger than ${maxBytes} bytes as JSON`));
  return data.json;
};
