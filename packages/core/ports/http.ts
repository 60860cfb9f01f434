import type { FailureClass } from '../contracts/task-failure.ts';

export type HttpRequest = {
  method: 'GET' | 'POST';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  /** Whether a POST may arrive twice, as any GET may (RFC 9110 §9.2.2): the other side recognises duplicates. */
  isRepeatable?: boolean;
  /** One deadline over DNS, connect, headers and body, milliseconds. */
  timeoutMs: number;
  /** How much of the answer's body is read, in bytes after decompression. */
  maxBytes: number;
};

export type HttpAnswer = {
  statusCode: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  /** At most `maxBytes` of it. */
  body: Buffer;
  /** Why the body is not whole: it is larger than `maxBytes`, did not arrive, or its content coding can't be undone. */
  bodyFailure?: HttpFailureInfo;
  durationMs: number;
};

export type HttpFailureInfo = { class: FailureClass; message: string };

/**
 * No answer came; with class `internal`, because the request can't be sent as it is. The message is for logs and excerpts; it
 * holds no address and no secret.
 */
export class HttpFailure extends Error {
  override name = 'HttpFailure';
  readonly class: FailureClass;
  readonly durationMs: number;

  constructor(failureClass: FailureClass, message: string, durationMs: number, options?: ErrorOptions) {
    super(message, options);
    this.class = failureClass;
    this.durationMs = durationMs;
  }
}

/**
 * Makes one HTTP exchange. Redirects are not followed. A request that met a kept connection which the other side had closed
 * meanwhile is sent again at once, on a fresh one, if it may be repeated.
 *
 * @throws HttpFailure when no answer came
 */
export type SendHttp = (request: HttpRequest) => Promise<HttpAnswer>;
