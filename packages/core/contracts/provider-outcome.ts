import * as z from 'zod';
import type { FetchOutcome } from '../domain/outcomes.ts';
import { providerIdSchema } from './claimed-job.ts';
import { type CaughtError, caughtErrorSchema, explainInternalFault, readTaskFailure } from './task-failure.ts';

/** The location of a stored result; absent if the result is only in the payload. */
const storedSchema = {
  digest: z.string().optional(),
  chunks: z.int().min(1).optional(),
  keptUntil: z.int().optional(),
};

/** A provider's data: JSON text that is never parsed again, so that numbers keep every digit. */
export const fetchedSchema = z.object({
  providerId: providerIdSchema,
  status: z.literal('FETCHED'),
  /** Epoch milliseconds. */
  fetchedAt: z.int(),
  /** Size of the JSON text, UTF-8 bytes. */
  bytes: z.int().nonnegative(),
  durationMs: z.number().nonnegative(),
  statusCode: z.int(),
  /** Number of calls, quick retries included. */
  tries: z.int().min(1).optional(),
  /** The JSON text; absent if it is too large for the payload and stored in the table. */
  json: z.string().optional(),
  ...storedSchema,
});
export type FetchedPayload = z.infer<typeof fetchedSchema>;

/** Where to poll a provider that is still working. */
const ticketSchema = z.object({ url: z.string().max(2_048), since: z.int(), polls: z.int().nonnegative() });

/** A provider that is still working. Not an error, so it triggers neither Retry nor Catch. */
const workingSchema = z.object({
  providerId: providerIdSchema,
  status: z.literal('UNAVAILABLE'),
  ticket: ticketSchema,
  /** Time until the next poll, milliseconds. */
  retryAfterMs: z.number().nonnegative(),
});
export type WorkingPayload = z.infer<typeof workingSchema> & { json?: undefined };

/** The output of one provider's branch in the state machine: its data, its ticket, or the caught error. */
const payloadSchema = z.union([
  fetchedSchema,
  z.object({ providerId: providerIdSchema, status: z.literal('REFUSED'), error: caughtErrorSchema }),
  z.object({ providerId: providerIdSchema, status: z.literal('UNAVAILABLE'), error: caughtErrorSchema }),
  workingSchema,
]);
export type ProviderOutcomePayload = z.infer<typeof payloadSchema>;

const FAILED = new Set(['ProviderUnavailable', 'ProviderThrottled', 'CredentialRefused']);
const DEFERRED = new Set(['ProviderCircuitOpen', 'ProviderLimitReached', 'Paused']);

/** The outcome of a fetch. Errors that are neither failures of the provider nor deferrals are internal faults. */
const readFetchOutcome = (payload: ProviderOutcomePayload): FetchOutcome => {
  const { providerId, status } = payload;
  if (status === 'FETCHED') {
    const { fetchedAt, bytes, durationMs, statusCode, tries, json, digest, chunks, keptUntil } = payload;
    const stored = keptUntil === undefined ? undefined : { digest, chunks, keptUntil };
    return { kind: 'fetched', providerId, fetchedAt, bytes, durationMs, statusCode, tries, json, stored };
  }
  if ('ticket' in payload) {
    const { ticket, retryAfterMs } = payload;
    return { kind: 'working', providerId, ticket, retryAfterMs };
  }
  return { providerId, ...readFailedFetch(status, payload.error) };
};

const readFailedFetch = (status: 'REFUSED' | 'UNAVAILABLE', error: CaughtError) => {
  const failure = readTaskFailure(error);
  if (status === 'REFUSED') return { kind: 'refused' as const, failure };
  if (FAILED.has(error.Error)) return { kind: 'failed' as const, failure };
  if (DEFERRED.has(error.Error)) return { kind: 'deferred' as const, failure };
  return { kind: 'notAttempted' as const, failure, cause: explainInternalFault(error) };
};

/** Parses a payload into a domain outcome. */
export const fetchOutcomeSchema = payloadSchema.transform(readFetchOutcome);
