import '../unit/function-environment.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { type HttpApi, type HttpApiConfig, startHttpApi } from '../../local/api-gateway.ts';
import { CORS_ORIGINS } from '../../local/settings.ts';
import { createResolver, readTemplate } from '../../local/template.ts';
import { aLog } from '../builders.ts';

const { createHandler: createFallback } = await import('../../functions/route-fallback/handler.ts');

const template = readTemplate('template.yaml');
const APP = 'https://app.example.com';

const corsOf = (parameters: Record<string, string> = {}) => {
  const bindings = { parameters, ref: (name: string) => name, getAtt: (name: string) => name };
  const properties = template.Resources.ServiceApi?.Properties;
  return createResolver(template, bindings)(properties?.CorsConfiguration) as HttpApiConfig['cors'];
};

const startApi = async (cors: HttpApiConfig['cors']): Promise<HttpApi> => {
  const config = { logicalId: 'Api', port: 0, stageVariables: {}, isAvailable: () => true, maxConcurrent: 10, cors };
  const api = await startHttpApi(config, aLog());
  const invoke = async (_id: string, event: unknown) => {
    const { http } = (event as APIGatewayProxyEventV2).requestContext;
    return { statusCode: 200, headers: { etag: '"1"' }, body: http.method };
  };
  api.connect([{ method: 'ANY', path: '$default', functionId: 'Fallback' }], { invoke } as never);
  return api;
};

const preflight = (api: HttpApi, origin: string) =>
  fetch(`${api.url}/jobs`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'GET' } });

const corsHeaders = ({ headers }: Response) => [...headers].filter(([name]) => name.startsWith('access-control-'));

describe('the service API with origins', () => {
  let api: HttpApi;
  beforeAll(async () => {
    api = await startApi(corsOf({ CorsOrigins: `${APP},http://localhost:5173` }));
  });
  afterAll(() => api.close());

  test.each([APP, 'http://localhost:5173'])('answers preflights of %s', async (origin) => {
    const response = await preflight(api, origin);
    expect(response.status).toBe(204);
    expect(Object.fromEntries(corsHeaders(response))).toEqual({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET,POST,DELETE',
      'access-control-allow-headers': 'authorization,content-type,idempotency-key,if-none-match',
      'access-control-expose-headers': 'etag,location,retry-after,idempotent-replayed',
      'access-control-max-age': '600',
    });
  });

  test('lets pages of a listed origin read responses', async () => {
    const response = await fetch(`${api.url}/jobs`, { headers: { origin: APP } });
    expect(Object.fromEntries(corsHeaders(response))).toEqual({
      'access-control-allow-origin': APP,
      'access-control-expose-headers': 'etag,location,retry-after,idempotent-replayed',
    });
  });

  test.each(['https://example.com', 'http://app.example.com', `${APP}:8443`, 'https://evil-app.example.com', 'null'])(
    'sends %s no CORS headers',
    async (origin) => {
      const refused = await preflight(api, origin);
      expect(refused.status).toBe(204);
      expect(corsHeaders(refused)).toEqual([]);
      expect(corsHeaders(await fetch(`${api.url}/jobs`, { headers: { origin } }))).toEqual([]);
    },
  );
});

test('the service API allows no origin by default', async () => {
  expect(corsOf()).toBeUndefined();
  const api = await startApi(corsOf());
  try {
    const response = await preflight(api, APP);
    expect(await response.text()).toBe('OPTIONS');
    expect(corsHeaders(response)).toEqual([]);
  } finally {
    await api.close();
  }
});

test('the fallback answers preflights that API Gateway passes on, and refuses other OPTIONS requests', async () => {
  const fallback = createFallback({ log: aLog(), isDisabled: () => false });
  const send = (method: string, headers: Record<string, string>) => {
    const event = {
      rawPath: '/jobs',
      stageVariables: { api: 'service' },
      headers,
      requestContext: { http: { method } },
    };
    return fallback(event as never, {} as Context);
  };
  const headers = { origin: APP, 'access-control-request-method': 'GET' };
  expect(await send('OPTIONS', headers)).toMatchObject({ statusCode: 204 });
  expect(await send('OPTIONS', { origin: APP })).toMatchObject({ statusCode: 405 });
  expect(await send('DELETE', headers)).toMatchObject({ statusCode: 405 });
});

test('npm start and the template accept the same origins', () => {
  const { AllowedPattern } = template.Parameters.CorsOrigins as unknown as { AllowedPattern: string };
  const accepted = ['', APP, `${APP}:8443`, `${APP},http://localhost:5173`, 'http://127.0.0.1:5173'];
  const refused = ['*', 'https://*.example.com', 'http://example.com', `${APP}/`, `${APP}/page`, `${APP},`, `,${APP}`];
  for (const pattern of [new RegExp(AllowedPattern), CORS_ORIGINS]) {
    for (const origins of accepted) expect(origins).toMatch(pattern);
    for (const origins of [...refused, `${APP}, ${APP}`, 'null', 'HTTPS://APP']) expect(origins).not.toMatch(pattern);
  }
});

test('each CORS property name appears once in the template, because SAM would also replace it inside the condition', () => {
  const cors = JSON.stringify(template.Resources.ServiceApi?.Properties?.CorsConfiguration);
  for (const name of ['AllowOrigins', 'AllowHeaders', 'AllowMethods', 'ExposeHeaders', 'MaxAge'])
    expect(cors.split(name)).toHaveLength(2);
  expect(cors).not.toContain('AllowCredentials');
});
