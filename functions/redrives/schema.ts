import { REDRIVABLE_STATUSES } from '@boomerang/core/domain/redrive.ts';
import { problemSchema } from '@boomerang/core/http/problem-schema.ts';
import { timeSchema } from '@boomerang/core/http/time-schema.ts';
import * as z from 'zod';

const statusSchema = z.enum(REDRIVABLE_STATUSES, 'Has to be FAILED, PARTIAL, CANCELLED or COMPLETE');

/** Which of a caller's jobs are to be tried again. */
export const redriveRequestSchema = z
  .strictObject({
    status: statusSchema,
    from: timeSchema.optional().meta({ description: 'Only jobs that were accepted then or later. ISO 8601.' }),
    to: timeSchema
      .optional()
      .meta({ description: 'Only jobs that were accepted before; by default, before this request. ISO 8601.' }),
    dryRun: z.boolean('Has to be true or false').default(false).meta({ description: 'Only counts them.' }),
  })
  .meta({ id: 'RedriveRequest' });
export type RedriveRequest = z.infer<typeof redriveRequestSchema>;

/** What a dry run answers. */
export const redriveCountSchema = z
  .object({
    matched: z.int().meta({ description: 'How many jobs would be tried again, as far as they were counted.' }),
    truncated: z
      .boolean()
      .meta({ description: 'Whether counting ended early, at 10,000 jobs or after 20 seconds: there may be more.' }),
    more: z.boolean().meta({ deprecated: true, description: 'The same as truncated.' }),
  })
  .meta({ id: 'RedriveCount' });

const at = z.iso.datetime().meta({ description: 'ISO 8601, UTC.' });

/** A redrive of many jobs as callers see it. */
export const redriveSchema = z
  .object({
    redriveId: z.uuid(),
    status: z.enum(['RUNNING', 'COMPLETE']),
    query: z.object({ status: statusSchema, from: at, to: at }),
    redriven: z.int().meta({
      description: 'How many jobs are tried again so far. Those of a page whose function died are not counted.',
    }),
    skipped: z.int().meta({
      description:
        'How many somebody else took or changed in the meantime, or whose parameters or metadata were deleted.',
    }),
    failed: z
      .int()
      .meta({ description: 'How many were left as they were, for a failure of ours: another redrive finds them.' }),
    createdAt: at,
    updatedAt: at,
    links: z.object({ self: z.string().meta({ description: 'Where it is, relative to this API.' }) }),
  })
  .meta({ id: 'Redrive', description: 'Many jobs tried again: how far that has come.' });

/** What is answered while another redrive of the caller is running. */
export const redriveOpenSchema = problemSchema
  .extend({
    links: z.object({
      redrive: z.string().meta({ description: 'The redrive that is running, relative to this API.' }),
    }),
  })
  .meta({ id: 'RedriveOpen', description: 'Another redrive of the caller is running (RFC 9457).' });
