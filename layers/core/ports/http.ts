import type { FailureClass } from '../contracts/task-failure.ts';

export type HttpRequest = {
  method: 'GET' | 'POST';
  url: string;
  headers?: Record<string, string>;
  body?: string;
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
  /** Why the body is not whole: it is larger than `maxBytes`, or did not arrive. */
  bodyFailure?: HttpFailureInfo;
  durationMs: number;
};

export type HttpFailureInfo = { class: FailureClass; message: string };

/** No answer came. The message is for logs and excerpts; it holds no address and no secret. */
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
 * Makes one HTTP exchange. Redirects are not followed.
 * @throws HttpFailure when no answer came
 */
export type SendHttp = (request: HttpRequest) => Promise<HttpAnswer>;
