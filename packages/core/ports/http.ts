import type { FailureClass } from '../contracts/task-failure.ts';

export type HttpRequest = {
  method: 'GET' | 'POST';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  /** Whether a POST may be resent, because the receiver detects duplicates. A GET always may (RFC 9110 §9.2.2). */
  isRepeatable?: boolean;
  /** Deadline of the whole exchange: DNS, connect, headers and body. */
  timeoutMs: number;
  /** Maximum body size of the response after decompression. */
  maxBytes: number;
};

export type HttpResponse = {
  statusCode: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  /** Truncated to `maxBytes`. */
  body: Buffer;
  /** Why the body is incomplete: larger than `maxBytes`, connection lost, or content coding can't be decoded. */
  bodyFailure?: HttpFailureInfo;
  durationMs: number;
};

export type HttpFailureInfo = { class: FailureClass; message: string };

/**
 * No response arrived. Class `internal` means that the request is invalid and was not sent. The message is for logs and
 * excerpts; it contains no address and no secret.
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
 * Makes one HTTP exchange without following redirects. If the peer had closed the reused connection, a repeatable request is
 * resent once, immediately, on a new connection.
 *
 * @throws HttpFailure if no response arrived
 */
export type SendHttp = (request: HttpRequest) => Promise<HttpResponse>;
