import { Problem } from '@boomerang/core/http/problem.ts';
import { sealText, unsealText } from './sealed-text.ts';

export const TOKEN_SECONDS = 60;

const PURPOSE = 'access token';
const REALM = 'realm="reports"';

/**
 * An access token: its signed expiry time.
 *
 * @param now epoch milliseconds
 */
export const issueToken = (secret: string, now: number): string =>
  sealText(secret, PURPOSE, String(now + TOKEN_SECONDS * 1000));

/**
 * Checks an `Authorization` header (RFC 6750 §2.1).
 * @param now epoch milliseconds
 * @throws Problem 401 with the challenge of RFC 6750 §3; not `Unauthorized`, which would count in the metric
 * `AuthenticationFailures` of the service.
 */
export const requireToken = (secret: string, authorization: string | undefined, now: number): void => {
  const [, token] = /^bearer +(\S+)$/i.exec(authorization?.trim() ?? '') ?? [];
  if (token === undefined)
    throw challenge('An access token is required: see POST /providers/token.', `Bearer ${REALM}`);
  const expiresAt = unsealText(secret, PURPOSE, token);
  if (expiresAt !== undefined && now < Number(expiresAt)) return;
  throw challenge('The access token is invalid or has expired.', `Bearer ${REALM}, error="invalid_token"`);
};

const challenge = (detail: string, authenticate: string): Problem =>
  new Problem(401, detail, { headers: { 'www-authenticate': authenticate } });
