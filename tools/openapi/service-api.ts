import { callbackSchema } from '@boomerang/core/http/callback-schema.ts';
import { jobIdSchema, jobPageSchema, jobSchema, jobSummarySchema } from '@boomerang/core/http/job-schema.ts';
import { problemSchema } from '@boomerang/core/http/problem-schema.ts';
import { VERSION } from '@boomerang/core/version.ts';
import * as z from 'zod';
import { createDocument } from 'zod-openapi';
import { jobDataQuerySchema, jobDataSchema, jobQuerySchema } from '../../functions/job-read/schema.ts';
import { redriveCountSchema, redriveRequestSchema, redriveSchema } from '../../functions/redrives/schema.ts';
import { acceptedSchema, createWebhookSchema, webhookHeadersSchema } from '../../functions/webhook/schema.ts';
import { docsPaths, json, problems } from './shared.ts';

const rules = { allowHttp: false, exceptions: { networks: [], hosts: new Set<string>() } };
const pathOfJob = z.object({ jobId: jobIdSchema });
const location = z.object({ location: z.string(), 'idempotent-replayed': z.literal('true').optional() });

/** The service API, from the schemas that its functions validate with. */
export const serviceApi = createDocument({
  openapi: '3.1.1',
  info: {
    title: 'Boomerang service API',
    version: VERSION,
    description:
      'Post a job; Boomerang collects the data from every provider, however long that takes, and posts it all, signed (Standard Webhooks), to the callback address.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/' }],
  security: [{ apiKey: [] }],
  components: {
    securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: bmr_ and 43 characters.' } },
  },
  paths: {
    '/webhook': {
      post: {
        operationId: 'postJob',
        summary: 'Takes a job.',
        description:
          'The same Idempotency-Key and body are answered the same way again, with Idempotent-Replayed: true, and make no second job; with another body, 422.',
        requestParams: { header: webhookHeadersSchema },
        requestBody: { required: true, content: json(createWebhookSchema(new Set(), rules)) },
        responses: {
          202: {
            description: 'It is stored, and will be seen through.',
            headers: location,
            content: json(acceptedSchema),
          },
          ...problems(400, 401, 413, 415, 422),
          429: {
            description: 'The client has posted as many jobs as its rate lets it.',
            headers: z.object({ 'retry-after': z.string().meta({ description: 'Seconds.' }) }),
            content: { 'application/problem+json': { schema: problemSchema } },
          },
          ...problems(500),
        },
      },
    },
    '/jobs': {
      get: {
        operationId: 'listJobs',
        summary: "The caller's jobs, newest first.",
        requestParams: { query: jobQuerySchema },
        responses: { 200: { description: 'A page.', content: json(jobPageSchema) }, ...problems(401, 422, 500) },
      },
    },
    '/jobs/{jobId}': {
      get: {
        operationId: 'getJob',
        summary: 'What became of a job.',
        requestParams: { path: pathOfJob },
        responses: { 200: { description: 'The job.', content: json(jobSchema) }, ...problems(401, 404, 500) },
      },
      delete: {
        operationId: 'expungeJob',
        summary: 'Deletes what was collected for a job that is over.',
        description: 'The bare record stays until its time is up, so that its idempotency key is not free early.',
        requestParams: { path: pathOfJob },
        responses: { 204: { description: 'It is deleted.' }, ...problems(401, 404, 409, 500) },
      },
    },
    '/jobs/{jobId}/data': {
      get: {
        operationId: 'getJobData',
        summary: 'What was collected, whether or not the callback got through.',
        description:
          'Of a pending job, what was kept so far. 410 once it is deleted; 422 where all of it is too much for one answer: ask for one provider at a time.',
        requestParams: { path: pathOfJob, query: jobDataQuerySchema },
        responses: {
          200: { description: 'The data.', content: json(jobDataSchema) },
          ...problems(401, 404, 410, 422, 500),
        },
      },
    },
    '/jobs/{jobId}/redrive': {
      post: {
        operationId: 'redriveJob',
        summary: 'Tries a job that is over or waits again at once.',
        description:
          'With a fresh deadline and schedule; what was fetched is kept. A callback after a delivery has a webhook-id of its own.',
        requestParams: { path: pathOfJob },
        responses: {
          202: {
            description: 'It is pending, and worked on.',
            headers: z.object({ location: z.string() }),
            content: json(jobSummarySchema),
          },
          ...problems(401, 404),
          409: {
            description: 'It is in progress.',
            headers: z.object({ 'retry-after': z.string().meta({ description: 'Seconds.' }) }),
            content: { 'application/problem+json': { schema: problemSchema } },
          },
          ...problems(500),
        },
      },
    },
    '/jobs/{jobId}/cancel': {
      post: {
        operationId: 'cancelJob',
        summary: 'Ends a pending job.',
        description: 'A callback that is on its way may still arrive. 409 when it is over.',
        requestParams: { path: pathOfJob },
        responses: {
          202: { description: 'It is cancelled.', content: json(jobSummarySchema) },
          ...problems(401, 404, 409, 500),
        },
      },
    },
    '/redrives': {
      post: {
        operationId: 'postRedrive',
        summary: "Tries the caller's jobs of one status again, many at a time.",
        description:
          'Sweeps do it, from the newest to the oldest; jobs that fail again meanwhile are not taken twice. A dry run only counts.',
        requestBody: { required: true, content: json(redriveRequestSchema) },
        responses: {
          200: { description: 'A dry run: how many they are.', content: json(redriveCountSchema) },
          202: {
            description: 'It is stored, and will be done. Location says where to see how far it has come.',
            headers: z.object({ location: z.string() }),
            content: json(redriveSchema),
          },
          ...problems(400, 401, 413, 415, 422, 500),
        },
      },
    },
    '/redrives/{redriveId}': {
      get: {
        operationId: 'getRedrive',
        summary: 'How far a redrive has come.',
        requestParams: { path: z.object({ redriveId: jobIdSchema }) },
        responses: { 200: { description: 'The redrive.', content: json(redriveSchema) }, ...problems(401, 404, 500) },
      },
    },
    '/complete': {
      post: {
        operationId: 'complete',
        summary: 'A receiver of callbacks to test with: echoes what it gets.',
        description: 'Where it has a secret, the callback has to be signed with it.',
        security: [],
        requestBody: { required: true, content: json(callbackSchema) },
        responses: {
          200: { description: 'The callback.', content: json(z.object({ message: callbackSchema })) },
          ...problems(400, 401, 413, 415, 422, 500),
        },
      },
    },
    '/health': {
      get: {
        operationId: 'health',
        summary: 'Whether the API answers.',
        security: [],
        responses: { 200: { description: 'It does.', content: json(z.object({ status: z.literal('ok') })) } },
      },
    },
    ...docsPaths,
  },
});
