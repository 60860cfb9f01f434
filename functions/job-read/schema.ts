import { providerIdSchema } from '@boomerang/core/contracts/claimed-job.ts';
import { JOB_STATUSES, type JobStatus } from '@boomerang/core/domain/job.ts';
import { BUCKET_SIZES } from '@boomerang/core/domain/job-stats.ts';
import { callbackBodySchema } from '@boomerang/core/http/callback-schema.ts';
import { cursorSchema, encodeCursor } from '@boomerang/core/http/cursor.ts';
import { failureCodeSchema, jobStatusSchema } from '@boomerang/core/http/job-fields.ts';
import { limitSchema } from '@boomerang/core/http/limit-schema.ts';
import { responseTimeSchema as time, timeSchema } from '@boomerang/core/http/time-schema.ts';
import * as z from 'zod';

const STATUSES_PATTERN = `^(${JOB_STATUSES.join('|')})(,(${JOB_STATUSES.join('|')}))*$`;

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
    override: { type: 'string', pattern: STATUSES_PATTERN, examples: ['FAILED', 'FAILED,PARTIAL'] },
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
    limit: limitSchema('jobs'),
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

/** The query of `GET /jobs/stats`. */
export const jobStatsQuerySchema = z.strictObject({
  from: timeSchema.optional().meta({
    description: 'Only jobs accepted at this time or later; by default 24 hours before `to`. ISO 8601.',
    override: { examples: ['2026-01-31T12:00:00Z'] },
  }),
  to: timeSchema.optional().meta({
    description: 'Only jobs accepted before this time; by default now, at most 31 days after `from`. ISO 8601.',
    override: { examples: ['2026-02-01T12:00:00Z'] },
  }),
  bucket: z
    .enum(BUCKET_SIZES, `Must be one of ${BUCKET_SIZES.join(', ')}`)
    .optional()
    .meta({
      description:
        'Size of a bucket. A range may have at most 200 buckets; the default is the smallest size with at most 60.',
      examples: ['hour'],
    }),
});

const countsSchema = z.object(
  Object.fromEntries(JOB_STATUSES.map((status) => [status, z.int()])) as Record<JobStatus, z.ZodInt>,
);

/** Counts of the caller's jobs. */
export const jobStatsSchema = z
  .object({
    from: time,
    to: time,
    bucket: z.enum(BUCKET_SIZES),
    buckets: z.array(countsSchema.extend({ from: time })).meta({
      description: 'Jobs by time of acceptance and status. Buckets begin at multiples of their size, in UTC.',
    }),
    totals: countsSchema,
    deliveredShare: z.number().nullable().meta({
      description: '(COMPLETE + PARTIAL) / (COMPLETE + PARTIAL + FAILED); null if none has ended.',
    }),
    timeToCallbackMs: z.object({ p50: z.number(), p95: z.number() }).nullable().meta({
      description:
        'Milliseconds from the acceptance of a delivered job to its end, or to its last end after a redrive; null if no job was delivered. Jobs that ended under earlier versions are left out.',
    }),
    oldestPendingAt: time.nullable().meta({ description: 'When the oldest pending job was accepted.' }),
    inTrouble: z.int().meta({ description: 'Pending jobs with a failed attempt.' }),
    truncated: z.boolean().meta({
      description: 'Whether older jobs of the time range were left out, because only the newest 10,000 are counted.',
    }),
  })
  .meta({ id: 'JobStats', description: 'Counts of the jobs accepted in a time range.' });

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
