import * as z from 'zod';

/** The body of an error response (RFC 9457). */
export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    instance: z.string().meta({ description: 'The request id.' }),
    errors: z
      .array(z.object({ pointer: z.string(), message: z.string() }))
      .meta({ description: 'Each invalid field, by JSON pointer (RFC 6901).' })
      .optional(),
  })
  .meta({ id: 'Problem', description: 'An error (RFC 9457).' });
