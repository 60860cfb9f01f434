import { isUtf8 } from 'node:buffer';
import middy from '@middy/core';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type * as z from 'zod';
import type { Log } from '../observability/logger.ts';
import { type FieldError, Problem, problemBody } from './problem.ts';

/** The largest request body, where a route says nothing else. */
const MAX_BODY_BYTES = 16 * 1024;

/** An answer: `body` is serialised as JSON, `text` goes out as it is. */
export type ApiResponse = { statusCode: number; headers?: Record<string, string>; body?: unknown; text?: string };

/** What a route takes. Whatever has a schema is validated before the route runs, and nothing else reaches it. */
export type ApiRoute<Body, Query> = {
  body?: z.ZodType<Body>;
  query?: z.ZodType<Query>;
  /** Bytes of UTF-8. */
  maxBodyBytes?: number;
};

/** A request as a route sees it. */
export type ApiRequest<Body, Query> = {
  body: Body;
  /** The body as the JSON text it came in. */
  bodyText: string;
  query: Query;
  path: Readonly<Record<string, string | undefined>>;
  event: APIGatewayProxyEventV2;
};

export type ApiLambda = (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;

/**
 * Wraps a route in the chain that every route of both APIs shares: checks the body's type and size, parses and validates
 * it, serialises the answer, and turns whatever goes wrong into a problem (RFC 9457). Nothing but problems of known cause
 * reaches the caller in words; the rest is a bare 500, and the log has the cause.
 */
export const apiHandler = <Body = undefined, Query = undefined>(
  log: Log,
  { body, query, maxBodyBytes = MAX_BODY_BYTES }: ApiRoute<Body, Query>,
  route: (request: ApiRequest<Body, Query>) => Promise<ApiResponse>,
): ApiLambda => {
  const chain = middy<Event, APIGatewayProxyStructuredResultV2>().use(problems(log));
  if (body) chain.use(guardBody(maxBodyBytes)).use(httpJsonBodyParser({ disableContentTypeCheck: true }));
  chain.handler(async (event: Event) => {
    const response = await route({
      body: validate(body, event.body) as Body,
      bodyText: event.rawBody ?? '',
      query: validate(query, event.queryStringParameters ?? {}) as Query,
      path: event.pathParameters ?? {},
      event,
    });
    const text = response.text ?? (response.body === undefined ? undefined : JSON.stringify(response.body));
    return {
      statusCode: response.statusCode,
      headers: {
        ...(text !== undefined && { 'content-type': 'application/json' }),
        'cache-control': 'no-store',
        ...response.headers,
      },
      ...(text !== undefined && { body: text }),
    };
  });
  return chain as unknown as ApiLambda;
};

type Event = APIGatewayProxyEventV2 & { rawBody?: string };

/** The body's type, size and encoding, before anything parses it. */
const guardBody = (maxBytes: number): middy.MiddlewareObj<Event> => ({
  before: ({ event }) => {
    const { headers, body = '', isBase64Encoded } = event;
    const type = headers['content-type'] ?? '';
    if (!/^application\/(?:[\w.+-]+\+)?json(?:\s*;|\s*$)/i.test(type)) {
      throw new Problem(415, 'The body has to be JSON, with content-type application/json.');
    }
    const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
    if (bytes.length > maxBytes) throw new Problem(413, `The body is larger than ${maxBytes} bytes.`);
    if (bytes.length === 0) throw new Problem(400, 'The body is empty.');
    if (!isUtf8(bytes)) throw new Problem(400, 'The body is not UTF-8.');
    event.rawBody = bytes.toString('utf8');
  },
});

const validate = (schema: z.ZodType | undefined, value: unknown): unknown => {
  const parsed = schema?.safeParse(value);
  if (!parsed || parsed.success) return parsed?.data;
  const errors = parsed.error.issues.flatMap(toFieldErrors);
  throw new Problem(422, 'The request is well-formed, but not valid.', { errors: errors.slice(0, MAX_FIELD_ERRORS) });
};

const MAX_FIELD_ERRORS = 20;
const MAX_KEY_CHARACTERS = 100;

const toFieldErrors = (issue: z.core.$ZodIssue): FieldError[] => {
  if (issue.code !== 'unrecognized_keys') return [{ pointer: pointerTo(issue.path), message: issue.message }];
  return issue.keys.map((key) => ({ pointer: pointerTo([...issue.path, key]), message: 'Not a known property' }));
};

/** A JSON pointer (RFC 6901). */
const pointerTo = (path: PropertyKey[]): string =>
  path
    .map((key) => `/${String(key).slice(0, MAX_KEY_CHARACTERS).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');

/** Turns errors into problems, and logs the ones that are our own. */
const problems = (log: Log): middy.MiddlewareObj<Event, APIGatewayProxyStructuredResultV2> => ({
  onError: (request) => {
    const problem = toProblem(request.error);
    if (problem.status >= 500) log.error('The request failed', { error: request.error });
    request.response = {
      statusCode: problem.status,
      headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...problem.headers },
      body: problemBody(problem, request.event.requestContext?.requestId ?? ''),
    };
  },
});

/** Properties that the parser refuses, because they could change an object's prototype. */
const FORBIDDEN_KEYS: ReadonlySet<unknown> = new Set(['__proto__', 'constructor']);

const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  // The parser gives one status to all it refuses; ours tell JSON that does not parse from JSON that is not wanted.
  const { cause } = (error ?? {}) as { cause?: { package?: string; data?: unknown; message?: string } };
  if (cause?.package === '@middy/http-json-body-parser') {
    // `data` is the forbidden key; or, beside the parser's message, the whole body.
    if (cause.message !== undefined || !FORBIDDEN_KEYS.has(cause.data))
      return new Problem(400, 'The body is not JSON that parses.');
    return new Problem(422, `The body has a property that is never taken: ${cause.data}.`);
  }
  return new Problem(500, 'Something went wrong on our side. It is safe to try again.', { cause: error });
};
