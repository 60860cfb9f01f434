import { providerIdSchema } from '@boomerang/core/contracts/claimed-job.ts';
import { callbackSchema } from '@boomerang/core/http/callback-schema.ts';
import { cursorSchema } from '@boomerang/core/http/cursor.ts';
import { jobStatusSchema } from '@boomerang/core/http/job-schema.ts';
import * as z from 'zod';

const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;

/** Which jobs a caller wants to see. */
export const jobQuerySchema = z.strictObject({
  status: jobStatusSchema.optional(),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, `Has to be a number from 1 to ${MAX_PAGE}`)
    .transform(Number)
    .pipe(z.number().min(1, 'Has to be at least 1').max(MAX_PAGE, `Has to be at most ${MAX_PAGE}`))
    .default(DEFAULT_PAGE)
    // As it is meant: in a query everything is text.
    .meta({
      override: ({ jsonSchema }) => {
        delete jsonSchema.pattern;
        Object.assign(jsonSchema, { type: 'integer', minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE });
      },
    }),
  cursor: cursorSchema.optional(),
});

/** Of which providers a caller wants the data. */
export const jobDataQuerySchema = z.strictObject({
  providerId: providerIdSchema.optional().meta({ description: 'Only the data of this provider.' }),
});

/** What was collected, as the callback has it. */
export const jobDataSchema = callbackSchema.meta({
  id: 'JobData',
  description: 'What was collected so far, in the form of the callback.',
});
