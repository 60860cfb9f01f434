import * as z from 'zod';
import { TRIGGERS } from '../contracts/claimed-job.ts';
import { failureClassSchema } from '../contracts/task-failure.ts';
import { JOB_STATUSES } from '../domain/job.ts';

/** Jobs as callers see them: what the API answers, and its document says. */

const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC.' });

export const jobIdSchema = z.uuid();

export const jobStatusSchema = z.enum(JOB_STATUSES, `Has to be one of ${JOB_STATUSES.join(', ')}`);

const linksSchema = z.object({
  self: z.string().meta({ description: 'Where the job is, relative to this API.' }),
  data: z.string().meta({ description: 'Where its data is, relative to this API.' }),
});

export const jobSummarySchema = z
  .object({ jobId: z.uuid(), status: jobStatusSchema, createdAt: time, links: linksSchema })
  .meta({ id: 'JobSummary', description: 'A job in a list.' });

export const jobPageSchema = z
  .object({
    jobs: z.array(jobSummarySchema),
    cursor: z.string().nullable().meta({ description: 'Where the next page begins; null on the last.' }),
  })
  .meta({ id: 'JobPage', description: 'A page may hold fewer jobs than its limit, and still have a cursor.' });

const failureSchema = z.object({ class: failureClassSchema, statusCode: z.int().optional() });

const deferralSchema = z
  .object({
    class: failureClassSchema,
    cause: failureSchema.optional().meta({ description: 'The last failure of the other side.' }),
  })
  .meta({ id: 'Deferral', description: 'Why a call was not made, on purpose; such calls count as no attempt.' });

const providerSchema = z
  .object({
    providerId: z.string(),
    status: z.enum(['PENDING', 'FETCHED', 'REFUSED', 'UNAVAILABLE']),
    fetchedAt: time.optional(),
    bytes: z.int().optional().meta({ description: 'Size of its data as JSON, UTF-8.' }),
    error: failureSchema.optional(),
    failedAttempts: z.int().optional().meta({ description: 'How many attempts it has failed so far.' }),
    nextAttemptAt: time.optional().meta({ description: 'When it is to be asked again. ISO 8601, UTC.' }),
    workingSince: time.optional().meta({ description: 'When it accepted a request that it is still working on.' }),
    polls: z.int().optional().meta({ description: 'How often it was asked since then whether it is done.' }),
    deferred: deferralSchema.optional(),
    parameters: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .meta({
        description: 'What the job gave it, as posted; `***` is what is sent to the provider and never shown.',
      }),
  })
  .meta({ id: 'ProviderState', description: 'What a provider has given, or why not.' });

const callSchema = z
  .object({
    status: z.enum(['OK', 'FAILED']),
    class: z.string().optional().meta({ description: 'Why it failed.' }),
    statusCode: z.int().optional(),
    startedAt: time.optional(),
    durationMs: z.number().optional(),
    tries: z
      .int()
      .optional()
      .meta({ description: 'How often the execution tried, quick retries included; absent where that is not known.' }),
    excerpt: z.string().optional().meta({ description: 'The first characters of what was answered, secrets masked.' }),
  })
  .meta({ id: 'Call', description: 'A call, the last one where quick retries came before.' });

const attemptSchema = z
  .object({
    number: z.int(),
    trigger: z.enum(TRIGGERS),
    startedAt: time,
    endedAt: time,
    fetches: z.array(callSchema.extend({ providerId: z.string() }).meta({ id: 'ProviderCall' })),
    callback: callSchema.nullable(),
    nextAttemptAt: time.nullable().meta({ description: 'When it left the next one due; null when that was the end.' }),
  })
  .meta({ id: 'Attempt', description: 'What one execution did for the job.' });

export const jobSchema = z
  .object({
    jobId: z.uuid(),
    status: jobStatusSchema,
    phase: z.enum(['FETCHING', 'CALLING_BACK']),
    callbackUrl: z.string().meta({ description: 'Its query, which may hold a token, is masked.' }),
    providers: z.array(providerSchema),
    metadata: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'What the caller gave with it; absent where it gave nothing, and once it is deleted.' }),
    attempts: z.array(attemptSchema).meta({ description: 'The last 20, oldest first.' }),
    nextAttemptAt: time.nullable().meta({ description: 'Null while an attempt is in progress, and when it is over.' }),
    callbackDeferred: deferralSchema.optional(),
    failure: z
      .object({ code: z.string(), message: z.string() })
      .optional()
      .meta({ description: 'Why it ended FAILED.' }),
    expungedAt: time
      .optional()
      .meta({ description: 'When what was collected was deleted, at the wish of its caller.' }),
    createdAt: time,
    updatedAt: time,
    deadlineAt: time.meta({ description: 'When collecting ends, and what there is is delivered. ISO 8601, UTC.' }),
    links: linksSchema,
  })
  .meta({ id: 'Job' });
