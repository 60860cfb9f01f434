import { acceptedJobSchema } from '@boomerang/core/http/job-schema.ts';
import * as z from 'zod';

/** The response to an accepted job. Only the OpenAPI document uses it. */
export const acceptedSchema = acceptedJobSchema
  .extend({ status: z.literal('PENDING') })
  .meta({ id: 'Accepted', description: 'An accepted job.' });
