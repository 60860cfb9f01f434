import { isUtf8 } from 'node:buffer';
import { MIMEType } from 'node:util';
import middy from '@middy/core';
import httpHeaderNormalizer from '@middy/http-header-normalizer';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import * as z from 'zod';
import { cutText, withoutBom } from '../domain/text.ts';
import type { Log } from '../observability/logger.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import type { Caller } from '../ports/clients.ts';
import { ACTS_FOR, actFor } from './act-for.ts';
import { createAuthenticationFailures } from './authentication-failures.ts';
import { toJobProblem } from './job-problem.ts';
import { parseJson } from './parse-json.ts';
import { type FieldError, invalid, Problem, problemBody, Unauthorized } from './problem.ts';

/** The default limit of a request body. */
const MAX_BODY_BYTES = 16 * 1024;

/** A response: `body` is serialised as JSON, `text` is sent verbatim, `base64` is decoded by API Gateway. */
export type ApiResponse = {
  statusCode: number;
  headers?: Record<string, string>;
  body?: unknown;
  text?: string;
  base64?: string;
};

/** The input of a route. Only validated input reaches the route. */
export type ApiRoute<Body, Query, Head, Who> = {
  /** Identifies the caller by the Authorization header. Runs first, before the body is read. */
  authenticate?: (authorization: string | undefined) => Promise<Who>;
  /**
   * Lets an operator act for the client that the query parameter `clientId` names: the route gets a caller with that id. For
   * every route on a client's jobs or redrives.
   */
  actsFor?: Who extends Caller ? true : never;
  body?: z.ZodType<Body>;
  /** The format of the body, `json` by default. A form is validated as `URLSearchParams`, because names may repeat. */
  bodyType?: keyof typeof BODY_TYPES;
  /** Limit in UTF-8 bytes. */
  maxBodyBytes?: number;
  /** Verifies the raw body against the headers before it is parsed, for example its signature. */
  verify?: (bodyText: string, headers: Headers) => Promise<void>;
  /** Query parameters, as a strict schema: unknown parameters are rejected. None by default. */
  query?: z.ZodType<Query>;
  /** The headers that the route reads, names in lower case. */
  headers?: z.ZodType<Head>;
  /** Counts 401 responses. */
  metrics?: Pick<Metrics, 'count'>;
};

/** For routes that ignore their query. */
export const anyQuery = z.unknown();

/** Request headers, names in lower case. */
export type Headers = Readonly<Record<string, string | undefined>>;

/** A validated request. */
export type ApiRequest<Body, Query, Head, Who> = {
  caller: Who;
  body: Body;
  /** The raw body. */
  bodyText: string;
  query: Query;
  path: Readonly<Record<string, string | undefined>>;
  headers: Head;
  event: APIGatewayProxyEventV2;
};

export type ApiLambda = (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;

/**
 * Wraps a route in the middleware chain of both APIs: authenticates the caller, checks the body's type and size, parses and
 * validates it, serialises the response, and turns errors into problems (RFC 9457). Unexpected errors become a bare 500;
 * their cause is only logged.
 */
export const apiHandler = <Body = undefined, Query = undefined, Head = undefined, Who = undefined>(
  log: Log,
  options: ApiRoute<Body, Query, Head, Who>,
  route: (request: ApiRequest<Body, Query, Head, Who>) => Promise<ApiResponse>,
): ApiLambda => {
  const { authenticate, actsFor, body, maxBodyBytes = MAX_BODY_BYTES, verify, query = NO_QUERY, headers } = options;
  const bodyType = BODY_TYPES[options.bodyType ?? 'json'];
  const metrics = options.metrics ?? createMetrics();
  const chain = middy<Event, APIGatewayProxyStructuredResultV2>().use(problems(log, metrics));
  // API Gateway sends header names in lower case (payload format 2.0); SAM local keeps their original case.
  chain.use(httpHeaderNormalizer());
  if (authenticate) {
    chain.before(async ({ event }) => {
      const caller = await authenticate(event.headers.authorization);
      event.caller = actsFor ? actFor(log, caller as Caller, event) : caller;
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
      query: validateQuery(query, event, actsFor ? [ACTS_FOR] : []) as Query,
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
      ...(response.base64 !== undefined && { body: response.base64, isBase64Encoded: true }),
    };
  });
  return chain as unknown as ApiLambda;
};

/** Headers of every response (OWASP REST Security Cheat Sheet, "Security headers"). */
const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000',
  'x-content-type-options': 'nosniff',
};

type Event = APIGatewayProxyEventV2 & { bodyText?: string; caller?: unknown };

type BodyType = {
  accepts: (type: MIMEType) => boolean;
  /** Problem detail for any other content type. */
  rule: string;
  /** @throws Problem 400 or 422 */
  parse: (text: string) => unknown;
  mayBeEmpty: boolean;
};

