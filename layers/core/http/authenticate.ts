import type { Caller, FindCaller } from '../ports/clients.ts';
import { cached } from '../security/cached.ts';
import { hashApiKey } from '../security/credentials.ts';
import { Problem } from './problem.ts';

/**
 * Turns an Authorization header into the caller it belongs to.
 * @throws Problem 401
 */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

/** `Bearer` and a token of at most 255 characters (RFC 6750 §2.1); the scheme's case is free (RFC 9110 §11.1). */
const BEARER = /^bearer +([\w.~+/-]{1,255}=*)$/i;

/** Authentication by API key. Keys, known or not, are remembered for a minute: that is how long a revoked one may live on. */
export const createAuthenticate = (findCaller: FindCaller): Authenticate => {
  const find = cached(findCaller);
  return async (authorization) => {
    if (authorization === undefined) throw unauthorized('An API key is needed: authorization: Bearer <key>.', '');
    const [, apiKey] = BEARER.exec(authorization.trim()) ?? [];
    const caller = apiKey === undefined ? undefined : await find(hashApiKey(apiKey));
    if (!caller) throw unauthorized('The API key is not known, or not any more.', ', error="invalid_token"');
    return caller;
  };
};

const unauthorized = (detail: string, error: string): Problem =>
  new Problem(401, detail, { headers: { 'www-authenticate': `Bearer realm="boomerang"${error}` } });
