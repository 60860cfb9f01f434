import { STATUS_CODES } from 'node:http';

/** An invalid field. `pointer` is a JSON pointer (RFC 6901) into the body, the query or the headers. */
export type FieldError = { pointer: string; message: string };

type ProblemOptions = {
  headers?: Record<string, string>;
  errors?: FieldError[];
  /** Related resources, relative to the API. */
  links?: Record<string, string>;
  cause?: unknown;
};

/** An error response. May be thrown anywhere in a handler's middleware chain. */
export class Problem extends Error {
  override name = 'Problem';
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly errors: FieldError[] | undefined;
  readonly links: Record<string, string> | undefined;

  constructor(status: number, detail: string, { headers = {}, errors, links, cause }: ProblemOptions = {}) {
    super(detail, { cause });
    this.status = status;
    this.headers = headers;
    this.errors = errors;
    this.links = links;
  }
}

/** The reason for a 401 response. */
export type UnauthorizedReason = 'no_credentials' | 'malformed_credentials' | 'unknown_key' | 'bad_signature';

/** A 401 response. Reason and fingerprint are logged, never sent to the caller. */
export class Unauthorized extends Problem {
  override name = 'Unauthorized';
  readonly reason: UnauthorizedReason;
  /** Distinguishes failures of different keys in the log; the key can't be derived from it. */
  readonly keyFingerprint: string | undefined;

  /** @param challenge the WWW-Authenticate header (RFC 9110 §11.6.1) */
  constructor(reason: UnauthorizedReason, detail: string, challenge: string, keyFingerprint?: string) {
    super(401, detail, { headers: { 'www-authenticate': challenge } });
    this.reason = reason;
    this.keyFingerprint = keyFingerprint;
  }
}

/**
 * The body of a problem, `application/problem+json` (RFC 9457).
 * @param instance the request id
 */
export const problemBody = ({ status, message, errors, links }: Problem, instance: string): string =>
  JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status],
    status,
    detail: message,
    instance,
    errors,
    links,
  });

/** The header that says when to retry, in whole seconds, rounded up (RFC 9110 §10.2.3). */
export const retryAfter = (ms: number): { 'retry-after': string } => ({ 'retry-after': String(Math.ceil(ms / 1000)) });

/** A well-formed request with invalid fields. */
export const invalid = (errors: FieldError[]): Problem =>
  new Problem(422, 'The request is well-formed but invalid.', { errors });

/** The response to an unknown path. */
export const unknownRoute = (): Problem => new Problem(404, 'No such route.');

/** The response to a known path with another method (RFC 9110 §15.5.6). */
export const methodNotAllowed = (allowed: readonly string[]): Problem => {
  const allow = allowed.join(', ');
  return new Problem(405, `This route accepts ${allow}.`, { headers: { allow } });
};

/** An execution or another request holds the job, for `retryAfterMs` at most. */
export const inProgress = (retryAfterMs: number, cause?: unknown): Problem =>
  new Problem(409, 'The job is in progress.', {
    headers: retryAfter(retryAfterMs),
    cause,
  });
