import { STATUS_CODES } from 'node:http';

/** One thing that is wrong with a field. `pointer` is a JSON pointer (RFC 6901) into the body, the query or the headers. */
export type FieldError = { pointer: string; message: string };

type ProblemOptions = {
  headers?: Record<string, string>;
  errors?: FieldError[];
  /** What the problem is about, relative to the API. */
  links?: Record<string, string>;
  cause?: unknown;
};

/** An answer that is a problem of the caller's, or ours. Thrown anywhere in a handler's chain. */
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

/** Why a request was answered 401. */
export type UnauthorizedReason = 'no_credentials' | 'malformed_credentials' | 'unknown_key' | 'bad_signature';

/** An answer of 401. Its reason and fingerprint are for the log; the caller gets neither. */
export class Unauthorized extends Problem {
  override name = 'Unauthorized';
  readonly reason: UnauthorizedReason;
  /** Tells the attempts of one key from those of another; the key does not follow from it. */
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
 * @param instance the id of the request
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

/** The request can be read, but asks for what can't be. */
export const invalid = (errors: FieldError[]): Problem =>
  new Problem(422, 'The request is well-formed, but not valid.', { errors });

/** What the answer to a path of no route is. */
export const unknownRoute = (): Problem => new Problem(404, 'There is no such route.');

/** What the answer to a known path with another method is (RFC 9110 §15.5.6). */
export const methodNotAllowed = (allowed: readonly string[]): Problem => {
  const allow = allowed.join(', ');
  return new Problem(405, `This route takes ${allow}.`, { headers: { allow } });
};

/** Somebody is at work on the job, for so long at most. */
export const inProgress = (retryAfterMs: number, cause?: unknown): Problem =>
  new Problem(409, 'The job is in progress.', {
    headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) },
    cause,
  });
