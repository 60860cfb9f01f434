import http from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Instance, startInstance } from '../../local/instance.ts';

const RUNS = 4_000;

let cloud: Instance;
beforeAll(async () => {
  cloud = await startInstance({ FAILURE_RATE: '0', SWEEP_SECONDS: '3600', RETRY_SCHEDULE_SECONDS: '3600' });
}, 30_000);
afterAll(() => cloud.stop(), 30_000);

type Request = {
  api: 'service' | 'providers';
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
};
type Answer = { status: number; type: string; body: string };

/** Resolves with the response; rejects after 20 s without one. */
const send = ({ api, method, path, headers, body }: Request): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const base = new URL(api === 'service' ? cloud.serviceUrl : cloud.providersUrl);
    const request = http.request({
      host: base.hostname,
      port: base.port,
      method,
      path,
      headers: { ...headers, 'content-length': body.length },
    });
    request.setTimeout(20_000, () => request.destroy(new Error('no response within 20 s')));
    request.on('error', reject).on('response', (response) => {
      const type = response.headers['content-type'] ?? '';
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, type, body: answer }), reject);
    });
    request.end(body);
  });

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

/** Values that often break parsers and validators. */
const unusual = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1e308,
    '',
    ' ',
    '\0',
    '\ud800',
    '__proto__',
    'constructor',
    'gas',
    'x'.repeat(3_000),
  ),
  fc.jsonValue({ maxDepth: 3 }),
);
const asJson = (value: unknown): string => JSON.stringify(value) ?? 'null';

const bodies = fc.oneof(
  // A request is accepted only if body and headers are valid, so valid bodies are frequent.
  { weight: 12, arbitrary: fc.constant('{"providers":["gas"],"callbackUrl":"http://127.0.0.1:9/x"}') },
  fc
    .record({
      providers: fc.oneof(fc.constant(['gas']), fc.array(unusual, { maxLength: 12 }), unusual),
      callbackUrl: fc.oneof(fc.constant('http://127.0.0.1:9/x'), fc.webUrl(), unusual),
    })
    .map(asJson),
  fc.record({ jobId: unusual, data: unusual }).map(asJson),
  fc.dictionary(fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'providers'), unusual).map(asJson),
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '{"providers":["gas"],"providers":["internet"],"callbackUrl":"http://127.0.0.1:9/","callbackUrl":7}',
    '{"__proto__":{"providers":["gas"]},"callbackUrl":"http://127.0.0.1:9/"}',
    '{"providers":[1e999999,-1e999999,123456789012345678901234567890],"callbackUrl":1}',
    nested(7_000, '[', ']'),
    nested(2_000, '{"a":', '}'),
    `{"providers":${nested(3_000, '[', ']')},"callbackUrl":"x"}`,
    `{"providers":["gas"],"callbackUrl":"https://${'a.'.repeat(900)}example"}`,
    'null',
    '"',
    '\ufeff{}',
    'x'.repeat(20_000),
  ),
);

const segment = fc.oneof(
  fc.constantFrom(
    'jobs',
    'webhook',
    'complete',
    'health',
    'providers',
    'gas',
    'internet',
    'accounts',
    '10000001',
    'bills',
    'token',
    'reports',
    '',
    '.',
    '..',
    '%',
    '%zz',
    '%00',
    '%c3%28',
    '{jobId}',
  ),
  fc.uuid(),
  fc.string({ unit: 'binary', maxLength: 20 }).map((part) => encodeURIComponent(part.toWellFormed())),
);
const query = fc.oneof(
  fc.constant(''),
  fc
    .tuple(fc.constantFrom('status', 'limit', 'cursor', 'size', 'from', 'page', '__proto__', '', '%'), segment)
    .map(([name, value]) => `?${name}=${value}&${name}=${value}`),
);
const paths = fc.tuple(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant('/webhook') },
    fc.constantFrom(
      '/providers/token',
      '/providers/reports',
      '/providers/internet/bills',
      '/providers/gas/accounts/10000001/bills',
    ),
    fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
  ),
  query,
);

const headerValue = fc.string({
  unit: fc
    .integer({ min: 0x20, max: 0xff })
    .filter((code) => code !== 0x7f)
    .map((code) => String.fromCharCode(code)),
});
const headers = fc.record(
  {
    'content-type': fc.oneof(
      { weight: 12, arbitrary: fc.constant('application/json') },
      fc.constantFrom(
        '',
        'text/plain',
        'application/json; charset=utf-16',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        'application/x+json',
        'json',
      ),
      headerValue,
    ),
    'content-encoding': fc.constantFrom('gzip', 'identity', 'x'),
    'idempotency-key': headerValue,
    'webhook-id': headerValue,
    'webhook-signature': headerValue,
    accept: headerValue,
  },
  { requiredKeys: ['content-type'] },
);
/** The authorization header; undefined for that of the local client. */
const authorizations = fc.oneof({ weight: 5, arbitrary: fc.constant<string | undefined>(undefined) }, headerValue);

const requests = fc.record({
  api: fc.constantFrom('service' as const, 'service' as const, 'service' as const, 'providers' as const),
  method: fc.constantFrom('POST', 'POST', 'POST', 'GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'),
  path: paths.map(([path, search]) => path + search),
  headers,
  authorization: authorizations,
  body: fc.oneof(
    bodies.map((body) => Buffer.from(body, 'utf8')),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  ),
});

test('every request is answered with success or a problem below 500 that exposes no internals', async () => {
  const seen = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(requests, async ({ authorization = `Bearer ${cloud.apiKey}`, headers: sent, ...request }) => {
      const answer = await send({ ...request, headers: { ...sent, authorization } });
      seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
      expect(answer.status).toBeLessThan(500);
      if (answer.status < 400) return;
      // Token errors have their own format (RFC 6749 §5.2).
      if (request.path.startsWith('/providers/token') && answer.type === 'application/json') {
        expect(JSON.parse(answer.body)).toEqual({ error: expect.stringMatching(/^\w+$/) });
        return;
      }
      expect(answer.type).toBe('application/problem+json');
      expect(JSON.parse(answer.body)).toMatchObject({
        status: answer.status,
        title: expect.any(String),
        detail: expect.any(String),
      });
      expect(answer.body).not.toMatch(/node_modules|file:\/\/|\.ts:\d|at \w+ \(|DynamoDB|ZodError/);
    }),
    { numRuns: RUNS },
  );
  // The generated requests must reach every kind of response.
  for (const status of [202, 400, 401, 404, 405, 415, 422])
    expect([status, seen.get(status) ?? 0]).not.toEqual([status, 0]);
  expect((await fetch(`${cloud.serviceUrl}/health`)).status).toBe(200);
}, 180_000);
