import { retryCountSchema } from '@boomerang/core/contracts/claimed-job.ts';
import { workedJobSchema } from '@boomerang/core/contracts/worked-job.ts';
import * as z from 'zod';

/** The input of the task: a job that is ready for its callback. Older state machine definitions pass the bare job. */
export const deliverRequestSchema = z.preprocess(
  (payload) => (typeof payload === 'object' && payload !== null && !('job' in payload) ? { job: payload } : payload),
  z.object({ job: workedJobSchema, retryCount: retryCountSchema.optional() }),
);
