import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { percentDecoded } from '@boomerang/core/domain/text.ts';
import { compareSpecificity } from '@boomerang/core/http/routes.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { isForThisMachine } from './host-header.ts';
import { type Listening, listen } from './http-server.ts';
import type { Lambda } from './lambda.ts';

/** A route of an HTTP API, as in the template's events. The fallback has method `ANY` and path `$default`. */
export type Route = { method: string; path: string; functionId: string };

export type HttpApiConfig = {
  logicalId: string;
  port: number;
  stageVariables: Record<string, string>;
  cors:
    | (Partial<Record<'AllowOrigins' | 'AllowMethods' | 'AllowHeaders' | 'ExposeHeaders', string[]>> & {
        MaxAge?: number;
      })
    | undefined;
  /** Whether the table that a function needs is reachable. If not, its routes answer 503. */
  isAvailable: (functionId: string) => boolean;
  /** Maximum number of requests that one function works on at a time. More are answered 503. */
  maxConcurrent: number;
};

export type HttpApi = Listening & {
  /** Connects the API to its functions. Until then it answers 503. */
  connect: (routes: Route[], lambda: Lambda) => void;
};

/** Maximum payload of HTTP APIs (API Gateway quotas). */
const MAX_PAYLOAD_BYTES = 10 * 1024 * 1024;
/** Maximum integration timeout of HTTP APIs (API Gateway quotas). */
const INTEGRATION_TIMEOUT_MS = 30_000;

/** Starts an HTTP server that turns requests into API Gateway events (payload format 2.0), and invokes functions. */
export const startHttpApi = async (config: HttpApiConfig, log: Log): Promise<HttpApi> => {
  let routes: Route[] = [];
  let lambda: Lambda | undefined;
  const concurrency = createConcurrency(config.maxConcurrent);
  const server = createServer((request, response) => {
    serve(config, concurrency, routes, lambda, request, response).catch((error: unknown) => {
      log.error('API request failed', { api: config.logicalId, error });
      sendMessage(response, 500, 'Internal Server Error');
    });
  });
  const listening = await listen(server, config.port);
  return {
    ...listening,
    connect: (newRoutes, newLambda) => {
      routes = newRoutes.toSorted((a, b) => compareSpecificity(a.path, b.path));
      lambda = newLambda;
    },
  };
};

type Concurrency = ReturnType<typeof createConcurrency>;

/** Counts the invocations of each function, as Lambda does for its reserved concurrency. */
const createConcurrency = (max: number) => {
  const running = new Map<string, number>();
  return {
    isAtLimit: (functionId: string): boolean => (running.get(functionId) ?? 0) >= max,
    run: async <T>(functionId: string, invocation: () => Promise<T>): Promise<T> => {
      running.set(functionId, (running.get(functionId) ?? 0) + 1);
      try {
        return await invocation();
      } finally {
        running.set(functionId, (running.get(functionId) ?? 0) - 1);
      }
    },
  };
};

const serve = async (
  config: HttpApiConfig,
  concurrency: Concurrency,
  routes: Route[],
  lambda: Lambda | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  if (!isForThisMachine(request.headers)) return sendMessage(response, 421, 'Misdirected Request');
  setCorsHeaders(config, request, response);
  const { method = 'GET' } = request;
  if (config.cors && method === 'OPTIONS' && request.headers.origin !== undefined)
    return void response.writeHead(204).end();
  const body = await readBody(request);
  if (body === undefined) return sendMessage(response, 413, 'Request Entity Too Large');
  const [rawPath = '/', ...query] = (request.url ?? '/').split('?');
  const match = findRoute(routes, method, rawPath);
  if (!lambda) return sendUnavailable(response);
  if (!match) return sendMessage(response, 404, 'Not Found');
  const { functionId } = match.route;
  if (!config.isAvailable(functionId)) return sendUnavailable(response);
  // Beyond its capacity the process would queue requests, and answer all of them late.
  if (concurrency.isAtLimit(functionId)) return sendUnavailable(response, BUSY_RETRY_AFTER_SECONDS);
  const event = toEvent(config, match, request, rawPath, query.join('?'), body);
  const { invoke } = lambda;
  const result = await withinTimeout(concurrency.run(functionId, () => invoke(functionId, event)));
  const answer = result as APIGatewayProxyStructuredResultV2 | undefined;
  // A 500 while the table is down is caused by the outage, so it becomes a 503.
  if (!answer || (answer.statusCode === 500 && !config.isAvailable(functionId))) return sendUnavailable(response);
  send(response, answer);
};

