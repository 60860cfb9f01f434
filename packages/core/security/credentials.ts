import { createHash, randomBytes } from 'node:crypto';

const KEY_PREFIX = 'bmr_';
const SECRET_PREFIX = 'whsec_';
const RANDOM_BYTES = 32;

/** A new API key: `bmr_` and 32 random bytes, base64url. Secret scanners recognise the prefix. */
export const newApiKey = (): string => KEY_PREFIX + randomBytes(RANDOM_BYTES).toString('base64url');

/** The stored form of an API key: its SHA-256 in lower-case hex. Keys are random, so no slow hash is needed. */
export const hashApiKey = (apiKey: string): string => createHash('sha256').update(apiKey).digest('hex');

/** A new signing secret: `whsec_` and base64 of 32 random bytes (Standard Webhooks requires 24 to 64). */
export const newSigningSecret = (): string => SECRET_PREFIX + randomBytes(RANDOM_BYTES).toString('base64');
