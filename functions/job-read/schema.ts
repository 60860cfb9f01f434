import { providerIdSchema } from '@boomerang/core/contracts/claimed-job.ts';
import { callbackBodySchema } from '@boomerang/core/http/callback-schema.ts';
import { cursorSchema, encodeCursor } from '@boomerang/core/http/cursor.ts';
import { jobStatusSchema } from '@boomerang/core/http/job-schema.ts';
import * as z from 'zod';

const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;

/** The query of `GET /jobs`. */
export const jobQuerySchema = z.strictObject({
  status: jobStatusSchema.optional().meta({ description: 'Only jobs with this status.', examples: ['FAILED'] }),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, `Must be a number from 1 to ${MAX_PAGE}`)
    .transform(Number)
    .pipe(z.number().min(1, 'Must be at least 1').max(MAX_PAGE, `Must be at most ${MAX_PAGE}`))
    .default(DEFAULT_PAGE)
    // Documented as an integer, although query values are text.
    .meta({
      description: 'Maximum number of jobs in a page.',
      override: ({ jsonSchema }) => {
        delete jsonSchema.pattern;
        const limits = { minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE };
        Object.assign(jsonSchema, { type: 'integer', ...limits, examples: [DEFAULT_PAGE] });
      },
    }),
  cursor: cursorSchema.optional().meta({
    description: 'Where the page starts: the `cursor` of the previous page.',
    override: { examples: [encodeCursor('2026-01-31T12:00:00.000Z#01a20b4c-cf47-716b-85d8-5343742576b8')] },
  }),
});

/** The query of `GET /jobs/{jobId}/data`. */
export const jobDataQuerySchema = z.strictObject({
  providerId: providerIdSchema.optional().meta({ description: 'Only the data of this provider.', examples: ['gas'] }),
});

/** The collected data, in the format of the callback. */
export const jobDataSchema = callbackBodySchema.meta({
  id: 'JobData',
  description: 'The data collected so far, in the format of the callback.',
});
