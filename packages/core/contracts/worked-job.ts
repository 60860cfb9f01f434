import * as z from 'zod';
import type { ProviderResultData } from '../ports/jobs.ts';
import { claimedJobSchema, upgradePayload } from './claimed-job.ts';
import { fetchOutcomeSchema } from './provider-outcome.ts';

/** A claimed job and what its providers answered in this execution; no results when none was to be asked. */
export const workedJobSchema = z.preprocess(
  upgradePayload,
  claimedJobSchema.extend({ results: z.array(fetchOutcomeSchema).default([]) }),
);

export type WorkedJob = z.infer<typeof workedJobSchema>;

/** The results that exist nowhere but in this execution. */
export const travelledResults = ({ results }: Pick<WorkedJob, 'results'>): ProviderResultData[] =>
  results.flatMap((outcome) => {
    if (outcome.kind !== 'fetched' || outcome.json === undefined) return [];
    const { providerId, fetchedAt, bytes, json } = outcome;
    return [{ providerId, fetchedAt, bytes, json }];
  });
