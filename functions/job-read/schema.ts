import { providerIdSchema } from '@boomerang/core/contracts/claimed-job.ts';
import { callbackBodySchema } from '@boomerang/core/http/callback-schema.ts';
import { cursorSchema, encodeCursor } from '@boomerang/core/http/cursor.ts';
import { jobStatusSchema } from '@boomerang/core/http/job-schema.ts';
import * as z from 'zod';

const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;

/** Which jobs a caller wants to see. */
export const jobQuerySchema = z.strictObject({
  status: jobStatusSchema.optional().meta({ description: 'Only jobs of this status.', examples: ['FAILED'] }),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, `Has to be a number from 1 to ${MAX_PAGE}`)
    .transform(Number)
    .pipe(z.number().min(1, 'Has to be at least 1').max(MAX_PAGE, `Has to be at most ${MAX_PAGE}`))
    .default(DEFAULT_PAGE)
    // As it is meant: in a query everything is text.
    .meta({
      description: 'The most jobs of a page.',
      override: ({ jsonSchema }) => {
        delete jsonSchema.pattern;
        const limits = { minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE };
        Object.assign(jsonSchema, { type: 'integer', ...limits, examples: [DEFAULT_PAGE] });
      },
    }),
  cursor: cursorSchema.optional().meta({
    description: 'Where the page begins: the `cursor` of the page before.',
    override: { examples: [encodeCursor('2026-01-31T12:00:00.000Z#01a20b4c-cf47-716b-85d8-5343742576b8')] },
  }),
});

/** Of which providers a caller wants the data. */
export const jobDataQuerySchema = z.strictObject({
  providerId: providerIdSchema.optional().meta({ description: 'Only the data of this provider.', examples: ['gas'] }),
});

/** What was collected, as the callback has it. */
export const jobDataSchema = callbackBodySchema.meta({
  id: 'JobData',
  description: 'What was collected so far, in the form of the callback.',
});
