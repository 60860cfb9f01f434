import { callbackBodySchema, callbackSchema } from '@boomerang/core/http/callback-schema.ts';
import { jobIdSchema, jobPageSchema, jobSchema, jobSummarySchema } from '@boomerang/core/http/job-schema.ts';
import { problemSchema } from '@boomerang/core/http/problem-schema.ts';
import { VERSION } from '@boomerang/core/version.ts';
import * as z from 'zod';
import { createDocument } from 'zod-openapi';
import { catalogueSchema } from '../../functions/catalogue-read/schema.ts';
import { healthChecksSchema, healthQuerySchema, healthSchema } from '../../functions/health/schema.ts';
import { jobDataQuerySchema, jobDataSchema, jobQuerySchema } from '../../functions/job-read/schema.ts';
import {
  redriveCountSchema,
  redriveOpenSchema,
  redriveRequestSchema,
  redriveSchema,
} from '../../functions/redrives/schema.ts';
import { acceptedSchema } from '../../functions/webhook/accepted-schema.ts';
import { createWebhookSchema, webhookHeadersSchema } from '../../functions/webhook/schema.ts';
import { always, conflict, docsPaths, json, problems } from './shared.ts';

const rules = { allowHttp: false, exceptions: { networks: [], hosts: new Set<string>() } };

const JOB_ID = '01a20b4c-cf47-716b-85d8-5343742576b8';
const REDRIVE_ID = '01a20b4c-cf47-716b-85d8-0000000000aa';

const pathOfJob = z.object({
  jobId: jobIdSchema.meta({ description: 'From the answer to `POST /webhook`.', examples: [JOB_ID] }),
});
const location = z.string().meta({ description: 'Path of what was made, relative to this API.' });

const CALLBACK = {
  jobId: JOB_ID,
  data: [
    { providerId: 'gas', fetchedAt: '2026-01-31T12:00:00.000Z', data: [{ billedOn: '2020-04-07', amount: 22.27 }] },
    {
      providerId: 'internet',
      error: {
        code: 'PROVIDER_UNAVAILABLE',
        message: 'The provider did not return its data in time (bad_status, status 500).',
      },
    },
  ],
  metadata: { orderId: 'A-42' },
};
const SUMMARY = {
  jobId: JOB_ID,
  status: 'PENDING',
  createdAt: '2026-01-31T12:00:00.000Z',
  links: { self: `/jobs/${JOB_ID}`, data: `/jobs/${JOB_ID}/data` },
};

const CATALOGUE = {
  providers: [
    {
      id: 'gas',
      title: 'Gas bills',
      parameters: {
        type: 'object',
        required: ['account'],
        properties: { account: { type: 'string', pattern: '^[0-9]{8,12}$', writeOnly: true } },
        additionalProperties: false,
      },
      circuit: 'closed',
    },
  ],
};

/** What follows from an answer with a job in it. */
const linkTo = (operationId: string, parameter: string) => ({
  operationId,
  parameters: { [parameter]: `$response.body#/${parameter}` },
});
const jobLinks = {
  job: linkTo('getJob', 'jobId'),
  data: linkTo('getJobData', 'jobId'),
  cancel: linkTo('cancelJob', 'jobId'),
  redrive: linkTo('redriveJob', 'jobId'),
  expunge: linkTo('expungeJob', 'jobId'),
};

/** Headers of a callback: Standard Webhooks, "Webhook headers (sending metadata to consumers)". */
const callbackHeaders = z.object({
  'webhook-id': z.string().meta({
    description:
      'The id of the job, or of its redrive (`<jobId>_r<n>`): the same for all attempts at one body, to tell duplicates by.',
    examples: [JOB_ID],
  }),
  'webhook-timestamp': z
    .string()
    .regex(/^\d+$/)
    .meta({
      description: 'When this attempt was made, seconds since 1970. Refuse what is old.',
      examples: ['1769860800'],
    }),
  'webhook-signature': z.string().meta({
    description:
      '`v1,` and the base64 HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<raw body>` by the signing secret of the client; during a rotation one for each live secret, separated by blanks.',
    examples: ['v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4='],
  }),
  'user-agent': z.string().meta({ description: '`Boomerang/<version>`', examples: [`Boomerang/${VERSION}`] }),
});

