import * as z from 'zod';

export const healthQuerySchema = z.strictObject({
  deep: z
    .literal('1', 'Must be 1')
    .optional()
    .meta({ description: 'Whether to check that the API can do its job.', examples: ['1'] }),
});

const checkSchema = z.object({ status: z.enum(['ok', 'failed']) });

/** What a deep check looked at. */
export const healthChecksSchema = z
  .object({
    table: checkSchema.meta({ description: 'Whether the table of jobs can be read.' }),
    sweep: checkSchema
      .extend({ lastAt: z.iso.datetime().nullable() })
      .meta({ description: 'Whether the schedule sweeps, and when it last did.' }),
  })
  .meta({ id: 'HealthChecks' });
export type HealthChecks = z.infer<typeof healthChecksSchema>;

export const healthSchema = z
  .object({ status: z.literal('ok'), checks: healthChecksSchema.optional() })
  .meta({ id: 'Health' });
