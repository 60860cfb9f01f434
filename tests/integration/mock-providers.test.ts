import '../unit/function-environment.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import * as oauth from 'oauth4webapi';
import { bills, DEFAULT_GAS_ACCOUNT } from '../../functions/providers/bills.ts';
import { type HttpApi, startHttpApi } from '../../local/api-gateway.ts';
import { type HttpApiEvent, readTemplate } from '../../local/template.ts';
import { aLog } from '../builders.ts';
import { contractOf } from '../e2e/contract.ts';

/** A secret that must be escaped in HTTP Basic and in forms. */
const SECRET = 'a secret: 100 % of + & = é';

const { createHandler } = await import('../../functions/providers/handler.ts');
const { createHandler: createFallback } = await import('../../functions/route-fallback/handler.ts');

const functions: Record<string, (event: APIGatewayProxyEventV2, context: Context) => Promise<unknown>> = {
  ProvidersFunction: createHandler({
    log: aLog(),
    random: Math.random,
    now: Date.now,
    sleep,
    failureRate: 0,
    latencyMs: 0,
    maintenance: undefined,
    clientSecret: SECRET,
  }),
  RouteFallbackFunction: createFallback({ log: aLog(), isDisabled: () => false }),
};

const template = readTemplate('template.yaml');

/** The routes of these functions in the template. */
const routes = Object.keys(functions).flatMap((functionId) => {
  const events = template.Resources[functionId]?.Properties?.Events as Record<string, HttpApiEvent>;
  return Object.values(events)
    .filter(({ Properties }) => Properties.ApiId.Ref === 'ProvidersApi')
    .map(({ Properties: { Method, Path } }) => ({ method: Method, path: Path, functionId }));
});

let api: HttpApi;
let call: ReturnType<typeof contractOf>;

beforeAll(async () => {
  const properties = template.Resources.ProvidersApi?.Properties ?? {};
  const config = {
    logicalId: 'ProvidersApi',
    port: 0,
    stageVariables: properties.StageVariables as Record<string, string>,
    cors: properties.CorsConfiguration as Record<string, string[]>,
  };
  api = await startHttpApi({ ...config, isAvailable: () => true, maxConcurrent: Number.POSITIVE_INFINITY }, aLog());
  const invoke = async (id: string, event: unknown) => functions[id]?.(event as APIGatewayProxyEventV2, {} as Context);
  api.connect(routes, { invoke });
  call = contractOf('providers', api.url);
});

afterAll(() => api.close());