const BODY_TYPES = {
  json: {
    accepts: ({ type, subtype }) => type === 'application' && /^(?:.+\+)?json$/.test(subtype),
    rule: 'The body must be JSON, with content-type application/json.',
    parse: parseJson,
    mayBeEmpty: false,
  },
  form: {
    accepts: ({ essence }) => essence === 'application/x-www-form-urlencoded',
    rule: 'The body must be a form, with content-type application/x-www-form-urlencoded.',
    parse: (text) => new URLSearchParams(text),
    mayBeEmpty: true,
  },
} as const satisfies Record<string, BodyType>;

/** @returns undefined for a malformed content type */
const parseContentType = (text: string): MIMEType | undefined => {
  try {
    return new MIMEType(text);
  } catch {
    return undefined;
  }
};

/** Checks the body's type, size and encoding before it is parsed. */
const guardBody = ({ accepts, rule, mayBeEmpty }: BodyType, maxBytes: number): middy.MiddlewareObj<Event> => ({
  before: ({ event }) => {
    const { headers, body = '', isBase64Encoded } = event;
    const type = parseContentType(headers['content-type'] ?? '');
    if (!type || !accepts(type)) throw new Problem(415, rule);
    if (!/^(?:identity)?$/i.test(headers['content-encoding']?.trim() ?? '')) {
      throw new Problem(415, 'The body must not have a content coding.', {
        headers: { 'accept-encoding': 'identity' },
      });
    }
    const encoding = isBase64Encoded ? 'base64' : 'utf8';
    // Checked before it is decoded, which copies it.
    if (Buffer.byteLength(body, encoding) > maxBytes) {
      throw new Problem(413, `The body is larger than ${maxBytes} bytes.`);
    }
    const bytes = Buffer.from(body, encoding);
    if (bytes.length === 0 && !mayBeEmpty) throw new Problem(400, 'The body is empty.');
    if (!isUtf8(bytes)) throw new Problem(400, 'The body is not UTF-8.');
    event.bodyText = bytes.toString('utf8');
  },
});

/** Drops a byte order mark (RFC 8259 §8.1). Runs after `verify`, because a signature covers the mark. */
const dropBom: middy.MiddlewareObj<Event> = {
  before: ({ event }) => {
    if (!event.bodyText?.startsWith('\uFEFF')) return;
    event.bodyText = withoutBom(event.bodyText);
    if (event.bodyText === '') throw new Problem(400, 'The body is empty.');
  },
};

const NO_QUERY = z.strictObject({});

/**
 * Validates the query. Repeated parameters are rejected by the raw query string: API Gateway joins their values with commas,
 * so a schema can't tell them from a single value that contains a comma.
 *
 * @param exempt names of parameters that are not checked by the schema
 */
const validateQuery = (schema: z.ZodType, event: APIGatewayProxyEventV2, exempt: string[]): unknown => {
  if (schema === anyQuery) return undefined;
  const names = [...new URLSearchParams(event.rawQueryString ?? '').keys()];
  const repeated = new Set(names.filter((name, index) => names.indexOf(name) < index));
  if (repeated.size > 0) {
    const errors = [...repeated].map((name) => ({ pointer: pointerTo([name]), message: 'Must not be repeated' }));
    throw invalid(errors.slice(0, MAX_FIELD_ERRORS));
  }
  const parameters = Object.entries({ ...event.queryStringParameters }).filter(([name]) => !exempt.includes(name));
  return validate(schema, Object.fromEntries(parameters), 'query parameter');
};

/**
 * Validates a body, for routes that inspect it before validation.
 * @throws Problem 422 that lists each invalid field
 */
export const validateBody = <Body>(schema: z.ZodType<Body>, value: unknown): Body =>
  validate(schema, value, 'property');

/** @param kind what an unknown key is called in the error: `property`, `header` or `query parameter` */
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
  return issue.keys.map((key) => ({ pointer: pointerTo([...issue.path, key]), message: `Unknown ${kind}` }));
};

/** A JSON pointer (RFC 6901). */
const pointerTo = (path: PropertyKey[]): string =>
  path
    .map((key) => `/${cutText(String(key), MAX_KEY_CHARACTERS).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');

/** Turns errors into problems; logs server errors and failed authentication. */
const problems = (
  log: Log,
  metrics: Pick<Metrics, 'count'>,
): middy.MiddlewareObj<Event, APIGatewayProxyStructuredResultV2> => {
  const recordFailure = createAuthenticationFailures({ log, metrics, now: Date.now });
  return {
    onError: (request) => {
      const problem = toProblem(request.error);
      if (problem.status >= 500) log.error('Request failed', { error: request.error });
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
  return toJobProblem(error) ?? new Problem(500, 'Internal error. It is safe to retry the request.', { cause: error });
};
