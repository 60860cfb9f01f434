import * as z from 'zod';
import type { FetchOutcome } from '../domain/outcomes.ts';
import { providerIdSchema } from './claimed-job.ts';
import { type CaughtError, caughtErrorSchema, explainOwnFault, readTaskFailure } from './task-failure.ts';

/** Where a result is stored, as the job keeps it; all absent while it only travels. */
const storedSchema = {
  digest: z.string().optional(),
  chunks: z.int().min(1).optional(),
  keptUntil: z.int().optional(),
};

/** A provider's data as it travels and is stored: its JSON text, never parsed again, so that no digit of it is lost. */
export const fetchedSchema = z.object({
  providerId: providerIdSchema,
  status: z.literal('FETCHED'),
  /** Epoch milliseconds. */
  fetchedAt: z.int(),
  /** Size of the JSON text, UTF-8 bytes. */
  bytes: z.int().nonnegative(),
  durationMs: z.number().nonnegative(),
  statusCode: z.int(),
  /** How many calls the execution made, quick retries included. */
  tries: z.int().min(1).optional(),
  /** The JSON text; absent when it was too large to travel and is stored in the table. */
  json: z.string().optional(),
  ...storedSchema,
});
export type FetchedPayload = z.infer<typeof fetchedSchema>;

/** Where a provider that is still working is asked whether it is done. */
const ticketSchema = z.object({ url: z.string().max(2_048), since: z.int(), polls: z.int().nonnegative() });

/** A provider that is still working: no error, so that no Catch and no Retry takes part. */
const workingSchema = z.object({
  providerId: providerIdSchema,
  status: z.literal('UNAVAILABLE'),
  ticket: ticketSchema,
  /** When to ask again, milliseconds from now. */
  retryAfterMs: z.number().nonnegative(),
});
export type WorkingPayload = z.infer<typeof workingSchema> & { json?: undefined };

/** What the state machine collects of each provider: what it gave, or the error that its Catch kept. */
const payloadSchema = z.union([
  fetchedSchema,
  z.object({ providerId: providerIdSchema, status: z.literal('REFUSED'), error: caughtErrorSchema }),
  z.object({ providerId: providerIdSchema, status: z.literal('UNAVAILABLE'), error: caughtErrorSchema }),
  workingSchema,
]);
export type ProviderOutcomePayload = z.infer<typeof payloadSchema>;

const FAILED = new Set(['ProviderUnavailable', 'ProviderThrottled', 'CredentialRefused']);
const DEFERRED = new Set(['ProviderCircuitOpen', 'ProviderLimitReached', 'Paused']);

/** What the fetch of one provider came to. Errors that are not the provider's, nor on purpose, are faults of ours. */
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
  return { kind: 'notAttempted' as const, failure, cause: explainOwnFault(error) };
};

/** One provider's part of an execution, as the domain knows it. */
export const fetchOutcomeSchema = payloadSchema.transform(readFetchOutcome);
