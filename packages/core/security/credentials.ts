import { createHash, randomBytes } from 'node:crypto';

const KEY_PREFIX = 'bmr_';
const SECRET_PREFIX = 'whsec_';
const RANDOM_BYTES = 32;

/** A new API key: `bmr_` and 32 random bytes, base64url. The prefix lets scanners of leaked secrets know it. */
export const newApiKey = (): string => KEY_PREFIX + randomBytes(RANDOM_BYTES).toString('base64url');

/** What is kept of an API key: its SHA-256, lower-case hex. A key is random, so that nothing slower is needed. */
export const hashApiKey = (apiKey: string): string => createHash('sha256').update(apiKey).digest('hex');

/** A new signing secret: `whsec_` and base64 of 32 random bytes (Standard Webhooks asks for 24 to 64). */
export const newSigningSecret = (): string => SECRET_PREFIX + randomBytes(RANDOM_BYTES).toString('base64');
