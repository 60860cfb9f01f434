import { jobPageSchema, jobSchema } from '@boomerang/core/http/job-schema.ts';
import { VERSION } from '@boomerang/core/version.ts';
import * as z from 'zod';
import { createDocument } from 'zod-openapi';
import { callbackSchema } from '../../functions/complete/schema.ts';
import { jobIdSchema, jobQuerySchema } from '../../functions/job-read/schema.ts';
import { acceptedSchema, createWebhookSchema, webhookHeadersSchema } from '../../functions/webhook/schema.ts';
import { docsPaths, json, problems } from './shared.ts';

const rules = { allowHttp: false, exceptions: { networks: [], hosts: new Set<string>() } };
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
          ...problems(400, 401, 413, 415, 422, 500),
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
        requestParams: { path: z.object({ jobId: jobIdSchema }) },
        responses: { 200: { description: 'The job.', content: json(jobSchema) }, ...problems(401, 404, 500) },
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
