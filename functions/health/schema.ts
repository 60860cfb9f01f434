import * as z from 'zod';

export const healthQuerySchema = z.strictObject({
  deep: z
    .literal('1', 'Must be 1')
    .optional()
    .meta({ description: 'Also checks the table and the sweeps.', examples: ['1'] }),
});

const checkSchema = z.object({ status: z.enum(['ok', 'failed']) });

/** The results of a deep check. */
export const healthChecksSchema = z
  .object({
    table: checkSchema.meta({ description: 'Whether the job table can be read.' }),
    sweep: checkSchema
      .extend({ lastAt: z.iso.datetime().nullable() })
      .meta({ description: 'Whether scheduled sweeps run, and when the last one did.' }),
  })
  .meta({ id: 'HealthChecks' });
export type HealthChecks = z.infer<typeof healthChecksSchema>;

export const healthSchema = z
  .object({ status: z.literal('ok'), checks: healthChecksSchema.optional() })
  .meta({ id: 'Health' });
