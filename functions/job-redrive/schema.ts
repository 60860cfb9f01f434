import { cursorSchema } from '@boomerang/core/http/cursor.ts';
import * as z from 'zod';

const time = z.iso
  .datetime({ offset: true, error: 'Has to be a time, ISO 8601' })
  .transform((text) => Date.parse(text));

/** Which of a caller's jobs are to be tried again. */
export const bulkRedriveSchema = z
  .strictObject({
    status: z.enum(['FAILED', 'PARTIAL', 'CANCELLED', 'COMPLETE'], 'Has to be FAILED, PARTIAL, CANCELLED or COMPLETE'),
    from: time.optional().meta({ description: 'Only jobs that were accepted then or later. ISO 8601.' }),
    to: time.optional().meta({ description: 'Only jobs that were accepted before. ISO 8601.' }),
    dryRun: z.boolean('Has to be true or false').default(false).meta({ description: 'Only counts them.' }),
    cursor: cursorSchema.optional().meta({ description: 'Goes on where an earlier answer ended.' }),
  })
  .meta({ id: 'BulkRedrive' });
export type BulkRedrive = z.infer<typeof bulkRedriveSchema>;

/** How far it came. */
export const bulkRedrivenSchema = z
  .object({
    matched: z.int().meta({ description: 'How many jobs this request found.' }),
    redriven: z.int().meta({ description: 'How many of them are tried again; 0 in a dry run.' }),
    skipped: z.int().meta({ description: 'How many were taken or changed by somebody else in the meantime.' }),
    cursor: z.string().nullable().meta({ description: 'Where to go on; null when there are no more.' }),
  })
  .meta({ id: 'BulkRedriven' });