describe('the mock providers behind the embedded API', () => {
  test.each([undefined, '1', '2', '200'])(
    'page through the bills of a gas account by cursor, with size=%s',
    async (size) => {
      const found: unknown[] = [];
      let pages = 0;
      for (let cursor: string | null = ''; cursor !== null; pages += 1) {
        const query = new URLSearchParams({ ...(size && { size }), ...(cursor && { cursor }) });
        const response = await call(`/providers/gas/accounts/${DEFAULT_GAS_ACCOUNT}/bills?${query}`);
        const { data, meta } = (await response.json()) as { data: unknown[]; meta: { next: string | null } };
        found.push(...data);
        cursor = meta.next;
      }
      expect(found).toEqual(bills.get('gas'));
      expect(pages).toBe(Number(size ?? 1) === 1 ? 2 : 1);
    },
  );

  test('page through internet bills by relative Link headers', async () => {
    const found: unknown[] = [];
    let pages = 0;
    for (let path: string | undefined = '/providers/internet/bills'; path !== undefined; pages += 1) {
      const response: Response = await call(path);
      found.push(...((await response.json()) as unknown[]));
      const next = /^<([^>]*)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
      const url: URL | undefined = next === undefined ? undefined : new URL(next, response.url);
      path = url && `${url.pathname}${url.search}`;
    }
    expect([found, pages]).toEqual([bills.get('internet'), 2]);
  });

  test.each([
    ['HTTP Basic', oauth.ClientSecretBasic],
    ['form parameters', oauth.ClientSecretPost],
  ])('issue tokens for reports to an OAuth client that authenticates by %s', async (_name, authentication) => {
    const server = { issuer: api.url, token_endpoint: `${api.url}/providers/token` };
    const client = { client_id: 'boomerang' };
    const options = { [oauth.allowInsecureRequests]: true };
    const request = async (secret: string, parameters: Record<string, string> = {}) => {
      const response = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        authentication(secret),
        parameters,
        options,
      );
      return oauth.processClientCredentialsResponse(server, client, response);
    };
    await expect(request('guess')).rejects.toMatchObject({ status: 401 });
    await expect(request(SECRET, { scope: 'bills' })).rejects.toMatchObject({ error: 'invalid_scope', status: 400 });
    const { access_token: token, expires_in: seconds } = await request(SECRET, { scope: 'reports' });
    expect(seconds).toBe(60);

    const authorization = `Bearer ${token}`;
    const ordered = await call('/providers/reports', {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', 'idempotency-key': 'order-1' },
      body: JSON.stringify({ taxId: '0000' }),
    });
    expect(ordered.status).toBe(202);
    const location = ordered.headers.get('location') ?? '';
    let status: unknown;
    const deadline = Date.now() + 10_000;
    do {
      await sleep(100);
      ({ status } = (await (await call(location, { headers: { authorization } })).json()) as { status: unknown });
    } while (status !== 'REJECTED' && Date.now() < deadline);
    expect(status).toBe('REJECTED');
  });

  test('answer other methods with 405 and Allow, and other paths with 404', async () => {
    const statusAndAllow = async (method: string, path: string) => {
      const { status, headers } = await call(path, { method });
      return [status, headers.get('allow')];
    };
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect(await statusAndAllow(method, '/providers/token')).toEqual([405, 'POST']);
      expect(await statusAndAllow(method, '/providers/reports')).toEqual([405, 'POST']);
    }
    expect(await statusAndAllow('POST', '/providers/gas')).toEqual([405, 'GET']);
    expect(await statusAndAllow('POST', '/providers/internet/bills')).toEqual([405, 'GET']);
    expect(await statusAndAllow('GET', '/providers/gas/accounts')).toEqual([404, null]);
    expect(await statusAndAllow('GET', '/providers/reports/')).toEqual([404, null]);
  });

  test('allow cross-origin requests, and expose the response headers that clients need', async () => {
    const origin = 'https://example.com';
    const preflight = await fetch(`${api.url}/providers/reports`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST');
    expect(preflight.headers.get('access-control-allow-headers')?.split(',')).toEqual(['*', 'authorization']);
    const response = await fetch(`${api.url}/providers/internet/bills`, { headers: { origin } });
    expect(response.headers.get('access-control-expose-headers')?.split(',')).toEqual(
      expect.arrayContaining(['link', 'location', 'retry-after']),
    );
  });
});

test('the embedded API chooses the most specific matching route, in any order of routes', async () => {
  const other = await startHttpApi(
    {
      logicalId: 'Api',
      port: 0,
      stageVariables: {},
      cors: undefined,
      isAvailable: () => true,
      maxConcurrent: Number.POSITIVE_INFINITY,
    },
    aLog(),
  );
  const invoke = async (_id: string, event: unknown) => {
    const { routeKey, pathParameters = {} } = event as APIGatewayProxyEventV2;
    return { statusCode: 200, body: JSON.stringify([routeKey, pathParameters]) };
  };
  const similar = ['$default', '/a/{x}', '/{x}/b', '/a/b', '/{x}/{y}'].map((path) => ({
    method: path === '$default' ? 'ANY' : 'GET',
    path,
    functionId: 'Function',
  }));
  const routeOf = async (path: string, method = 'GET') => (await fetch(`${other.url}${path}`, { method })).json();
  for (const order of [similar, similar.toReversed()]) {
    other.connect(order, { invoke });
    expect(await routeOf('/a/b')).toEqual(['GET /a/b', {}]);
    expect(await routeOf('/a/c')).toEqual(['GET /a/{x}', { x: 'c' }]);
    expect(await routeOf('/c/b')).toEqual(['GET /{x}/b', { x: 'c' }]);
    expect(await routeOf('/c/d')).toEqual(['GET /{x}/{y}', { x: 'c', y: 'd' }]);
    expect(await routeOf('/a/b', 'POST')).toEqual(['$default', {}]);
  }
  await other.close();
});
