import * as z from 'zod';
import { providerIdSchema } from './claimed-job.ts';
import { caughtErrorSchema } from './task-failure.ts';

/** A provider's data as it travels and is stored: its JSON text, never parsed again, so that no digit of it is lost. */
export const fetchedSchema = z.strictObject({
  providerId: providerIdSchema,
  status: z.literal('FETCHED'),
  /** Epoch milliseconds. */
  fetchedAt: z.int(),
  /** Size of the JSON text, UTF-8 bytes. */
  bytes: z.int().nonnegative(),
  durationMs: z.number().nonnegative(),
  statusCode: z.int(),
  /** How often the execution tried, quick retries included. */
  tries: z.int().min(1).optional(),
  /** The JSON text; absent when it was too large to travel and lies in the table. */
  json: z.string().optional(),
});
export type Fetched = z.infer<typeof fetchedSchema>;

/** What the state machine collects of each provider: what it gave, or the error that its Catch kept. */
export const providerOutcomeSchema = z.discriminatedUnion('status', [
  fetchedSchema,
  z.strictObject({ providerId: providerIdSchema, status: z.literal('REFUSED'), error: caughtErrorSchema }),
  z.strictObject({ providerId: providerIdSchema, status: z.literal('UNAVAILABLE'), error: caughtErrorSchema }),
]);
export type ProviderOutcome = z.infer<typeof providerOutcomeSchema>;
