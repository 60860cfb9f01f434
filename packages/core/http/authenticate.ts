import type { Caller, FindCaller } from '../ports/clients.ts';
import { cached } from '../security/cached.ts';
import { hashApiKey } from '../security/credentials.ts';
import { Unauthorized, type UnauthorizedReason } from './problem.ts';

/**
 * Resolves an Authorization header to its caller.
 * @throws Unauthorized
 */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

/** `Bearer` and a token of at most 255 characters (RFC 6750 §2.1); the scheme is case-insensitive (RFC 9110 §11.1). */
const BEARER = /^bearer +([\w.~+/-]{1,255}=*)$/i;

/** Authenticates by API key. Lookups, including misses, are cached for a minute, so a revoked key may work for a minute more. */
export const createAuthenticate = (findCaller: FindCaller): Authenticate => {
  const find = cached(findCaller);
  return async (authorization) => {
    if (authorization === undefined) {
      const detail = 'Missing API key. Send authorization: Bearer <key>.';
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

/** A shorter credential may be a password, which could be guessed from its fingerprint. */
const MIN_RANDOM_CHARACTERS = 32;
const FINGERPRINT_CHARACTERS = 8;

const invalidKey = (reason: UnauthorizedReason, keyHash?: string): Unauthorized =>
  new Unauthorized(
    reason,
    'Unknown or revoked API key.',
    'Bearer realm="boomerang", error="invalid_token"',
    keyHash?.slice(0, FINGERPRINT_CHARACTERS),
  );
