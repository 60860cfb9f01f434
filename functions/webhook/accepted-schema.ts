import { jobSummarySchema } from '@boomerang/core/http/job-schema.ts';
import * as z from 'zod';

/** The answer to a job that is taken; only the API's document needs it. */
export const acceptedSchema = jobSummarySchema
  .extend({ status: z.literal('PENDING') })
  .meta({ id: 'Accepted', description: 'A job that is taken.' });
