import { claimedJobSchema, providerIdSchema, retryCountSchema } from '@boomerang/core/contracts/claimed-job.ts';
import * as z from 'zod';

/** The input of the task: one provider of one claimed job. */
export const fetchRequestSchema = z.object({
  ...claimedJobSchema.pick({ jobId: true, claims: true, leasedUntil: true }).shape,
  providerId: providerIdSchema,
  /** The part of the claimed job that a fetch needs. Absent with older state machine definitions. */
  job: claimedJobSchema.pick({ parameters: true, round: true }).optional(),
  retryCount: retryCountSchema.optional(),
});

export type FetchRequest = z.infer<typeof fetchRequestSchema>;
