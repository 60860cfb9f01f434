import { REDRIVABLE_STATUSES } from '@boomerang/core/domain/redrive.ts';
import { problemSchema } from '@boomerang/core/http/problem-schema.ts';
import { timeSchema } from '@boomerang/core/http/time-schema.ts';
import * as z from 'zod';

const statusSchema = z.enum(REDRIVABLE_STATUSES, 'Must be FAILED, PARTIAL, CANCELLED or COMPLETE');

/** Selects the caller's jobs to redrive. */
export const redriveRequestSchema = z
  .strictObject({
    status: statusSchema,
    from: timeSchema.optional().meta({ description: 'Only jobs accepted at this time or later. ISO 8601.' }),
    to: timeSchema
      .optional()
      .meta({ description: 'Only jobs accepted before this time; by default, the time of the request. ISO 8601.' }),
    dryRun: z.boolean('Must be true or false').default(false).meta({ description: 'Only counts the jobs.' }),
  })
  .meta({ id: 'RedriveRequest' });
export type RedriveRequest = z.infer<typeof redriveRequestSchema>;

/** The response to a dry run. */
export const redriveCountSchema = z
  .object({
    matched: z.int().meta({ description: 'How many jobs would be redriven, as far as they were counted.' }),
    truncated: z.boolean().meta({
      description: 'Whether counting stopped early, at 10,000 jobs or after 20 seconds. There may be more jobs.',
    }),
    more: z.boolean().meta({ deprecated: true, description: 'Same as truncated.' }),
  })
  .meta({ id: 'RedriveCount' });

const at = z.iso.datetime().meta({ description: 'ISO 8601, UTC.' });

/** The public view of a redrive. */
export const redriveSchema = z
  .object({
    redriveId: z.uuid(),
    status: z.enum(['RUNNING', 'COMPLETE']),
    query: z.object({ status: statusSchema, from: at, to: at }),
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

/** The problem returned while another redrive of the caller is running. */
export const redriveOpenSchema = problemSchema
  .extend({
    links: z.object({
      redrive: z.string().meta({ description: 'The path of the running redrive, relative to this API.' }),
    }),
  })
  .meta({ id: 'RedriveOpen', description: 'Another redrive of the caller is running (RFC 9457).' });
