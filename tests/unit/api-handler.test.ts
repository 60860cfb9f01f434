import { anyQuery, apiHandler } from '@boomerang/core/http/api-handler.ts';
import { createAuthenticationFailures } from '@boomerang/core/http/authentication-failures.ts';
import { Problem, Unauthorized } from '@boomerang/core/http/problem.ts';
import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import * as z from 'zod';
import { aLog } from '../builders.ts';

type Request = { body?: string | Buffer; type?: string | undefined; query?: string };

/** An API Gateway event; a buffer is sent as base64. */
const anEvent = ({ body, type = 'application/json', query }: Request): APIGatewayProxyEventV2 =>
  ({
    headers: { ...(type !== '' && { 'content-type': type }) },
    requestContext: { requestId: 'request-1' },
    isBase64Encoded: Buffer.isBuffer(body),
    ...(body !== undefined && { body: Buffer.isBuffer(body) ? body.toString('base64') : body }),
    ...(query !== undefined && asQuery(query)),
  }) as APIGatewayProxyEventV2;

/** The query of an API Gateway event: repeated parameters are joined by commas. */
const asQuery = (rawQueryString: string) => {
  const query = new URLSearchParams(rawQueryString);
  const names = [...new Set(query.keys())];
  if (names.length === 0) return { rawQueryString };
  const entries = names.map((name) => [name, query.getAll(name).join(',')]);
  return { rawQueryString, queryStringParameters: Object.fromEntries(entries) as Record<string, string> };
};

const schema = z.strictObject({ name: z.string('Has to be a string'), more: z.unknown().optional() });

/** Sends a request to a route that expects a name and responds with it. */
const call = async (request: Request, route = async (name: string): Promise<object> => ({ name })) => {
  const log = aLog();
  const handler = apiHandler(log, { body: schema }, async ({ body, bodyText }) => ({
    statusCode: 200,
    body: { ...(await route(body.name)), bodyText },
  }));
  const response = await handler(anEvent(request), {} as Context);
  return { ...response, json: JSON.parse(response.body ?? 'null') as Record<string, unknown>, log };
};

const nestedArrays = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000',
  'x-content-type-options': 'nosniff',
};

describe('a valid request', () => {
  test.each([
    'application/json',
    'Application/JSON; charset=utf-8',
    'application/problem+json',
    'application/json ;a=b',
  ])('of type %s reaches its route', async (type) => {
    expect(await call({ body: '{"name":"a"}', type })).toMatchObject({ statusCode: 200, json: { name: 'a' } });
  });

  test('reaches its route unchanged, as text or in base64', async () => {
    const body = '{ "name": "é", "more": 12345678901234567890 }';
    for (const sent of [body, Buffer.from(body)]) expect((await call({ body: sent })).json.bodyText).toBe(body);
  });

  test('may begin with a byte order mark, which is stripped before parsing', async () => {
    for (const body of ['\uFEFF{"name":"é"}', Buffer.from('\uFEFF{"name":"é"}')]) {
      expect(await call({ body })).toMatchObject({ statusCode: 200, json: { name: 'é', bodyText: '{"name":"é"}' } });
    }
  });

  test('has its signature verified with its byte order mark', async () => {
    const verifiedTexts: string[] = [];
    const verify = async (text: string) => void verifiedTexts.push(text);
    const handler = apiHandler(aLog(), { body: schema, verify }, async () => ({ statusCode: 200 }));
    expect((await handler(anEvent({ body: '\uFEFF{"name":"a"}' }), {} as Context)).statusCode).toBe(200);
    expect(verifiedTexts).toEqual(['\uFEFF{"name":"a"}']);
  });

  test('is authenticated by headers in any case', async () => {
    const authenticate = async (authorization: string | undefined) => authorization;
    const headers = z.object({ 'idempotency-key': z.string() });
    const handler = apiHandler(
      aLog(),
      { authenticate, body: schema, headers },
      async ({ caller, headers: requestHeaders }) => ({
        statusCode: 200,
        body: [caller, requestHeaders],
      }),
    );
    const event = anEvent({ body: '{"name":"a"}', type: '' });
    event.headers = { Authorization: 'Bearer x', 'Content-Type': 'application/json', 'Idempotency-Key': 'k' };
    const { body = '' } = await handler(event, {} as Context);
    expect(JSON.parse(body)).toEqual(['Bearer x', { 'idempotency-key': 'k' }]);
  });

  test('may have 16 KiB, and gets 413 beyond', async () => {
    const aBodyOfBytes = (bytes: number) => `{"name":"${'x'.repeat(bytes - '{"name":""}'.length)}"}`;
    expect((await call({ body: aBodyOfBytes(16 * 1024) })).statusCode).toBe(200);
    expect((await call({ body: aBodyOfBytes(16 * 1024 + 1) })).statusCode).toBe(413);
  });

  test('gets a JSON response that is not cached', async () => {
    expect((await call({ body: '{"name":"a"}' })).headers).toEqual({
      'content-type': 'application/json',
      ...SAFE_HEADERS,
    });
  });

  test('may use property names that all objects inherit', async () => {
    expect((await call({ body: '{"name":"a","more":{"constructor":"Renault","toString":1}}' })).statusCode).toBe(200);
  });
});

