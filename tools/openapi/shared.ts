import { STATUS_CODES } from 'node:http';
import { problemSchema } from '@boomerang/core/http/problem-schema.ts';
import * as z from 'zod';

export const json = <T extends z.ZodType>(schema: T, example?: unknown) => ({
  'application/json': { schema, ...(example !== undefined && { example }) },
});

const problemContent = { 'application/problem+json': { schema: problemSchema } };

/** Descriptions of problems. Other statuses are described by their reason phrase. */
const DESCRIPTIONS: Record<number, string> = {
  400: 'The body is empty, not UTF-8 or not JSON.',
  401: 'The API key is missing, unknown or revoked.',
  403: 'The caller is not an operator. Only operators may send `clientId` or list clients.',
  404: 'Not found, or it belongs to another client.',
  413: 'The body is larger than the limit.',
  415: 'The Content-Type is not JSON, or the body is compressed.',
  422: 'The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid.',
  500: 'Internal error. It is safe to retry.',
};

const problemResponse = (status: number) => ({
  description: DESCRIPTIONS[status] ?? `${STATUS_CODES[status]}.`,
  content: problemContent,
});

type ProblemResponse = ReturnType<typeof problemResponse>;

/** Problem responses (RFC 9457) for these statuses. */
export const problems = (...statuses: number[]) =>
  Object.fromEntries(statuses.map((status) => [String(status), problemResponse(status)])) as Record<
    `${4 | 5}${string}`,
    ProblemResponse
  >;

const retryAfter = z
  .string()
  .regex(/^\d+$/)
  .optional()
  .meta({ description: 'Seconds to wait before the next request.', examples: ['5'] });

const gatewayErrorSchema = z
  .object({ message: z.string() })
  .meta({ id: 'GatewayError', description: 'An error response of API Gateway itself.' });

const unavailable = (description: string) => ({
  description,
  headers: z.object({ 'retry-after': retryAfter }),
  content: { ...problemContent, ...json(gatewayErrorSchema) },
});

/** A 409 response. With Retry-After, the conflict is temporary: the job is in progress. */
export const conflict = (description: string) => ({
  409: { description, headers: z.object({ 'retry-after': retryAfter }), content: problemContent },
});

/** Responses of every operation, including those of API Gateway and during outages. */
export const always = {
  ...problems(422, 500),
  429: unavailable('Too many requests: throttled by API Gateway, or above the rate of this client.'),
  503: unavailable('Temporarily unavailable.'),
};

/** Responses with a file that changes only with a deployment: compressed if the client accepts gzip; 304 if the client has it. */
const cached = (description: string, content: object) => ({
  200: {
    description,
    headers: z.object({
      etag: z.string().meta({ description: 'Changes whenever the file changes.' }),
      vary: z.literal('accept-encoding'),
    }),
    content,
  },
  304: { description: 'Not modified: the client has this version.' },
});

const cacheHeaders = z.object({
  'if-none-match': z
    .string()
    .optional()
    .meta({
      description: 'The `etag` of the version that the client has.',
      examples: ['W/"5eb63bbbe01eeed093cb22bb8f5acdc3"'],
    }),
});

/** The documentation routes of both APIs. */
export const docsPaths = {
  '/openapi.json': {
    get: {
      operationId: 'getOpenApi',
      tags: ['Operation'],
      summary: 'This document',
      description: 'The document lists the providers of this deployment.',
      security: [],
      requestParams: { header: cacheHeaders },
      responses: { ...cached('OpenAPI 3.1.', json(z.looseObject({ openapi: z.string() }))), ...always },
    },
  },
  '/docs': {
    get: {
      operationId: 'getDocs',
      tags: ['Operation'],
      summary: 'This document as a page',
      description: 'A page that shows the document, and sends requests to this API.',
      security: [],
      requestParams: { header: cacheHeaders },
      responses: { ...cached('The page.', { 'text/html': { schema: z.string() } }), ...always },
    },
  },
  '/docs/{asset}': {
    get: {
      operationId: 'getDocsAsset',
      tags: ['Operation'],
      summary: 'The script of that page',
      description: 'The page contains its name, which changes with its content.',
      security: [],
      requestParams: {
        path: z.object({
          asset: z
            .string()
            .meta({ description: 'From the page of `GET /docs`.', examples: ['rapidoc-9.3.8-0123456789abcdef.js'] }),
        }),
        header: cacheHeaders,
      },
      responses: {
        ...cached('The script.', { 'text/javascript': { schema: z.string() } }),
        ...always,
        ...problems(404),
      },
    },
  },
};
