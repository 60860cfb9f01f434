import type * as z from 'zod';
import type { Job } from '../domain/job.ts';
import { jobLinks } from './job-links.ts';
import type { jobSummarySchema } from './job-schema.ts';

/** A job in a list, and in the response to a change. */
export const presentSummary = ({
  jobId,
  status,
  createdAt,
}: Pick<Job, 'jobId' | 'status' | 'createdAt'>): z.infer<typeof jobSummarySchema> => ({
  jobId,
  status,
  createdAt: new Date(createdAt).toISOString(),
  links: jobLinks(jobId),
});
