import { createHash } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import type { WebhookBody } from './schema.ts';

/** Of our own, as RFC 9562 §5.5 asks of name spaces; it may never change. */
const NAMESPACE = '6f0e6f39-0d5a-4d0b-9d3c-4f2e6a0f7b11';

/**
 * The id of a job under an idempotency key, a UUIDv5 of client and key: that the job is not there yet is then the same
 * condition as that the key is new. NUL can't be part of either.
 */
export const idempotentJobId = (clientId: string, key: string): string => uuidv5(`${clientId}\0${key}`, NAMESPACE);

/** What tells two requests apart, whatever their spelling: SHA-256 of what they ask for, base64. */
export const hashRequest = ({ providers, callbackUrl }: WebhookBody): string =>
  createHash('sha256')
    .update(JSON.stringify([providers, callbackUrl]))
    .digest('base64');