/** The service API, from the schemas that its functions validate with. */
export const serviceApi = createDocument({
  openapi: '3.1.1',
  info: {
    title: 'Boomerang service API',
    version: VERSION,
    description:
      'Post a job; Boomerang collects the data from every provider, however long that takes, and posts it all, signed (Standard Webhooks), to the callback address. Errors are problems (RFC 9457). Request bodies are at most 16 KiB, unless an operation says otherwise.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/' }],
  security: [{ apiKey: [] }],
  tags: [
    { name: 'Jobs', description: 'Post jobs, follow them, act on them.' },
    { name: 'Catalogue', description: 'What jobs may ask for.' },
    { name: 'Redrives', description: 'Try many jobs again.' },
    { name: 'Callbacks', description: 'What receivers get, and a receiver to test with.' },
    { name: 'Operation', description: 'The API about itself.' },
  ],
  components: {
    securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: bmr_ and 43 characters.' } },
  },
  paths: {
    '/webhook': {
      post: {
        operationId: 'postJob',
        tags: ['Jobs'],
        summary: 'Post a job',
        description:
          'The same Idempotency-Key and body are answered the same way again, with Idempotent-Replayed: true, and make no second job, even where the catalogue has changed since; with another body, 422. `GET /catalogue` tells which parameters providers take.',
        requestParams: { header: webhookHeadersSchema },
        requestBody: {
          required: true,
          content: json(createWebhookSchema(new Map(), rules), {
            providers: ['gas', 'internet'],
            callbackUrl: 'https://example.com/complete',
          }),
        },
        responses: {
          202: {
            description: 'It is stored, and will be seen through.',
            headers: z.object({
              location,
              'idempotent-replayed': z
                .literal('true')
                .optional()
                .meta({ description: 'Only on an answer that is given again.' }),
            }),
            content: json(acceptedSchema, SUMMARY),
            links: jobLinks,
          },
          ...always,
          ...problems(400, 401, 413, 415),
        },
      },
    },
    '/jobs': {
      get: {
        operationId: 'listJobs',
        tags: ['Jobs'],
        summary: "List the caller's jobs, newest first",
        requestParams: { query: jobQuerySchema },
        responses: {
          200: {
            description: 'A page.',
            content: json(jobPageSchema, { jobs: [SUMMARY], cursor: null }),
            links: { next: { operationId: 'listJobs', parameters: { cursor: '$response.body#/cursor' } } },
          },
          ...always,
          ...problems(401),
        },
      },
    },
    '/jobs/{jobId}': {
      get: {
        operationId: 'getJob',
        tags: ['Jobs'],
        summary: 'Get what became of a job',
        requestParams: { path: pathOfJob },
        responses: { 200: { description: 'The job.', content: json(jobSchema) }, ...always, ...problems(401, 404) },
      },
      delete: {
        operationId: 'expungeJob',
        tags: ['Jobs'],
        summary: 'Delete what was collected for a job that is over',
        description:
          'Its parameters and metadata are deleted, too, so that a job that had any can not be tried again. The bare record stays until its time is up, so that its idempotency key is not free early: `GET /jobs/{jobId}` goes on answering.',
        requestParams: { path: pathOfJob },
        responses: {
          204: { description: 'It is deleted.' },
          ...always,
          ...problems(401, 404),
          ...conflict('It is pending: cancel it first.'),
        },
      },
    },
    '/jobs/{jobId}/data': {
      get: {
        operationId: 'getJobData',
        tags: ['Jobs'],
        summary: 'Get what was collected, whether or not the callback got through',
        description:
          'Of a pending job, what was kept so far. 410 once it is deleted, or where what a provider gave is no longer stored (the detail names it; ask for the others one at a time, or redrive the job); 422 where all of it is too much for one answer: ask for one provider at a time.',
        requestParams: { path: pathOfJob, query: jobDataQuerySchema },
        responses: {
          200: { description: 'The data.', content: json(jobDataSchema, CALLBACK) },
          ...always,
          ...problems(401, 404, 410),
        },
      },
    },
    '/jobs/{jobId}/redrive': {
      post: {
        operationId: 'redriveJob',
        tags: ['Jobs'],
        summary: 'Try a job that is over or waits again at once',
        description:
          'With a fresh deadline and schedule; what was fetched is kept. A callback after a delivery has a webhook-id of its own.',
        requestParams: { path: pathOfJob },
        responses: {
          202: {
            description: 'It is pending, and worked on.',
            headers: z.object({ location }),
            content: json(jobSummarySchema, SUMMARY),
          },
          ...always,
          ...problems(401, 404),
          ...conflict('It is in progress, which Retry-After tells; or its parameters or metadata were deleted.'),
        },
      },
    },
    '/jobs/{jobId}/cancel': {
      post: {
        operationId: 'cancelJob',
        tags: ['Jobs'],
        summary: 'End a pending job',
        description: 'A callback that is on its way may still arrive.',
        requestParams: { path: pathOfJob },
        responses: {
          202: {
            description: 'It is cancelled.',
            content: json(jobSummarySchema, { ...SUMMARY, status: 'CANCELLED' }),
          },
          ...always,
          ...problems(401, 404),
          ...conflict('It is over; or others keep changing it, which Retry-After tells.'),
        },
      },
    },
    '/catalogue': {
      get: {
        operationId: 'getCatalogue',
        tags: ['Catalogue'],
        summary: 'List the providers that jobs may name, and what each takes',
        description:
          'In the order of the catalogue. How a provider is asked is not shown. The state of circuits may be five seconds old.',
        responses: {
          200: {
            description: 'The providers.',
            content: json(catalogueSchema, CATALOGUE),
          },
          ...always,
          ...problems(401),
        },
      },
    },
    '/redrives': {
      post: {
        operationId: 'postRedrive',
        tags: ['Redrives'],
        summary: "Try the caller's jobs of one status again, many at a time",
        description:
          'Sweeps do it, from the newest to the oldest; jobs that fail again meanwhile are not taken twice. A client has one redrive at a time: 409 while another is running. A dry run only counts, at any time.',
        requestBody: { required: true, content: json(redriveRequestSchema, { status: 'FAILED', dryRun: true }) },
        responses: {
          200: { description: 'A dry run: how many they are.', content: json(redriveCountSchema) },
          202: {
            description: 'It is stored, and will be done. Location says where to see how far it has come.',
            headers: z.object({ location }),
            content: json(redriveSchema),
            links: { redrive: linkTo('getRedrive', 'redriveId') },
          },
          ...always,
          ...problems(400, 401, 413, 415),
          409: {
            description: 'Another redrive of the caller is running.',
            headers: z.object({ location: z.string().meta({ description: 'The redrive that is running.' }) }),
            content: { 'application/problem+json': { schema: redriveOpenSchema } },
          },
        },
      },
    },
    '/redrives/{redriveId}': {
      get: {
        operationId: 'getRedrive',
        tags: ['Redrives'],
        summary: 'Get how far a redrive has come',
        requestParams: {
          path: z.object({
            redriveId: jobIdSchema.meta({
              description: 'From the answer to `POST /redrives`.',
              examples: [REDRIVE_ID],
            }),
          }),
        },
        responses: {
          200: { description: 'The redrive.', content: json(redriveSchema) },
          ...always,
          ...problems(401, 404),
        },
      },
    },
    '/complete': {
      post: {
        operationId: 'complete',
        tags: ['Callbacks'],
        summary: 'Receive a callback, to test with: echoes what it gets',
        description:
          'A body of at most 1 MiB. Where the deployment has a secret for it, the callback has to be signed with that. Where it has none, this is there on test stages only; elsewhere it is unknown (404).',
        security: [],
        requestBody: { required: true, content: json(callbackSchema, CALLBACK) },
        responses: {
          200: { description: 'The callback.', content: json(z.object({ message: callbackSchema })) },
          ...always,
          ...problems(400, 404, 413, 415),
          401: { ...problems(401)['401'], description: 'It is not signed with the secret, or too long ago.' },
        },
      },
    },
    '/health': {
      get: {
        operationId: 'getHealth',
        tags: ['Operation'],
        summary: 'Get whether the API answers; with deep=1, whether it can do its job',
        description:
          'Without deep, nothing else is asked. With it, the table of jobs and the time of the last sweep are looked at, once in ten seconds, however many ask.',
        security: [],
        requestParams: { query: healthQuerySchema },
        responses: {
          200: { description: 'It does.', content: json(healthSchema, { status: 'ok' }) },
          ...always,
          503: {
            description: 'It answers, but cannot do its job: the checks say why.',
            headers: z.object({ 'retry-after': z.string() }),
            content: { 'application/problem+json': { schema: problemSchema.extend({ checks: healthChecksSchema }) } },
          },
        },
      },
    },
    ...docsPaths,
  },
  webhooks: {
    callback: {
      post: {
        operationId: 'callback',
        tags: ['Callbacks'],
        summary: 'What is posted to the callback address of a job',
        description:
          'Signed by Standard Webhooks, at most 10 MiB, delivered at least once. It also carries the headers that operators have set for the client; they replace none of those below. An answer has 15 s. Redirects are not followed. Failures are tried again by the schedule, 30 s to 24 h apart.',
        security: [],
        requestParams: { header: callbackHeaders },
        requestBody: {
          required: true,
          content: json(
            callbackBodySchema.meta({ id: 'Callback', description: 'What was collected for a job.' }),
            CALLBACK,
          ),
        },
        responses: {
          '2XX': { description: 'It is delivered. The body of the answer is not kept.' },
          410: {
            description:
              'The receiver wants no more of it: the job ends FAILED. So does a header `webhook-delivery: abort-message`.',
          },
          429: {
            description: 'Tried again later. So is 503, and any failure with Retry-After.',
            headers: z.object({
              'retry-after': z.string().optional().meta({ description: 'Seconds, or a date: not before that.' }),
            }),
          },
          default: { description: 'Tried again by the schedule.' },
        },
      },
    },
  },
});
