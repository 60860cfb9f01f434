import { retryCountSchema } from '@boomerang/core/contracts/claimed-job.ts';
import { workedJobSchema } from '@boomerang/core/contracts/worked-job.ts';
import * as z from 'zod';

/** A job whose callback is to go out, as the state machine hands it over; executions of an older definition sent it bare. */
export const deliverRequestSchema = z.preprocess(
  (payload) => (typeof payload === 'object' && payload !== null && !('job' in payload) ? { job: payload } : payload),
  z.object({ job: workedJobSchema, retryCount: retryCountSchema.optional() }),
);
