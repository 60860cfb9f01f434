import { createHash } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import type { JobRequest } from './job-request.ts';

/** Our own name space (RFC 9562 §5.5). It must never change. */
const NAMESPACE = '6f0e6f39-0d5a-4d0b-9d3c-4f2e6a0f7b11';

/**
 * The job id for an idempotency key: a UUIDv5 of client and key. One condition, "the job does not exist", then also checks
 * that the key is new. Neither part can contain NUL.
 */
export const idempotentJobId = (clientId: string, key: string): string => uuidv5(`${clientId}\0${key}`, NAMESPACE);

/**
 * SHA-256 of a request in canonical form, base64. The hash of a request must never change. Parameters and metadata are
 * therefore hashed only if present, and as posted, without defaults.
 */
export const hashRequest = ({ providers, callbackUrl, parameters, metadata }: JobRequest): string => {
  const input = { ...(parameters && { parameters }), ...(metadata && { metadata }) };
  const hasInput = Object.keys(input).length > 0;
  return createHash('sha256')
    .update(toCanonicalJson(hasInput ? [providers, callbackUrl, input] : [providers, callbackUrl]))
    .digest('base64');
};

/** JSON with object keys sorted by UTF-16 code units (RFC 8785). */
const toCanonicalJson = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(toCanonicalJson).join(',')}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${toCanonicalJson(part)}`).join(',')}}`;
};
