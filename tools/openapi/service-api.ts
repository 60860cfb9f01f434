import { readFileSync } from 'node:fs';
import { clientIdSchema } from '@boomerang/core/http/act-for.ts';
import { callbackBodySchema, callbackSchema } from '@boomerang/core/http/callback-schema.ts';
import { jobIdSchema } from '@boomerang/core/http/job-fields.ts';
import { jobPageSchema, jobSchema, jobSummarySchema } from '@boomerang/core/http/job-schema.ts';
import { problemSchema } from '@boomerang/core/http/problem-schema.ts';
import { VERSION } from '@boomerang/core/version.ts';
import * as z from 'zod';
import { createDocument } from 'zod-openapi';
import { catalogueSchema } from '../../functions/catalogue-read/schema.ts';
import { clientPageSchema, clientsQuerySchema, meSchema } from '../../functions/clients/schema.ts';
import { healthChecksSchema, healthQuerySchema, healthSchema } from '../../functions/health/schema.ts';
import {
  jobDataQuerySchema,
  jobDataSchema,
  jobHeadersSchema,
  jobQuerySchema,
  jobStatsQuerySchema,
  jobStatsSchema,
} from '../../functions/job-read/schema.ts';
import {
  redriveCountSchema,
  redriveOpenSchema,
  redrivePageSchema,
  redriveRequestSchema,
  redriveSchema,
  redrivesQuerySchema,
} from '../../functions/redrives/schema.ts';
import { acceptedSchema } from '../../functions/webhook/accepted-schema.ts';
import { createWebhookSchema, webhookHeadersSchema } from '../../functions/webhook/schema.ts';
import { always, conflict, docsPaths, json, problems } from './shared.ts';

const rules = { allowHttp: false, exceptions: { networks: [], hosts: new Set<string>() } };

const JOB_ID = '01a20b4c-cf47-716b-85d8-5343742576b8';
const CLIENT_ID = '01a20b4c-cf47-716b-85d8-0000000000cc';
const REDRIVE_ID = '01a20b4c-cf47-716b-85d8-0000000000aa';

const pathOfJob = z.object({
  jobId: jobIdSchema.meta({ description: 'From the response of `POST /webhook`.', examples: [JOB_ID] }),
});
const location = z.string().meta({ description: 'Path of the resource, relative to this API.' });

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
const ACCEPTED = {
  jobId: JOB_ID,
  status: 'PENDING',
  createdAt: '2026-01-31T12:00:00.000Z',
  links: { self: `/jobs/${JOB_ID}`, data: `/jobs/${JOB_ID}/data` },
};
const SUMMARY = {
  ...ACCEPTED,
  phase: 'FETCHING',
  providers: ['gas', 'internet'],
  callbackHost: 'example.com',
  endedAt: null,
};
const ENDED = { ...SUMMARY, phase: null, endedAt: '2026-01-31T12:00:01.500Z' };

const ME = { clientId: CLIENT_ID, name: 'acme', isOperator: false };
const CLIENT = {
  ...ME,
  createdAt: '2026-01-31T12:00:00.000Z',
  revokedAt: null,
  pendingJobs: 3,
  pendingJobsTruncated: false,
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
      recentCalls: { calls: 40, failures: 3, since: '2026-01-31T12:00:00.000Z' },
    },
  ],
};

/** The query of a route on a client's jobs or redrives: its own parameters, and the client that an operator acts for. */
const forClient = (query: z.ZodObject = z.strictObject({})) =>
  z.strictObject({
    ...query.shape,
    clientId: clientIdSchema.optional().meta({
      description: 'For operators only: the client to act for. By default, the caller itself.',
      examples: [CLIENT_ID],
    }),
  });

/** Links from a response that contains a job to other operations. */
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

/** Receivers that verify callbacks. Each is run by a test. */
const CODE_SAMPLES = [
  { lang: 'JavaScript', label: 'Node.js', file: 'verify.mjs' },
  { lang: 'Python', label: 'Python', file: 'verify.py' },
  { lang: 'Go', label: 'Go', file: 'verify.go' },
].map(({ file, ...sample }) => ({
  ...sample,
  source: readFileSync(new URL(`../../docs/snippets/${file}`, import.meta.url), 'utf8'),
}));

