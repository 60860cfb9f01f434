import { readFileSync } from 'node:fs';
import { ROUTES } from '@boomerang/core/http/routes.ts';
import { describe, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { type HttpApiEvent, readTemplate, resourcesOf, routeKeyOf } from '../../local/template.ts';
import { aLog, CLIENT_ID } from '../builders.ts';
import { FIXTURE_JOB_ID } from '../event-expectations.ts';
import { createWorld } from '../function-world.ts';

const OPERATOR = { clientId: uuidv7(), name: 'ops', isOperator: true } as const;
const OTHER = { clientId: uuidv7(), name: 'other' };

/** The routes on a client's jobs and redrives. */
const routes = ROUTES.service.filter((route) => /^\w+ \/(?:jobs|redrives)\b/.test(route));

/** The folder of the function that handles a route, according to the template. */
const functionOf = (route: string): string => {
  for (const [, { Properties }] of resourcesOf(readTemplate('template.yaml'), 'AWS::Serverless::Function')) {
    const events = Object.values((Properties?.Events ?? {}) as Record<string, HttpApiEvent>);
    const isHandled = events.some(
      (event) => event.Properties.ApiId.Ref === 'ServiceApi' && routeKeyOf(event.Properties) === route,
    );
    if (isHandled) return String(Properties?.CodeUri).replace('functions/', '');
  }
  throw new Error(`${route} has no function`);
};

const send = async (route: string, caller: object, query?: string) => {
  const log = aLog();
  const { invoke } = await createWorld({ authenticate: async () => caller, log });
  const [method] = route.split(' ');
  const isPost = route === 'POST /redrives' || route === 'POST /webhook';
  const pathParameters = {
    ...(route.includes('{jobId}') && { jobId: FIXTURE_JOB_ID }),
    ...(route.includes('{redriveId}') && { redriveId: FIXTURE_JOB_ID }),
  };
  const response = (await invoke(functionOf(route), {
    routeKey: route,
    headers: { 'content-type': 'application/json' },
    requestContext: { http: { method } },
    ...(Object.keys(pathParameters).length > 0 && { pathParameters }),
    ...(isPost && { body: '{"status":"FAILED","dryRun":true}' }),
    ...(query !== undefined && {
      rawQueryString: query,
      queryStringParameters: Object.fromEntries(new URLSearchParams(query)),
    }),
  })) as { statusCode: number; body?: string };
  return { ...response, json: JSON.parse(response.body ?? 'null') as object, log };
};

describe.each(routes)('%s', (route) => {
  test('answers an operator that names a client in the same way as the client itself', async () => {
    const toClient = await send(route, { clientId: CLIENT_ID, name: 'test' });
    const toOperator = await send(route, OPERATOR, `clientId=${CLIENT_ID}`);
    expect(toOperator.statusCode).toBe(toClient.statusCode);
    expect(toOperator.json).toEqual(toClient.json);
  });

  test('logs an operator acting for a client once, with both ids', async () => {
    const { log } = await send(route, OPERATOR, `clientId=${CLIENT_ID}`);
    const lines = log.lines.filter(({ message }) => message === 'Operator acted for client');
    const data = {
      operatorId: OPERATOR.clientId,
      clientId: CLIENT_ID,
      route,
      ...(route.includes('{jobId}') && { jobId: FIXTURE_JOB_ID }),
      ...(route.includes('{redriveId}') && { redriveId: FIXTURE_JOB_ID }),
    };
    expect(lines).toEqual([{ level: 'info', message: 'Operator acted for client', data }]);
  });

  test.each([
    ['its own id', OTHER.clientId],
    ['the id of a client', CLIENT_ID],
    ['an unknown id', uuidv7()],
    ['an invalid id', 'x y'],
  ])('refuses clientId from any other caller with 403: %s', async (_case, clientId) => {
    const { statusCode, json, log } = await send(route, OTHER, `clientId=${encodeURIComponent(clientId)}`);
    expect(statusCode).toBe(403);
    expect(json).toMatchObject({ detail: 'Only operators may use clientId.' });
    expect(log.lines).toEqual([]);
  });

  test('refuses an invalid client id from an operator', async () => {
    for (const clientId of ['', 'a,b', '../x', 'x'.repeat(37)]) {
      const { statusCode, json } = await send(route, OPERATOR, `clientId=${encodeURIComponent(clientId)}`);
      expect(statusCode).toBe(422);
      expect(json).toMatchObject({ errors: [{ pointer: '/clientId', message: 'Must be a client id' }] });
    }
  });

  test('shows an operator only its own jobs if clientId is absent or its own', async () => {
    for (const query of [undefined, `clientId=${OPERATOR.clientId}`]) {
      const { statusCode, json, log } = await send(route, OPERATOR, query);
      if (route.includes('{')) expect(statusCode).toBe(404);
      else expect(JSON.stringify(json)).not.toContain(FIXTURE_JOB_ID);
      expect(log.lines.map(({ message }) => message)).not.toContain('Operator acted for client');
    }
  });
});

test('the OpenAPI document describes clientId for these routes only', () => {
  const { paths } = JSON.parse(readFileSync('docs/openapi/service.json', 'utf8')) as {
    paths: Record<string, Record<string, { parameters?: { name: string }[]; responses: object }>>;
  };
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { parameters = [], responses }]) =>
      parameters.some(({ name }) => name === 'clientId') && Object.hasOwn(responses, '403')
        ? `${method.toUpperCase()} ${path}`
        : [],
    ),
  );
  expect(
    [
      ...routes.filter((route) => !described.includes(route)).map((route) => `${route} lacks the query forClient()`),
      ...described
        .filter((route) => !routes.some((one) => one === route))
        .map((route) => `${route} does not take clientId`),
    ].map((problem) => `tools/openapi/service-api.ts: ${problem}`),
  ).toEqual([]);
});

test('POST /webhook takes no clientId: an operator posts only its own jobs', async () => {
  const { statusCode, json } = await send('POST /webhook', OPERATOR, `clientId=${CLIENT_ID}`);
  expect(statusCode).toBe(422);
  expect(json).toMatchObject({ errors: [{ pointer: '/clientId', message: 'Unknown query parameter' }] });
});