/** Retry-After while the database is down. */
const OUTAGE_RETRY_AFTER_SECONDS = 5;
/** Retry-After while a function is busy. Its requests take well under a second. */
const BUSY_RETRY_AFTER_SECONDS = 1;

const sendUnavailable = (response: ServerResponse, retryAfterSeconds = OUTAGE_RETRY_AFTER_SECONDS): void => {
  response.setHeader('retry-after', retryAfterSeconds);
  sendMessage(response, 503, 'Service Unavailable');
};

/** Answers as API Gateway itself does: JSON with a `message`. */
const sendMessage = (response: ServerResponse, status: number, message: string): void => {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
};

/** @returns undefined after the integration timeout */
const withinTimeout = async (invocation: Promise<unknown>): Promise<unknown> => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), INTEGRATION_TIMEOUT_MS);
  try {
    return await Promise.race([invocation, promise]);
  } finally {
    clearTimeout(timer);
  }
};

/** @returns undefined if the body is too large; the rest is read and discarded */
const readBody = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MAX_PAYLOAD_BYTES) chunks.push(chunk);
  }
  return length > MAX_PAYLOAD_BYTES ? undefined : Buffer.concat(chunks);
};

type Match = { route: Route; parameters: Record<string, string> };

const findRoute = (routes: Route[], method: string, path: string): Match | undefined => {
  for (const route of routes) {
    if (route.path === '$default' || (route.method !== 'ANY' && route.method !== method)) continue;
    const parameters = matchPath(route.path, path);
    if (parameters) return { route, parameters };
  }
  const fallback = routes.find((route) => route.path === '$default');
  return fallback && { route: fallback, parameters: {} };
};

const matchPath = (pattern: string, path: string): Record<string, string> | undefined => {
  const patternParts = pattern.split('/');
  const pathParts = path.split('/');
  if (patternParts.length !== pathParts.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of patternParts.entries()) {
    const value = pathParts[index] ?? '';
    if (part.startsWith('{') && value !== '') parameters[part.slice(1, -1)] = percentDecoded(value);
    else if (part !== value) return undefined;
  }
  return parameters;
};

const TEXT_TYPES = /^(?:text\/|application\/(?:[\w.+-]+\+)?(?:json|xml)|application\/javascript)/i;

const toEvent = (
  { logicalId, stageVariables }: HttpApiConfig,
  { route, parameters }: Match,
  request: IncomingMessage,
  rawPath: string,
  rawQueryString: string,
  body: Buffer,
): APIGatewayProxyEventV2 => {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  );
  const isText = isUtf8(body) && TEXT_TYPES.test(headers['content-type'] ?? '');
  const query = new URLSearchParams(rawQueryString);
  const names = [...new Set(query.keys())];
  const now = new Date();
  return {
    version: '2.0',
    routeKey: route.path === '$default' ? '$default' : `${route.method} ${route.path}`,
    rawPath,
    rawQueryString,
    headers,
    ...(names.length > 0 && {
      queryStringParameters: Object.fromEntries(names.map((name) => [name, query.getAll(name).join(',')])),
    }),
    ...(Object.keys(parameters).length > 0 && { pathParameters: parameters }),
    stageVariables,
    requestContext: {
      accountId: '000000000000',
      apiId: logicalId,
      domainName: headers.host ?? '',
      domainPrefix: logicalId,
      http: {
        method: request.method ?? 'GET',
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: route.path,
      stage: '$default',
      time: now.toISOString(),
      timeEpoch: now.getTime(),
    },
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
};

const send = (response: ServerResponse, result: APIGatewayProxyStructuredResultV2): void => {
  const { statusCode = 200, headers = {}, body = '', isBase64Encoded = false } = result;
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) response.setHeader(name, String(value));
  }
  response.writeHead(statusCode, { 'content-length': bytes.length }).end(bytes);
};

const setCorsHeaders = ({ cors }: HttpApiConfig, request: IncomingMessage, response: ServerResponse): void => {
  const { origin } = request.headers;
  if (!cors || origin === undefined) return;
  const { AllowOrigins = [] } = cors;
  if (AllowOrigins.includes('*')) response.setHeader('access-control-allow-origin', '*');
  else if (AllowOrigins.includes(origin)) response.setHeader('access-control-allow-origin', origin);
  else return;
  if (cors.ExposeHeaders) response.setHeader('access-control-expose-headers', cors.ExposeHeaders.join(','));
  if (request.method !== 'OPTIONS') return;
  response.setHeader('access-control-allow-methods', cors.AllowMethods?.join(',') ?? '*');
  response.setHeader('access-control-allow-headers', cors.AllowHeaders?.join(',') ?? '*');
  if (cors.MaxAge !== undefined) response.setHeader('access-control-max-age', cors.MaxAge);
};
