import type * as z from 'zod';
import type { JobSummary } from '../domain/job-summary.ts';
import { toIso } from '../domain/time.ts';
import { jobLinks } from './job-links.ts';
import type { jobSummarySchema } from './job-schema.ts';

/** A job in a list, and in the response to a change. */
export const presentSummary = ({
  jobId,
  status,
  phase,
  providers,
  callbackHost,
  createdAt,
  endedAt,
  failure,
}: JobSummary): z.infer<typeof jobSummarySchema> => ({
  jobId,
  status,
  phase: phase ?? null,
  providers,
  callbackHost,
  createdAt: toIso(createdAt),
  endedAt: endedAt === undefined ? null : toIso(endedAt),
  ...(failure && { failureCode: failure.code }),
  links: jobLinks(jobId),
});
