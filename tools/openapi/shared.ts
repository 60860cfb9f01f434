import { STATUS_CODES } from 'node:http';
import { problemSchema } from '@boomerang/core/http/problem-schema.ts';
import * as z from 'zod';

export const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

/** The answers that are problems. */
export const problems = (...statuses: number[]) =>
  Object.fromEntries(
    statuses.map((status) => [
      String(status),
      { description: `${STATUS_CODES[status]}.`, content: { 'application/problem+json': { schema: problemSchema } } },
    ]),
  ) as Record<
    `${4 | 5}${string}`,
    { description: string; content: { 'application/problem+json': { schema: typeof problemSchema } } }
  >;

/** What both APIs say of themselves. */
export const docsPaths = {
  '/openapi.json': {
    get: {
      operationId: 'openapi',
      summary: 'This document.',
      security: [],
      responses: { 200: { description: 'OpenAPI 3.1.', content: json(z.looseObject({ openapi: z.string() })) } },
    },
  },
  '/docs': {
    get: {
      operationId: 'docs',
      summary: 'This document, for people.',
      security: [],
      responses: { 200: { description: 'A page.', content: { 'text/html': { schema: z.string() } } } },
    },
  },
};
