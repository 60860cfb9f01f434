import { STATUS_CODES } from 'node:http';
import { problemSchema } from '@boomerang/core/http/problem-schema.ts';
import * as z from 'zod';

export const json = <T extends z.ZodType>(schema: T, example?: unknown) => ({
  'application/json': { schema, ...(example !== undefined && { example }) },
});

const problemContent = { 'application/problem+json': { schema: problemSchema } };

/** Why an operation answers with a problem, where that is not plain from the status. */
const DESCRIPTIONS: Record<number, string> = {
  400: 'The body is empty, not UTF-8 or not JSON.',
  401: 'The API key is missing, unknown or revoked.',
  404: 'There is no such thing, or it belongs to another client.',
  413: 'The body is larger than the limit.',
  415: 'The body is not declared as JSON, or it is compressed.',
  422: 'The request is well-formed, but not valid: `errors` names each wrong field. Unknown query parameters count as such.',
  500: 'Our own fault. It is safe to try again.',
};

const problemResponse = (status: number) => ({
  description: DESCRIPTIONS[status] ?? `${STATUS_CODES[status]}.`,
  content: problemContent,
});

type ProblemResponse = ReturnType<typeof problemResponse>;

/** The answers that are problems. */
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
  .meta({ id: 'GatewayError', description: 'What API Gateway answers by itself.' });

const unavailable = (description: string) => ({
  description,
  headers: z.object({ 'retry-after': retryAfter }),
  content: { ...problemContent, ...json(gatewayErrorSchema) },
});

/** A conflict that passes by itself: the job is being worked on. */
export const conflict = (description: string) => ({
  409: { description, headers: z.object({ 'retry-after': retryAfter }), content: problemContent },
});

/** What any operation may answer, by the gateway in front of it or in an outage. */
export const always = {
  ...problems(422, 500),
  429: unavailable('Too many requests: throttled by API Gateway, or over the rate of this client.'),
  503: unavailable('Not available for now.'),
};

/** What both APIs say of themselves. */
export const docsPaths = {
  '/openapi.json': {
    get: {
      operationId: 'getOpenApi',
      tags: ['Operation'],
      summary: 'This document',
      description: 'As it is served, it names the providers of this deployment.',
      security: [],
      responses: {
        200: { description: 'OpenAPI 3.1.', content: json(z.looseObject({ openapi: z.string() })) },
        ...always,
      },
    },
  },
  '/docs': {
    get: {
      operationId: 'getDocs',
      tags: ['Operation'],
      summary: 'This document, for people',
      description: 'One page of HTML without scripts.',
      security: [],
      responses: { 200: { description: 'A page.', content: { 'text/html': { schema: z.string() } } }, ...always },
    },
  },
};
