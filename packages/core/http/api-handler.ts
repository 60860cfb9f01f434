import { isUtf8 } from 'node:buffer';
import middy from '@middy/core';
import httpHeaderNormalizer from '@middy/http-header-normalizer';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import * as z from 'zod';
import { cutText } from '../domain/text.ts';
import type { Log } from '../observability/logger.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import { createAuthenticationFailures } from './authentication-failures.ts';
import { parseJson } from './parse-json.ts';
import { type FieldError, invalid, Problem, problemBody, Unauthorized } from './problem.ts';

/** The largest request body, where a route says nothing else. */
const MAX_BODY_BYTES = 16 * 1024;

/** An answer: `body` is serialised as JSON, `text` goes out as it is. */
export type ApiResponse = { statusCode: number; headers?: Record<string, string>; body?: unknown; text?: string };

/** What a route takes. Whatever has a schema is validated before the route runs, and nothing else reaches it. */
export type ApiRoute<Body, Query, Head, Who> = {
  /** Who calls, by the Authorization header. It runs first: strangers learn nothing, and cost nothing more. */
  authenticate?: (authorization: string | undefined) => Promise<Who>;
  body?: z.ZodType<Body>;
  /** What the body is, `json` by default. A form reaches its schema as `URLSearchParams`: names may repeat. */
  bodyType?: keyof typeof BODY_TYPES;
  /** Bytes of UTF-8. */
  maxBodyBytes?: number;
  /** Checks the body's text against the headers, before anything parses it. */
  verify?: (bodyText: string, headers: Headers) => Promise<void>;
  /** Its query parameters. Those that it does not name are refused: it has to be strict. None, by default. */
  query?: z.ZodType<Query>;
  /** Those of the headers that the route reads, names in lower case. */
  headers?: z.ZodType<Head>;
  /** Counts requests that are answered 401. */
  metrics?: Pick<Metrics, 'count'>;
};

/** For routes that answer the same whatever is asked of them. */
export const anyQuery = z.unknown();

/** Request headers, names in lower case. */
export type Headers = Readonly<Record<string, string | undefined>>;

