import { providerIdSchema } from '@boomerang/core/contracts/claimed-job.ts';
import { callbackBodySchema } from '@boomerang/core/http/callback-schema.ts';
import { cursorSchema, encodeCursor } from '@boomerang/core/http/cursor.ts';
import { failureCodeSchema, jobStatusSchema } from '@boomerang/core/http/job-schema.ts';
import { timeSchema } from '@boomerang/core/http/time-schema.ts';
import * as z from 'zod';

const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;

/** One or several statuses, comma-separated. */
const statusesSchema = z.string().transform((text, context) => {
  const statuses = text.split(',').map((status) => jobStatusSchema.safeParse(status));
  const message = statuses.find(({ success }) => !success)?.error?.issues[0]?.message;
  if (message === undefined) return statuses.flatMap(({ data }) => data ?? []);
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/** The filters of `GET /jobs`. */
const filters = {
  status: statusesSchema.optional().meta({
    description: 'Only jobs with this status, or one of several, comma-separated.',
    override: { type: 'string', examples: ['FAILED', 'FAILED,PARTIAL'] },
  }),
  providerId: providerIdSchema
    .optional()
    .meta({ description: 'Only jobs that request this provider.', examples: ['gas'] }),
  from: timeSchema.optional().meta({
    description: 'Only jobs accepted at this time or later. ISO 8601.',
    override: { examples: ['2026-01-31T12:00:00Z'] },
  }),
  to: timeSchema.optional().meta({
    description: 'Only jobs accepted before this time. ISO 8601.',
    override: { examples: ['2026-02-01T00:00:00Z'] },
  }),
  failureCode: failureCodeSchema
    .optional()
    .meta({ description: 'Only jobs that are FAILED with this code.', examples: ['CALLBACK_EXHAUSTED'] }),
  inTrouble: z
    .literal('true', 'Must be true, or absent')
    .transform(() => true as const)
    .optional()
    .meta({
      description:
        'Only pending jobs with a failed attempt. Deferred calls and providers that are still working do not count.',
      override: { type: 'string', enum: ['true'], examples: ['true'] },
    }),
};

/** The query of `GET /jobs`. */
export const jobQuerySchema = z
  .strictObject({
    ...filters,
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
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    path: ['from'],
    error: 'Must be before to',
  })
  .refine(({ inTrouble, status }) => !inTrouble || (status ?? []).every((one) => one === 'PENDING'), {
    path: ['status'],
    error: 'Must be PENDING or absent with inTrouble, which selects pending jobs',
  });

/** The headers that `GET /jobs/{jobId}` reads. */
export const jobHeadersSchema = z.object({
  'if-none-match': z
    .string()
    .optional()
    .meta({
      description: 'The `ETag` of an earlier response: if the job is unchanged, the response is 304.',
      examples: ['"47DEQpj8HBSa-_TImW-5JC"'],
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
