import { providerIdSchema } from '@boomerang/core/contracts/claimed-job.ts';
import { REDRIVABLE_STATUSES } from '@boomerang/core/domain/redrive.ts';
import { idCursorSchema, nextCursorSchema } from '@boomerang/core/http/cursor.ts';
import { failureCodeSchema } from '@boomerang/core/http/job-fields.ts';
import { limitSchema } from '@boomerang/core/http/limit-schema.ts';
import { problemSchema } from '@boomerang/core/http/problem-schema.ts';
import { responseTimeSchema as at, timeSchema } from '@boomerang/core/http/time-schema.ts';
import * as z from 'zod';

const statusSchema = z.enum(REDRIVABLE_STATUSES);

const statusesSchema = z.union(
  [statusSchema, z.array(statusSchema).min(1).max(REDRIVABLE_STATUSES.length)],
  'Must be FAILED, PARTIAL, CANCELLED or COMPLETE, or a list of these',
);

/** Selects the caller's jobs to redrive. */
export const redriveRequestSchema = z
  .strictObject({
    status: statusesSchema
      .transform((status) => (typeof status === 'object' && status.length === 1 ? status[0] : status))
      .optional()
      .meta({ description: 'Only jobs with this status, or one of several. Required, unless `inTrouble` is true.' }),
    inTrouble: z
      .literal(true, 'Must be true, or absent')
      .optional()
      .meta({ description: 'Only pending jobs with a failed attempt, which are retried at once. Excludes `status`.' }),
    providerId: providerIdSchema.optional().meta({ description: 'Only jobs that request this provider.' }),
    failureCode: failureCodeSchema.optional().meta({ description: 'Only jobs that are FAILED with this code.' }),
    from: timeSchema.optional().meta({ description: 'Only jobs accepted at this time or later. ISO 8601.' }),
    to: timeSchema
      .optional()
      .meta({ description: 'Only jobs accepted before this time; by default, the time of the request. ISO 8601.' }),
    dryRun: z.boolean('Must be true or false').default(false).meta({ description: 'Only counts the jobs.' }),
  })
  .refine(({ status, inTrouble }) => (status === undefined) !== (inTrouble === undefined), {
    path: ['status'],
    error: 'Must be present, or inTrouble must be true, but not both',
  })
  .meta({
    id: 'RedriveRequest',
    override: ({ jsonSchema }) => {
      jsonSchema.oneOf = [{ required: ['status'] }, { required: ['inTrouble'] }];
    },
  });
export type RedriveRequest = z.infer<typeof redriveRequestSchema>;

/** The response to a dry run. */
export const redriveCountSchema = z
  .object({
    matched: z.int().meta({ description: 'Number of jobs that would be redriven; if `truncated`, of those counted.' }),
    truncated: z.boolean().meta({
      description: 'Whether counting stopped early, at 10,000 jobs or after 20 seconds. There may be more jobs.',
    }),
    more: z.boolean().meta({ deprecated: true, description: 'Same as truncated.' }),
  })
  .meta({ id: 'RedriveCount' });

/** The public view of a redrive. */
export const redriveSchema = z
  .object({
    redriveId: z.uuid(),
    status: z.enum(['RUNNING', 'COMPLETE']),
    query: z.object({
      status: statusesSchema.optional(),
      inTrouble: z.literal(true).optional(),
      providerId: z.string().optional(),
      failureCode: failureCodeSchema.optional(),
      from: at,
      to: at,
    }),
    redriven: z.int().meta({
      description: 'How many jobs have been redriven so far, except jobs of a page during which the function crashed.',
    }),
    skipped: z.int().meta({
      description:
        'How many jobs were skipped because they were claimed or changed meanwhile, or their parameters or metadata were deleted.',
    }),
    failed: z.int().meta({
      description: 'How many jobs were left unchanged because of an internal fault. Another redrive includes them.',
    }),
    createdAt: at,
    updatedAt: at,
    links: z.object({ self: z.string().meta({ description: 'The path of this redrive, relative to this API.' }) }),
  })
  .meta({ id: 'Redrive', description: 'A redrive of many jobs, and its progress.' });

/** The query of `GET /redrives`. */
export const redrivesQuerySchema = z.strictObject({
  limit: limitSchema('redrives'),
  cursor: idCursorSchema.optional(),
});

/** A page of redrives. */
export const redrivePageSchema = z
  .object({
    redrives: z.array(redriveSchema),
    cursor: nextCursorSchema,
  })
  .meta({ id: 'RedrivePage', description: 'Redrives, newest first.' });

/** The problem returned while another redrive of the caller is running. */
export const redriveOpenSchema = problemSchema
  .extend({
    links: z.object({
      redrive: z.string().meta({ description: 'The path of the running redrive, relative to this API.' }),
    }),
  })
  .meta({ id: 'RedriveOpen', description: 'Another redrive of the caller is running (RFC 9457).' });
