import * as z from 'zod';
import type { ProviderResultData } from '../ports/jobs.ts';
import { claimedJobSchema, upgradePayload } from './claimed-job.ts';
import { fetchOutcomeSchema } from './provider-outcome.ts';

/** A claimed job with the fetch outcomes of this execution; none if no provider was due. */
export const workedJobSchema = z.preprocess(
  upgradePayload,
  claimedJobSchema.extend({ results: z.array(fetchOutcomeSchema).default([]) }),
);

export type WorkedJob = z.infer<typeof workedJobSchema>;

/** The results that exist only in this execution's payload. */
export const resultsInPayload = ({ results }: Pick<WorkedJob, 'results'>): ProviderResultData[] =>
  results.flatMap((outcome) => {
    if (outcome.kind !== 'fetched' || outcome.json === undefined) return [];
    const { providerId, fetchedAt, bytes, json } = outcome;
    return [{ providerId, fetchedAt, bytes, json }];
  });
