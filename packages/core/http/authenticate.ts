import type { Caller, FindCaller } from '../ports/clients.ts';
import { cached } from '../security/cached.ts';
import { hashApiKey } from '../security/credentials.ts';
import { Unauthorized, type UnauthorizedReason } from './problem.ts';

/**
 * Turns an Authorization header into the caller it belongs to.
 * @throws Unauthorized
 */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

/** `Bearer` and a token of at most 255 characters (RFC 6750 §2.1); the scheme's case is free (RFC 9110 §11.1). */
const BEARER = /^bearer +([\w.~+/-]{1,255}=*)$/i;

/** Authentication by API key. Keys, known or not, are remembered for a minute: that is how long a revoked one may live on. */
export const createAuthenticate = (findCaller: FindCaller): Authenticate => {
  const find = cached(findCaller);
  return async (authorization) => {
    if (authorization === undefined) {
      const detail = 'An API key is needed: authorization: Bearer <key>.';
      throw new Unauthorized('no_credentials', detail, 'Bearer realm="boomerang"');
    }
    const [, apiKey] = BEARER.exec(authorization.trim()) ?? [];
    if (apiKey === undefined) throw invalidKey('malformed_credentials');
    const keyHash = hashApiKey(apiKey);
    const caller = await find(keyHash);
    if (!caller) throw invalidKey('unknown_key', apiKey.length < MIN_RANDOM_CHARACTERS ? undefined : keyHash);
    return caller;
  };
};

/** A shorter text may be a password: it could be guessed from its fingerprint. */
const MIN_RANDOM_CHARACTERS = 32;
const FINGERPRINT_CHARACTERS = 8;

const invalidKey = (reason: UnauthorizedReason, keyHash?: string): Unauthorized =>
  new Unauthorized(
    reason,
    'The API key is not known, or not any more.',
    'Bearer realm="boomerang", error="invalid_token"',
    keyHash?.slice(0, FINGERPRINT_CHARACTERS),
  );
