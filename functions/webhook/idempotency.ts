import { createHash } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import type { JobRequest } from './job-request.ts';

/** Of our own, as RFC 9562 §5.5 asks of name spaces; it may never change. */
const NAMESPACE = '6f0e6f39-0d5a-4d0b-9d3c-4f2e6a0f7b11';

/**
 * The id of a job under an idempotency key, a UUIDv5 of client and key: that the job is not there yet is then the same
 * condition as that the key is new. NUL can't be part of either.
 */
export const idempotentJobId = (clientId: string, key: string): string => uuidv5(`${clientId}\0${key}`, NAMESPACE);

/**
 * What tells two requests apart, whatever their spelling: SHA-256 of what they ask for, base64. It may never change for the
 * same request: parameters and metadata are hashed only where there are any, and as they were posted, without defaults.
 */
export const hashRequest = ({ providers, callbackUrl, parameters, metadata }: JobRequest): string => {
  const input = { ...(parameters && { parameters }), ...(metadata && { metadata }) };
  const hasInput = Object.keys(input).length > 0;
  return createHash('sha256')
    .update(toCanonicalJson(hasInput ? [providers, callbackUrl, input] : [providers, callbackUrl]))
    .digest('base64');
};

/** JSON whose objects have their keys sorted, as RFC 8785 sorts them: by UTF-16 code units. */
const toCanonicalJson = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(toCanonicalJson).join(',')}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${toCanonicalJson(part)}`).join(',')}}`;
};
