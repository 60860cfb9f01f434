import { isUtf8 } from 'node:buffer';
import middy from '@middy/core';
import httpHeaderNormalizer from '@middy/http-header-normalizer';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type * as z from 'zod';
import { cutText } from '../domain/text.ts';
import type { Log } from '../observability/logger.ts';
import { type FieldError, invalid, Problem, problemBody } from './problem.ts';

/** The largest request body, where a route says nothing else. */
const MAX_BODY_BYTES = 16 * 1024;

/** An answer: `body` is serialised as JSON, `text` goes out as it is. */
export type ApiResponse = { statusCode: number; headers?: Record<string, string>; body?: unknown; text?: string };

/** What a route takes. Whatever has a schema is validated before the route runs, and nothing else reaches it. */
export type ApiRoute<Body, Query, Head, Who> = {
  /** Who calls, by the Authorization header. It runs first: strangers learn nothing, and cost nothing more. */
  authenticate?: (authorization: string | undefined) => Promise<Who>;
  body?: z.ZodType<Body>;
  /** Bytes of UTF-8. */
  maxBodyBytes?: number;
  /** Checks the body's text against the headers, before anything parses it. */
  verify?: (bodyText: string, headers: Headers) => Promise<void>;
  query?: z.ZodType<Query>;
  /** Those of the headers that the route reads, names in lower case. */
  headers?: z.ZodType<Head>;
};

/** Request headers, names in lower case. */
export type Headers = Readonly<Record<string, string | undefined>>;

/** A request as a route sees it. */
export type ApiRequest<Body, Query, Head, Who> = {
  caller: Who;
  body: Body;
  /** The body as the JSON text it came in. */
  bodyText: string;
  query: Query;
  path: Readonly<Record<string, string | undefined>>;
  headers: Head;
  event: APIGatewayProxyEventV2;
};

export type ApiLambda = (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;

/**
 * Wraps a route in the chain that every route of both APIs shares: finds out who calls, checks the body's type and size,
 * parses and validates it, serialises the answer, and turns whatever goes wrong into a problem (RFC 9457). Nothing but
 * problems of known cause reaches the caller in words; the rest is a bare 500, and the log has the cause.
 */
export const apiHandler = <Body = undefined, Query = undefined, Head = undefined, Who = undefined>(
  log: Log,
  { authenticate, body, maxBodyBytes = MAX_BODY_BYTES, verify, query, headers }: ApiRoute<Body, Query, Head, Who>,
  route: (request: ApiRequest<Body, Query, Head, Who>) => Promise<ApiResponse>,
): ApiLambda => {
  const chain = middy<Event, APIGatewayProxyStructuredResultV2>().use(problems(log));
  // API Gateway hands over names in lower case (payload format 2.0), SAM local as they were sent.
  chain.use(httpHeaderNormalizer());
  if (authenticate) {
    chain.before(async ({ event }) => {
      event.caller = await authenticate(event.headers.authorization);
    });
  }
  if (body) chain.use(guardBody(maxBodyBytes));
  if (verify) chain.before(async ({ event }) => verify(event.bodyText ?? '', event.headers));
  if (body) chain.use(dropBom).use(httpJsonBodyParser({ disableContentTypeCheck: true }));
  chain.handler(async (event: Event) => {
    const response = await route({
      caller: event.caller as Who,
      body: validate(body, event.body) as Body,
      bodyText: event.bodyText ?? '',
      query: validate(query, event.queryStringParameters ?? {}) as Query,
      path: event.pathParameters ?? {},
      headers: validate(headers, event.headers) as Head,
      event,
    });
    const text = response.text ?? (response.body === undefined ? undefined : JSON.stringify(response.body));
    return {
      statusCode: response.statusCode,
      headers: {
        ...SAFE_HEADERS,
        ...(text !== undefined && { 'content-type': 'application/json' }),
        ...response.headers,
      },
      ...(text !== undefined && { body: text }),
    };
  });
  return chain as unknown as ApiLambda;
};

/** What every answer says to browsers and caches (OWASP REST Security Cheat Sheet, "Security headers"). */
const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000',
  'x-content-type-options': 'nosniff',
};

type Event = APIGatewayProxyEventV2 & { bodyText?: string; caller?: unknown };

/** The body's type, size and encoding, before anything parses it. */
const guardBody = (maxBytes: number): middy.MiddlewareObj<Event> => ({
  before: ({ event }) => {
    const { headers, body = '', isBase64Encoded } = event;
    const type = headers['content-type'] ?? '';
    if (!/^application\/(?:[\w.+-]+\+)?json(?:\s*;|\s*$)/i.test(type)) {
      throw new Problem(415, 'The body has to be JSON, with content-type application/json.');
    }
    if (!/^(?:identity)?$/i.test(headers['content-encoding']?.trim() ?? '')) {
      throw new Problem(415, 'The body must not be encoded.', { headers: { 'accept-encoding': 'identity' } });
    }
    const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
    if (bytes.length > maxBytes) throw new Problem(413, `The body is larger than ${maxBytes} bytes.`);
    if (bytes.length === 0) throw new Problem(400, 'The body is empty.');
    if (!isUtf8(bytes)) throw new Problem(400, 'The body is not UTF-8.');
    event.bodyText = bytes.toString('utf8');
  },
});

/** A byte order mark is no part of JSON, and parsers may ignore it (RFC 8259 §8.1); a signature covers it. */
const dropBom: middy.MiddlewareObj<Event> = {
  before: ({ event }) => {
    if (!event.bodyText?.startsWith('\uFEFF')) return;
    event.bodyText = event.bodyText.slice(1);
    if (event.bodyText === '') throw new Problem(400, 'The body is empty.');
    Object.assign(event, { body: event.bodyText, isBase64Encoded: false });
  },
};

const validate = (schema: z.ZodType | undefined, value: unknown): unknown => {
  const parsed = schema?.safeParse(value);
  if (!parsed || parsed.success) return parsed?.data;
  const errors = parsed.error.issues.flatMap(toFieldErrors);
  throw invalid(errors.slice(0, MAX_FIELD_ERRORS));
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
    .map((key) => `/${cutText(String(key), MAX_KEY_CHARACTERS).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');

/** Turns errors into problems, and logs the ones that are our own. */
const problems = (log: Log): middy.MiddlewareObj<Event, APIGatewayProxyStructuredResultV2> => ({
  onError: (request) => {
    const problem = toProblem(request.error);
    if (problem.status >= 500) log.error('The request failed', { error: request.error });
    request.response = {
      statusCode: problem.status,
      headers: { ...SAFE_HEADERS, 'content-type': 'application/problem+json', ...problem.headers },
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