/** A request as a route sees it. */
export type ApiRequest<Body, Query, Head, Who> = {
  caller: Who;
  body: Body;
  /** The body as the text it came in. */
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
  options: ApiRoute<Body, Query, Head, Who>,
  route: (request: ApiRequest<Body, Query, Head, Who>) => Promise<ApiResponse>,
): ApiLambda => {
  const { authenticate, body, maxBodyBytes = MAX_BODY_BYTES, verify, query = NO_QUERY, headers } = options;
  const bodyType = BODY_TYPES[options.bodyType ?? 'json'];
  const metrics = options.metrics ?? createMetrics();
  const chain = middy<Event, APIGatewayProxyStructuredResultV2>().use(problems(log, metrics));
  // API Gateway hands over names in lower case (payload format 2.0), SAM local as they were sent.
  chain.use(httpHeaderNormalizer());
  if (authenticate) {
    chain.before(async ({ event }) => {
      event.caller = await authenticate(event.headers.authorization);
    });
  }
  if (body) chain.use(guardBody(bodyType, maxBodyBytes));
  if (verify) chain.before(async ({ event }) => verify(event.bodyText ?? '', event.headers));
  if (body) chain.use(dropBom);
  chain.handler(async (event: Event) => {
    const response = await route({
      caller: event.caller as Who,
      body: (body && validateBody(body, bodyType.parse(event.bodyText ?? ''))) as Body,
      bodyText: event.bodyText ?? '',
      query: validateQuery(query, event) as Query,
      path: event.pathParameters ?? {},
      headers: (headers && validate(headers, event.headers, 'header')) as Head,
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

type BodyType = {
  pattern: RegExp;
  /** What a body of another type is told. */
  rule: string;
  /** @throws Problem 400 or 422 */
  parse: (text: string) => unknown;
  mayBeEmpty: boolean;
};

const BODY_TYPES = {
  json: {
    pattern: /^application\/(?:[\w.+-]+\+)?json(?:\s*;|\s*$)/i,
    rule: 'The body must be JSON, with content-type application/json.',
    parse: parseJson,
    mayBeEmpty: false,
  },
  form: {
    pattern: /^application\/x-www-form-urlencoded(?:\s*;|\s*$)/i,
    rule: 'The body must be a form, with content-type application/x-www-form-urlencoded.',
    parse: (text) => new URLSearchParams(text),
    mayBeEmpty: true,
  },
} as const satisfies Record<string, BodyType>;

/** The body's type, size and encoding, before anything parses it. */
const guardBody = ({ pattern, rule, mayBeEmpty }: BodyType, maxBytes: number): middy.MiddlewareObj<Event> => ({
  before: ({ event }) => {
    const { headers, body = '', isBase64Encoded } = event;
    const type = headers['content-type'] ?? '';
    if (!pattern.test(type)) throw new Problem(415, rule);
    if (!/^(?:identity)?$/i.test(headers['content-encoding']?.trim() ?? '')) {
      throw new Problem(415, 'The body must not be encoded.', { headers: { 'accept-encoding': 'identity' } });
    }
    const encoding = isBase64Encoded ? 'base64' : 'utf8';
    // Before anything is copied.
    if (Buffer.byteLength(body, encoding) > maxBytes) {
      throw new Problem(413, `The body is larger than ${maxBytes} bytes.`);
    }
    const bytes = Buffer.from(body, encoding);
    if (bytes.length === 0 && !mayBeEmpty) throw new Problem(400, 'The body is empty.');
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
  },
};

const NO_QUERY = z.strictObject({});

/**
 * Validates the query. API Gateway joins the values of a repeated parameter by commas, which no schema could tell from a
 * value with a comma: they are refused by the query string itself.
 */
const validateQuery = (schema: z.ZodType, event: APIGatewayProxyEventV2): unknown => {
  if (schema === anyQuery) return undefined;
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const name of new URLSearchParams(event.rawQueryString ?? '').keys())
    (seen.has(name) ? repeated : seen).add(name);
  if (repeated.size > 0) {
    const errors = [...repeated].map((name) => ({ pointer: pointerTo([name]), message: 'Must be given only once' }));
    throw invalid(errors.slice(0, MAX_FIELD_ERRORS));
  }
  return validate(schema, { ...event.queryStringParameters }, 'query parameter');
};

/**
 * Validates a body, for routes that look at it themselves before they refuse it.
 * @throws Problem 422 that names each wrong field
 */
export const validateBody = <Body>(schema: z.ZodType<Body>, value: unknown): Body =>
  validate(schema, value, 'property');

/** @param kind what a name that the schema does not know is called */
const validate = <Value>(schema: z.ZodType<Value>, value: unknown, kind: string): Value => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue) => toFieldErrors(issue, kind));
  throw invalid(errors.slice(0, MAX_FIELD_ERRORS));
};

const MAX_FIELD_ERRORS = 20;
const MAX_KEY_CHARACTERS = 100;

const toFieldErrors = (issue: z.core.$ZodIssue, kind: string): FieldError[] => {
  if (issue.code !== 'unrecognized_keys') return [{ pointer: pointerTo(issue.path), message: issue.message }];
  return issue.keys.map((key) => ({ pointer: pointerTo([...issue.path, key]), message: `Not a known ${kind}` }));
};

/** A JSON pointer (RFC 6901). */
const pointerTo = (path: PropertyKey[]): string =>
  path
    .map((key) => `/${cutText(String(key), MAX_KEY_CHARACTERS).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');

/** Turns errors into problems, and logs those that are our own, and those of strangers. */
const problems = (
  log: Log,
  metrics: Pick<Metrics, 'count'>,
): middy.MiddlewareObj<Event, APIGatewayProxyStructuredResultV2> => {
  const recordFailure = createAuthenticationFailures({ log, metrics, now: Date.now });
  return {
    onError: (request) => {
      const problem = toProblem(request.error);
      if (problem.status >= 500) log.error('The request failed', { error: request.error });
      if (problem instanceof Unauthorized) recordFailure(problem, request.event);
      request.response = {
        statusCode: problem.status,
        headers: { ...SAFE_HEADERS, 'content-type': 'application/problem+json', ...problem.headers },
        body: problemBody(problem, request.event.requestContext?.requestId ?? ''),
      };
    },
  };
};

const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  return new Problem(500, 'Something went wrong on our side. It is safe to try again.', { cause: error });
};
