import * as z from 'zod';
import { claimedJobSchema, upgradePayload } from './claimed-job.ts';
import { providerOutcomeSchema } from './provider-outcome.ts';

/** A claimed job and what its providers answered in this execution; no results when none was pending. */
export const workedJobSchema = z.preprocess(
  upgradePayload,
  z.strictObject({ ...claimedJobSchema.shape, results: z.array(providerOutcomeSchema).default([]) }),
);

export type WorkedJob = z.infer<typeof workedJobSchema>;
