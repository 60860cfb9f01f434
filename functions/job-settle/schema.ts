import { callbackOutcomeSchema } from '@boomerang/core/contracts/callback-outcome.ts';
import { workedJobSchema } from '@boomerang/core/contracts/worked-job.ts';
import * as z from 'zod';

/** A job that was not delivered, because providers are missing or the callback failed. */
export const settleRequestSchema = z.object({
  job: workedJobSchema,
  deliveryError: callbackOutcomeSchema.optional(),
});

export type SettleRequest = z.infer<typeof settleRequestSchema>;
