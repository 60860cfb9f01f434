import * as z from 'zod';

/** A problem as it is answered: RFC 9457. */
export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    instance: z.string().meta({ description: 'The id of the request.' }),
    errors: z
      .array(z.object({ pointer: z.string(), message: z.string() }))
      .meta({ description: 'Each field that is wrong, by JSON pointer (RFC 6901).' })
      .optional(),
  })
  .meta({ id: 'Problem', description: 'What is wrong (RFC 9457).' });