/** Headers of a callback: Standard Webhooks, "Webhook headers (sending metadata to consumers)". */
const callbackHeaders = z.object({
  'webhook-id': z.string().meta({
    description:
      'The id of the job, or of its redrive (`<jobId>_r<n>`). It is the same for all attempts to deliver one body. Use it to detect duplicates.',
    examples: [JOB_ID],
  }),
  'webhook-timestamp': z
    .string()
    .regex(/^\d+$/)
    .meta({
      description: 'Time of this attempt, seconds since 1970. Reject old timestamps.',
      examples: ['1769860800'],
    }),
  'webhook-signature': z.string().meta({
    description:
      '`v1,` and the base64 HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<raw body>` with the signing secret of the client. During a rotation, one signature per live secret, separated by spaces.',
    examples: ['v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4='],
  }),
  'user-agent': z.string().meta({ description: '`Boomerang/<version>`', examples: [`Boomerang/${VERSION}`] }),
});

const COUNTS = { PENDING: 2, COMPLETE: 120, PARTIAL: 1, FAILED: 3, CANCELLED: 0 };
const STATS = {
  from: '2026-01-31T12:00:00.000Z',
  to: '2026-01-31T12:30:00.000Z',
  bucket: 'hour',
  buckets: [{ from: '2026-01-31T12:00:00.000Z', ...COUNTS }],
  totals: COUNTS,
  deliveredShare: 0.976,
  timeToCallbackMs: { p50: 812, p95: 3021 },
  oldestPendingAt: '2026-01-31T12:00:00.000Z',
  inTrouble: 2,
  truncated: false,
};

const jobHeaders = z.object({
  etag: z.string().meta({ description: 'Changes whenever the job changes.' }),
  'retry-after': z
    .string()
    .regex(/^\d+$/)
    .optional()
    .meta({ description: 'Seconds until the job is expected to change, 1 to 60. Only while the job is pending.' }),
});

