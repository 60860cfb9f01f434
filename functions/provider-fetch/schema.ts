import { claimedJobSchema, providerIdSchema, retryCountSchema } from '@boomerang/core/contracts/claimed-job.ts';
import * as z from 'zod';

/** One provider of one claimed job, as the state machine hands it over. */
export const fetchRequestSchema = z.object({
  ...claimedJobSchema.pick({ jobId: true, claims: true, leasedUntil: true }).shape,
  providerId: providerIdSchema,
  /** What it reads of the claimed job; absent: a definition of before, which does not hand it over. */
  job: claimedJobSchema.pick({ parameters: true, round: true }).optional(),
  retryCount: retryCountSchema.optional(),
});

export type FetchRequest = z.infer<typeof fetchRequestSchema>;