describe('an invalid request', () => {
  test.each<[string, number, Request]>([
    ['another type', 415, { body: '{"name":"a"}', type: 'text/plain' }],
    ['no type', 415, { body: '{"name":"a"}', type: '' }],
    ['a type that only begins like JSON', 415, { body: '{"name":"a"}', type: 'application/jsonp' }],
    ['too many characters', 413, { body: 'x'.repeat(17 * 1024) }],
    ['too many bytes', 413, { body: JSON.stringify({ name: 'é'.repeat(9_000) }) }],
    ['too many bytes in base64', 413, { body: Buffer.alloc(17 * 1024, 'x') }],
    ['no body', 400, {}],
    ['an empty body', 400, { body: '' }],
    ['only a byte order mark', 400, { body: '\uFEFF' }],
    ['two byte order marks', 400, { body: '\uFEFF\uFEFF{"name":"a"}' }],
    ['a byte order mark within its JSON', 400, { body: '{\uFEFF"name":"a"}' }],
    ['the byte order mark of UTF-16', 400, { body: Buffer.from('\uFEFF{"name":"a"}', 'utf16le') }],
    ['broken JSON', 400, { body: '{' }],
    ['two values', 400, { body: '{}{}' }],
    ['a bare word', 400, { body: 'constructor' }],
    ['a bare word that names a prototype', 400, { body: '__proto__' }],
    ['bytes that are not UTF-8', 400, { body: Buffer.from([0x22, 0xff, 0x22]) }],
    ['an incomplete UTF-8 sequence', 400, { body: Buffer.from([0x22, 0xc3, 0x22]) }],
    ['16,000 unclosed brackets', 400, { body: '['.repeat(16_000) }],
    ['a prototype', 422, { body: '{"name":"a","__proto__":{"isAdmin":true}}' }],
    ['a nested prototype', 422, { body: '{"name":"a","more":[{"__proto__":null}]}' }],
    ['a prototype through a constructor', 422, { body: '{"name":"a","more":{"constructor":{"prototype":{}}}}' }],
    ['null', 422, { body: 'null' }],
    ['a list', 422, { body: '[]' }],
    ['a number for a name', 422, { body: '{"name":1}' }],
  ])('with %s gets %i and a problem that names the request', async (_name, status, request) => {
    const { statusCode, headers, json } = await call(request);
    expect(statusCode).toBe(status);
    expect(headers).toMatchObject({ 'content-type': 'application/problem+json', ...SAFE_HEADERS });
    expect(json).toMatchObject({
      type: 'about:blank',
      title: expect.stringMatching(/^[A-Z]/),
      status,
      detail: expect.stringMatching(/\.$/),
      instance: 'request-1',
    });
  });

  test.each([100, 1_000, 8_000])('nested %i levels deep never causes a 5xx', async (depth) => {
    for (const body of [
      nestedArrays(depth),
      `{"name":${nestedArrays(depth)}}`,
      `{"name":"a","more":${nestedArrays(depth)}}`,
    ]) {
      expect((await call({ body: body.slice(0, 16 * 1024) })).statusCode).toBeLessThan(500);
    }
  });

  test('gets an error for every invalid field, with its JSON Pointer', async () => {
    const { json } = await call({ body: '{"name":1,"a/b~c":2}' });
    expect(json.errors).toEqual([
      { pointer: '/name', message: 'Has to be a string' },
      { pointer: '/a~1b~0c', message: 'Unknown property' },
    ]);
  });

  test.each(['x'.repeat(99), 'x'.repeat(98)])(
    'gets pointers whose keys are truncated between characters',
    async (start) => {
      for (const key of [`${start}😀😀`, `${start}\\ud83d`]) {
        const { json } = await call({ body: `{"name":"a","${key}":1}` });
        const [error] = json.errors as { pointer: string }[];
        expect(error?.pointer.isWellFormed()).toBe(true);
      }
    },
  );

  test('gets at most twenty errors', async () => {
    const body = JSON.stringify(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`key${index}`, 1])));
    expect((await call({ body })).json.errors).toHaveLength(20);
  });

  test('with an invalid query gets 422; without a query it gets no query errors', async () => {
    const query = z.strictObject({ limit: z.string().regex(/^\d$/, 'Has to be a digit').optional() });
    const handler = apiHandler(aLog(), { query }, async ({ query: { limit } }) => ({
      statusCode: 200,
      text: `${limit}`,
    }));
    const send = async (text?: string) => {
      const event = anEvent(text === undefined ? {} : { query: text });
      const { statusCode, body = '' } = await handler(event, {} as Context);
      return [statusCode, statusCode === 422 ? JSON.parse(body).errors : body];
    };
    expect(await send('limit=x')).toEqual([422, [{ pointer: '/limit', message: 'Has to be a digit' }]]);
    expect(await send('limit=')).toEqual([422, [{ pointer: '/limit', message: 'Has to be a digit' }]]);
    expect(await send('limt=1')).toEqual([422, [{ pointer: '/limt', message: 'Unknown query parameter' }]]);
    expect(await send('limit=1&limit=1')).toEqual([422, [{ pointer: '/limit', message: 'Must not be repeated' }]]);
    expect(await send('limit=1&__proto__=x')).toEqual([
      422,
      [{ pointer: '/__proto__', message: 'Unknown query parameter' }],
    ]);
    expect(await send('limit=1')).toEqual([200, '1']);
    for (const emptyQuery of [undefined, '', '&']) expect(await send(emptyQuery)).toEqual([200, 'undefined']);
  });

  test.each(['a=1', 'a', '=', 'constructor=1', '__proto__=1', 'a=1&a=2'])(
    'with the query parameters %s, on a route without parameters, gets 422',
    async (query) => {
      const handler = apiHandler(aLog(), {}, async () => ({ statusCode: 200 }));
      const { statusCode, body = '' } = await handler(anEvent({ query }), {} as Context);
      expect([statusCode, JSON.parse(body).errors]).toMatchObject([422, [{ pointer: expect.stringMatching(/^\//) }]]);
    },
  );

  test('with a query is accepted if the route ignores queries', async () => {
    const handler = apiHandler(aLog(), { query: anyQuery }, async () => ({ statusCode: 204 }));
    for (const query of ['a=1', 'a=1&a=2']) {
      expect(await handler(anEvent({ query }), {} as Context)).toMatchObject({ statusCode: 204 });
    }
  });
});

describe('a form', () => {
  const FORM = 'application/x-www-form-urlencoded';
  const send = async (request: Request) => {
    const route = { bodyType: 'form', body: z.instanceof(URLSearchParams) } as const;
    const handler = apiHandler(aLog(), route, async ({ body }) => ({ statusCode: 200, body: [...body] }));
    const { statusCode, body = '' } = await handler(anEvent(request), {} as Context);
    return [statusCode, JSON.parse(body)];
  };

  test.each([FORM, 'Application/X-WWW-Form-Urlencoded; charset=UTF-8'])(
    'of type %s reaches a form route, as text or in base64',
    async (type) => {
      const expected = [
        ['a', 'b c'],
        ['a', 'é'],
        ['d', ''],
      ];
      for (const body of ['a=b+c&a=%C3%A9&d', Buffer.from('a=b+c&a=%C3%A9&d')])
        expect(await send({ body, type })).toEqual([200, expected]);
    },
  );

  test('may be empty', async () => {
    expect(await send({ type: FORM })).toEqual([200, []]);
    expect(await send({ body: '', type: FORM })).toEqual([200, []]);
  });

  test.each<[string, number, Request]>([
    ['JSON', 415, { body: '{"a":"b"}' }],
    ['a type that only begins like a form', 415, { body: 'a=b', type: `${FORM}x` }],
    ['no type', 415, { body: 'a=b', type: '' }],
    ['too many bytes', 413, { body: `a=${'x'.repeat(16 * 1024)}`, type: FORM }],
    ['bytes that are not UTF-8', 400, { body: Buffer.from([0x61, 0x3d, 0xff]), type: FORM }],
  ])('with %s gets %i', async (_name, status, request) => {
    expect(await send(request)).toMatchObject([status, { status }]);
  });

  test('is refused by a JSON route', async () => {
    expect((await call({ body: 'name=a', type: FORM })).statusCode).toBe(415);
  });
});

describe('a route that throws', () => {
  const body = '{"name":"a"}';

  test('responds with a bare 500 and logs the cause', async () => {
    const {
      statusCode,
      body: responseBody,
      log,
    } = await call({ body }, async () => {
      throw new Error('connect ECONNREFUSED 10.0.0.7, table JobTable');
    });
    expect(statusCode).toBe(500);
    expect(responseBody).not.toMatch(/ECONNREFUSED|JobTable|stack/);
    expect(log.lines).toMatchObject([
      { level: 'error', data: { error: { message: expect.stringMatching('JobTable') } } },
    ]);
  });

  test('responds with 500 when it throws something other than an Error', async () => {
    const values: unknown[] = ['text', undefined, null, { status: 200 }];
    for (const value of values) {
      const { statusCode } = await call({ body }, async () => {
        throw value;
      });
      expect(statusCode).toBe(500);
    }
  });

  test('responds with the problem that it throws, and its headers, and logs nothing', async () => {
    const { statusCode, headers, log } = await call({ body }, async () => {
      throw new Problem(409, 'Not now.', { headers: { 'retry-after': '5' } });
    });
    expect([statusCode, headers?.['retry-after'], log.lines]).toEqual([409, '5', []]);
  });
});

describe('a request that gets 401', () => {
  const createWorld = () => {
    let time = 0;
    const log = aLog();
    const increments: [string, number][] = [];
    const count = (name: string, _dimensions?: object, times = 1) => void increments.push([name, times]);
    const record = createAuthenticationFailures({ log, metrics: { count }, now: () => time });
    const fail = (userAgent = 'curl/8') =>
      record(new Unauthorized('unknown_key', 'No.', 'Bearer', 'abcdef01'), {
        routeKey: 'GET /jobs',
        headers: { authorization: 'Bearer key' },
        requestContext: { http: { sourceIp: '192.0.2.7', userAgent } },
      } as unknown as APIGatewayProxyEventV2);
    const wait = (ms: number) => {
      time += ms;
    };
    return { log, increments, fail, wait };
  };

  test('is logged with its source and reason, and counted, without the key', async () => {
    const { log, increments, fail } = createWorld();
    fail(`${'x'.repeat(99)}\u{1F600}yyy`);
    expect(log.lines).toEqual([
      {
        level: 'warn',
        message: 'Authentication failed',
        data: {
          reason: 'unknown_key',
          route: 'GET /jobs',
          sourceIp: '192.0.2.7',
          userAgent: 'x'.repeat(99),
          keyFingerprint: 'abcdef01',
          unlogged: 0,
        },
      },
    ]);
    expect(increments).toEqual([['AuthenticationFailures', 1]]);
  });

  test('is logged at most ten times a minute, but always counted', () => {
    const { log, increments, fail, wait } = createWorld();
    for (let time = 0; time < 1_000; time += 1) fail();
    expect(log.lines).toHaveLength(10);
    wait(59_999);
    fail();
    expect(log.lines).toHaveLength(10);
    wait(1);
    fail();
    expect(log.lines.at(-1)?.data).toMatchObject({ unlogged: 991 });
    expect(increments.reduce((sum, [, times]) => sum + times, 0)).toBe(1_002);
  });

  test('is recorded at once, whether authentication or signature verification rejects it', async () => {
    const reject = async () => {
      throw new Unauthorized('bad_signature', 'No.', 'StandardWebhooks');
    };
    const routes = [{ authenticate: reject }, { body: schema, verify: reject }];
    for (const route of routes) {
      const log = aLog();
      const increments: string[] = [];
      const handler = apiHandler(
        log,
        { ...route, metrics: { count: (name) => void increments.push(name) } },
        async () => ({
          statusCode: 200,
        }),
      );
      const { statusCode, headers, body } = await handler(anEvent({ body: '{"name":"a"}' }), {} as Context);
      expect([statusCode, headers?.['www-authenticate']]).toEqual([401, 'StandardWebhooks']);
      expect(JSON.parse(body ?? '')).not.toHaveProperty('reason');
      expect(log.lines).toMatchObject([{ message: 'Authentication failed', data: { reason: 'bad_signature' } }]);
      expect(increments).toEqual(['AuthenticationFailures']);
    }
  });
});
