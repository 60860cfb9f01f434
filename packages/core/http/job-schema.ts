import * as z from 'zod';
import { TRIGGERS } from '../contracts/claimed-job.ts';
import { failureClassSchema } from '../contracts/task-failure.ts';
import { nextCursorSchema } from './cursor.ts';
import { failureCodeSchema, jobStatusSchema } from './job-fields.ts';
import { responseTimeSchema as time } from './time-schema.ts';

/** Jobs as the API returns them; the OpenAPI document is generated from these schemas. */

const phaseSchema = z.enum(['FETCHING', 'CALLING_BACK']);

const endedAt = time.nullable().meta({
  description:
    'When it ended; null while it is pending. For jobs that ended under earlier versions, when they were last changed.',
});

const linksSchema = z.object({
  self: z.string().meta({ description: 'Path of the job, relative to this API.' }),
  data: z.string().meta({ description: 'Path of its data, relative to this API.' }),
});

export const acceptedJobSchema = z.object({
  jobId: z.uuid(),
  status: jobStatusSchema,
  createdAt: time,
  links: linksSchema,
});

export const jobSummarySchema = acceptedJobSchema
  .extend({
    phase: phaseSchema.nullable().meta({ description: 'What a pending job is doing; null once it has ended.' }),
    providers: z.array(z.string()),
    callbackHost: z.string().meta({ description: 'Host of the callback URL, with its port unless it is the default.' }),
    endedAt,
    failureCode: failureCodeSchema.optional().meta({ description: 'Why the job is FAILED.' }),
  })
  .meta({ id: 'JobSummary', description: 'A job in a list.' });

export const jobPageSchema = z
  .object({
    jobs: z.array(jobSummarySchema),
    cursor: nextCursorSchema,
  })
  .meta({ id: 'JobPage', description: 'A page may hold fewer jobs than its limit and still have a cursor.' });

const failureSchema = z.object({ class: failureClassSchema, statusCode: z.int().optional() });

const deferralSchema = z
  .object({
    class: failureClassSchema,
    cause: failureSchema.optional().meta({ description: 'The last failure of the third party.' }),
  })
  .meta({ id: 'Deferral', description: 'Why a call was deferred. Deferred calls do not count as attempts.' });

const providerSchema = z
  .object({
    providerId: z.string(),
    status: z.enum(['PENDING', 'FETCHED', 'REFUSED', 'UNAVAILABLE']),
    fetchedAt: time.optional(),
    bytes: z.int().optional().meta({ description: 'Size of its data as JSON, UTF-8.' }),
    error: failureSchema.optional(),
    failedAttempts: z.int().optional().meta({ description: 'Failed attempts so far.' }),
    nextAttemptAt: time.optional().meta({ description: 'When the next attempt is due. ISO 8601, UTC.' }),
    workingSince: time.optional().meta({ description: 'When it accepted the request that it is still processing.' }),
    polls: z.int().optional().meta({ description: 'Number of polls since then.' }),
    deferred: deferralSchema.optional(),
    parameters: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .meta({
        description: 'Its parameters, as posted; secret values are shown as `***`.',
      }),
  })
  .meta({ id: 'ProviderState', description: 'The state of one provider of a job.' });

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
      .meta({ description: 'Calls made by the execution, including quick retries; absent if unknown.' }),
    excerpt: z.string().optional().meta({ description: 'The first characters of the response, secrets masked.' }),
  })
  .meta({ id: 'Call', description: 'A call; after quick retries, the last one.' });

const attemptSchema = z
  .object({
    number: z.int(),
    trigger: z.enum(TRIGGERS),
    startedAt: time,
    endedAt: time,
    fetches: z.array(callSchema.extend({ providerId: z.string() }).meta({ id: 'ProviderCall' })),
    callback: callSchema.nullable(),
    nextAttemptAt: time.nullable().meta({ description: 'When the next attempt is due; null if the job ended.' }),
  })
  .meta({ id: 'Attempt', description: 'The work of one execution on the job.' });

export const jobSchema = z
  .object({
    jobId: z.uuid(),
    status: jobStatusSchema,
    phase: phaseSchema,
    callbackUrl: z.string().meta({ description: 'The query is masked, because it may hold a token.' }),
    providers: z.array(providerSchema),
    metadata: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'The metadata posted with the job; absent if there is none or it was deleted.' }),
    attempts: z.array(attemptSchema).meta({ description: 'The last 20, oldest first.' }),
    nextAttemptAt: time
      .nullable()
      .meta({ description: 'Null while an attempt is in progress and once the job has ended.' }),
    callbackDeferred: deferralSchema.optional(),
    failure: z
      .object({ code: failureCodeSchema, message: z.string() })
      .optional()
      .meta({ description: 'Why the job is FAILED.' }),
    expungedAt: time.optional().meta({ description: 'When the caller deleted the collected data.' }),
    createdAt: time,
    updatedAt: time,
    endedAt,
    deadlineAt: time.meta({
      description: 'When fetching ends and the data collected so far is delivered. ISO 8601, UTC.',
    }),
    links: linksSchema
      .extend({
        redrive: z.string().optional(),
        cancel: z.string().optional(),
        delete: z.string().optional(),
      })
      .meta({ description: 'Relative to this API. Actions are present while they are allowed.' }),
  })
  .meta({ id: 'Job' });