/** The service API, generated from the validation schemas of its functions. */
export const serviceApi = createDocument({
  openapi: '3.1.1',
  info: {
    title: 'Boomerang service API',
    version: VERSION,
    description:
      'Post a job. Boomerang fetches the data from every provider, with retries for up to 24 hours by default, and posts all of it to the callback URL, signed (Standard Webhooks). Errors are problem details (RFC 9457). Request bodies are at most 16 KiB, unless an operation says otherwise.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/' }],
  security: [{ apiKey: [] }],
  tags: [
    { name: 'Jobs', description: 'Post, read, redrive, cancel and delete jobs.' },
    { name: 'Catalogue', description: 'The providers that jobs may name.' },
    { name: 'Clients', description: 'The caller; for operators, also all clients.' },
    { name: 'Redrives', description: 'Retry many jobs.' },
    { name: 'Callbacks', description: 'The callback, and a test receiver.' },
    { name: 'Operation', description: 'Health and documentation.' },
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
          'A repeated request with the same Idempotency-Key and body gets the same response, with Idempotent-Replayed: true, and creates no second job, even if the catalogue has changed since. With a different body it is answered 422. `GET /catalogue` lists the parameters of providers.',
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
            description: 'The job is stored and will be processed.',
            headers: z.object({
              location,
              'idempotent-replayed': z.literal('true').optional().meta({ description: 'Only on repeated responses.' }),
            }),
            content: json(acceptedSchema, ACCEPTED),
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
        description:
          'A job is listed if it matches every filter. `inTrouble=true` allows no status except PENDING. The list may lag a second behind.',
        requestParams: { query: forClient(jobQuerySchema) },
        responses: {
          200: {
            description: 'A page.',
            content: json(jobPageSchema, {
              jobs: [SUMMARY, { ...ENDED, status: 'FAILED', failureCode: 'CALLBACK_GONE' }],
              cursor: null,
            }),
            links: { next: { operationId: 'listJobs', parameters: { cursor: '$response.body#/cursor' } } },
          },
          ...always,
          ...problems(401, 403),
        },
      },
    },
    '/jobs/stats': {
      get: {
        operationId: 'getJobStats',
        tags: ['Jobs'],
        summary: "Count the caller's jobs by status and time",
        description: 'Counts the newest 10,000 jobs of the time range. Responses are cached for ten seconds.',
        requestParams: { query: forClient(jobStatsQuerySchema) },
        responses: {
          200: { description: 'The counts.', content: json(jobStatsSchema, STATS) },
          ...always,
          ...problems(401, 403),
        },
      },
    },
    '/jobs/{jobId}': {
      get: {
        operationId: 'getJob',
        tags: ['Jobs'],
        summary: 'Get a job',
        description:
          'To follow a pending job, wait for the seconds in Retry-After, then send the ETag as If-None-Match.',
        requestParams: { path: pathOfJob, query: forClient(), header: jobHeadersSchema },
        responses: {
          200: { description: 'The job.', headers: jobHeaders, content: json(jobSchema) },
          304: { description: 'Unchanged since the response with that ETag. No body.', headers: jobHeaders },
          ...always,
          ...problems(401, 403, 404),
        },
      },
      delete: {
        operationId: 'expungeJob',
        tags: ['Jobs'],
        summary: 'Delete the data of a job that has ended',
        description:
          'Also deletes its parameters and metadata, so a job that had any can no longer be redriven. The job itself remains until it expires, to reserve its idempotency key: `GET /jobs/{jobId}` still answers.',
        requestParams: { path: pathOfJob, query: forClient() },
        responses: {
          204: { description: 'The data is deleted.' },
          ...always,
          ...problems(401, 403, 404),
          ...conflict('The job is pending: cancel it first.'),
        },
      },
    },
    '/jobs/{jobId}/data': {
      get: {
        operationId: 'getJobData',
        tags: ['Jobs'],
        summary: 'Get the data of a job, whether or not its callback was delivered',
        description:
          'For a pending job, the data stored so far. 410 if the data was deleted, or if the data of one provider is no longer stored; `detail` then names the provider, and the data of the others can be read one provider at a time. 422 if the data is too large for one response: read it one provider at a time.',
        requestParams: { path: pathOfJob, query: forClient(jobDataQuerySchema) },
        responses: {
          200: { description: 'The data.', content: json(jobDataSchema, CALLBACK) },
          ...always,
          ...problems(401, 403, 404, 410),
        },
      },
    },
    '/jobs/{jobId}/redrive': {
      post: {
        operationId: 'redriveJob',
        tags: ['Jobs'],
        summary: 'Retry a job at once, whether it has ended or waits for its next attempt',
        description:
          'Starts a new fetch deadline and retry schedule. Fetched data is kept. If a callback was already delivered, the next one gets a new webhook-id.',
        requestParams: { path: pathOfJob, query: forClient() },
        responses: {
          202: {
            description: 'The job is pending, and in progress.',
            headers: z.object({ location }),
            content: json(jobSummarySchema, SUMMARY),
          },
          ...always,
          ...problems(401, 403, 404),
          ...conflict('The job is in progress (with Retry-After), or its parameters or metadata were deleted.'),
        },
      },
    },
    '/jobs/{jobId}/cancel': {
      post: {
        operationId: 'cancelJob',
        tags: ['Jobs'],
        summary: 'Cancel a pending job',
        description: 'A callback in progress may still arrive.',
        requestParams: { path: pathOfJob, query: forClient() },
        responses: {
          202: {
            description: 'The job is cancelled.',
            content: json(jobSummarySchema, { ...ENDED, status: 'CANCELLED' }),
          },
          ...always,
          ...problems(401, 403, 404),
          ...conflict('The job has ended, or concurrent changes prevented it (with Retry-After).'),
        },
      },
    },
    '/catalogue': {
      get: {
        operationId: 'getCatalogue',
        tags: ['Catalogue'],
        summary: 'List the providers that jobs may name, with their parameters',
        description:
          'In the order of the catalogue, without URLs and credentials. Circuits and recent calls may be up to five seconds old.',
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
    '/me': {
      get: {
        operationId: 'getMe',
        tags: ['Clients'],
        summary: 'Get the client that the API key belongs to',
        responses: { 200: { description: 'The caller.', content: json(meSchema, ME) }, ...always, ...problems(401) },
      },
    },
    '/clients': {
      get: {
        operationId: 'listClients',
        tags: ['Clients'],
        summary: 'List all clients, newest first',
        description: 'For operators only.',
        requestParams: { query: clientsQuerySchema },
        responses: {
          200: {
            description: 'A page.',
            content: json(clientPageSchema, { clients: [CLIENT], cursor: null }),
            links: { next: { operationId: 'listClients', parameters: { cursor: '$response.body#/cursor' } } },
          },
          ...always,
          ...problems(401, 403),
        },
      },
    },
    '/redrives': {
      get: {
        operationId: 'listRedrives',
        tags: ['Redrives'],
        summary: "List the caller's redrives, newest first",
        description: 'A redrive is listed until it expires. After its end, it is kept for as long as a job.',
        requestParams: { query: forClient(redrivesQuerySchema) },
        responses: {
          200: {
            description: 'A page.',
            content: json(redrivePageSchema),
            links: { next: { operationId: 'listRedrives', parameters: { cursor: '$response.body#/cursor' } } },
          },
          ...always,
          ...problems(401, 403),
        },
      },
      post: {
        operationId: 'postRedrive',
        tags: ['Redrives'],
        summary: "Redrive all of the caller's jobs that match filters",
        description:
          'Sweeps make the jobs due, from the newest to the oldest. A job that fails again during the redrive is not redriven twice. Each client can run one redrive at a time, and gets 409 while another is running. A dry run, allowed at any time, only counts the jobs.',
        requestParams: { query: forClient() },
        requestBody: { required: true, content: json(redriveRequestSchema, { status: 'FAILED', dryRun: true }) },
        responses: {
          200: { description: 'A dry run: the number of jobs.', content: json(redriveCountSchema) },
          202: {
            description: 'The redrive is stored and will be processed. Location is its URL.',
            headers: z.object({ location }),
            content: json(redriveSchema),
            links: { redrive: linkTo('getRedrive', 'redriveId') },
          },
          ...always,
          ...problems(400, 401, 403, 413, 415),
          409: {
            description: 'Another redrive of the caller is running.',
            headers: z.object({ location: z.string().meta({ description: 'Path of the running redrive.' }) }),
            content: { 'application/problem+json': { schema: redriveOpenSchema } },
          },
        },
      },
    },
    '/redrives/{redriveId}': {
      get: {
        operationId: 'getRedrive',
        tags: ['Redrives'],
        summary: 'Get the progress of a redrive',
        requestParams: {
          path: z.object({
            redriveId: jobIdSchema.meta({
              description: 'From the response of `POST /redrives`.',
              examples: [REDRIVE_ID],
            }),
          }),
          query: forClient(),
        },
        responses: {
          200: { description: 'The redrive.', content: json(redriveSchema) },
          ...always,
          ...problems(401, 403, 404),
        },
      },
    },
    '/complete': {
      post: {
        operationId: 'complete',
        tags: ['Callbacks'],
        summary: 'Test receiver for callbacks: echoes the callback',
        description:
          'The body may be up to 1 MiB. If the deployment has a secret for this route, callbacks must be signed with it. Without a secret, the route exists on test stages only, and answers 404 elsewhere.',
        security: [],
        requestBody: { required: true, content: json(callbackSchema, CALLBACK) },
        responses: {
          200: { description: 'The callback.', content: json(z.object({ message: callbackSchema })) },
          ...always,
          ...problems(400, 404, 413, 415),
          401: {
            ...problems(401)['401'],
            description: 'The signature is missing or wrong, or its timestamp is too old.',
          },
        },
      },
    },
    '/health': {
      get: {
        operationId: 'getHealth',
        tags: ['Operation'],
        summary: 'Check liveness; with deep=1, also the job table and the sweeps',
        description:
          'Without deep, nothing but the API itself is checked. With deep=1, the job table and the time of the last sweep are checked too. Results are cached for ten seconds.',
        security: [],
        requestParams: { query: healthQuerySchema },
        responses: {
          200: { description: 'Healthy.', content: json(healthSchema, { status: 'ok' }) },
          ...always,
          503: {
            description: 'Unhealthy: `checks` says why.',
            headers: z.object({ 'retry-after': z.string() }),
            content: { 'application/problem+json': { schema: problemSchema.extend({ checks: healthChecksSchema }) } },
          },
        },
      },
    },
    '/console': {
      get: {
        operationId: 'getConsole',
        tags: ['Operation'],
        summary: 'The console',
        description:
          'One HTML page, compressed if the client accepts gzip. Its scripts call this API with the key that its user enters.',
        security: [],
        requestParams: {
          header: z.object({
            'if-none-match': z
              .string()
              .optional()
              .meta({
                description: 'The `ETag` of a stored page.',
                examples: ['W/"5eb63bbbe01eeed093cb22bb8f5acdc3"'],
              }),
          }),
        },
        responses: {
          200: {
            description: 'The page.',
            headers: z.object({ etag: z.string().meta({ description: 'Changes whenever the page changes.' }) }),
            content: { 'text/html': { schema: z.string() } },
          },
          304: { description: 'The page has not changed.' },
          ...always,
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
        summary: 'The callback of a job, posted to its callback URL',
        description:
          'Signed (Standard Webhooks), at most 10 MiB, delivered at least once. It also carries the headers set for the client by npm run clients, which never replace those below. The receiver must answer within 15 s. Redirects are not followed. Failed callbacks are retried, 30 s to 24 h apart.',
        security: [],
        requestParams: { header: callbackHeaders },
        'x-codeSamples': CODE_SAMPLES,
        requestBody: {
          required: true,
          content: json(callbackBodySchema.meta({ id: 'Callback', description: 'The data of a job.' }), CALLBACK),
        },
        responses: {
          '2XX': { description: 'Delivered. The body of the response is discarded.' },
          410: {
            description:
              'The receiver is gone: the job ends FAILED. A header `webhook-delivery: abort-message` has the same effect.',
          },
          429: {
            description: 'The callback is retried later, as after 503 or any failure with Retry-After.',
            headers: z.object({
              'retry-after': z.string().optional().meta({ description: 'Seconds or a date: the earliest retry.' }),
            }),
          },
          default: { description: 'The callback is retried according to its schedule.' },
        },
      },
    },
  },
});
