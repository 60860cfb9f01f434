import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import { parseAddressExceptions } from '@boomerang/core/domain/address-rules.ts';
import { afterEach, describe, expect, test } from '@jest/globals';
import { deliverCallback } from '../../functions/callback-deliver/deliver-callback.ts';
import { aJob, aLog, aWorkedJob, findClient, LEASE_MS, NOW, SECRET, storeJob, unguarded } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';
import { type RawPart, startRawServer } from '../raw-server.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const policy = { schedule: { stepsMs: [1_000] as const }, patienceMs: 600_000, retentionMs: 60_000 };
const send = createNodeHttp({ exceptions: parseAddressExceptions('127.0.0.1') });

/** Delivers to a TCP server that responds with these scripts. */
const deliver = async (
  scripts: RawPart[][],
  {
    path = '/',
    timeoutMs,
    times = 1,
    ownSend = send,
  }: { path?: string; timeoutMs?: number; times?: number; ownSend?: typeof send } = {},
) => {
  const server = await startRawServer(...scripts);
  stops.push(server.stop);
  const worked = aWorkedJob({ callbackUrl: `${server.url}${path}`, leasedUntil: NOW + LEASE_MS });
  const store = createFakeJobStore();
  await storeJob(store, aJob({ jobId: worked.jobId }));
  const log = aLog();
  const deps = {
    ...unguarded,
    ...store,
    findClient,
    now: () => NOW,
    log,
    policy,
    userAgent: 'Boomerang/1',
    send: async (request: Parameters<typeof send>[0]) => ownSend({ ...request, ...(timeoutMs && { timeoutMs }) }),
  };
  let error: Error | undefined;
  for (let time = 0; time < times; time += 1) {
    error = await deliverCallback(deps, worked).then(
      () => undefined,
      (reason: Error) => reason,
    );
  }
  return {
    name: error?.name ?? 'delivered',
    failure: error && (JSON.parse(error.message) as Record<string, unknown>),
    output: `${error?.message} ${JSON.stringify(log.lines)}`,
    requests: server.requests,
    status: store.jobs.get(worked.jobId)?.status,
  };
};

const response = (status: string, headers: string[] = [], body = ''): RawPart[] => [
  [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers, '', body].join('\r\n'),
];

describe('a 2xx response', () => {
  test.each<[string, RawPart[]]>([
    ['20 KB of headers', response('200 OK', [`X: ${'x'.repeat(20_000)}`])],
    ['60 KB of headers', response('200 OK', [`X: ${'x'.repeat(60_000)}`])],
    [
      'thousands of headers',
      response(
        '204 OK',
        Array.from({ length: 3_000 }, (_, at) => `X${at}: x`),
      ),
    ],
    ['an unknown coding', response('200 OK', ['Content-Encoding: compress'], 'ok')],
    ['a body that is not gzip despite its coding', response('200 OK', ['Content-Encoding: gzip'], 'ok')],
    ['an incomplete body', ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok', null]],
    ['broken chunks', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n']],
    ['a body that stalls', ['HTTP/1.1 202 OK\r\nContent-Length: 9\r\n\r\nok']],
    ['Retry-After', response('200 OK', ['Retry-After: 60'])],
    ['partial content', response('206 Partial Content', [], 'ok')],
  ])('with %s delivers the callback', async (_name, script) => {
    const { name, requests, status } = await deliver([script], { timeoutMs: 1_500 });
    expect([name, requests.length, status]).toEqual(['delivered', 1, 'COMPLETE']);
  });
});

describe('a response that is not HTTP', () => {
  test.each<[string, RawPart[], string]>([
    ['a header name with a space', response('200 OK', ['Bad Name: x']), 'HPE_INVALID_HEADER_TOKEN'],
    [
      'both Content-Length and chunks',
      response('200 OK', ['Transfer-Encoding: chunked']),
      'HPE_INVALID_TRANSFER_ENCODING',
    ],
    ['two Content-Length headers', response('200 OK', ['Content-Length: 7']), 'HPE_UNEXPECTED_CONTENT_LENGTH'],
    ['70 KB of headers', response('200 OK', [`X: ${'x'.repeat(70_000)}`]), 'HPE_HEADER_OVERFLOW'],
    ['a different protocol', ['220 mail.example ESMTP\r\n'], 'HPE_INVALID_CONSTANT'],
    [
      'an upgrade that we did not request',
      ['HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
      'UNASKED_UPGRADE',
    ],
  ])('(%s) fails with bad_answer, and is retried only by the schedule', async (_name, script, excerpt) => {
    const { name, failure, requests } = await deliver([script]);
    expect(name).toBe('CallbackRejected');
    expect(failure).toMatchObject({ class: 'bad_answer', excerpt });
    expect(requests).toHaveLength(1);
  });
});

describe('a receiver that sends a retry time', () => {
  test.each([
    ['404 No', ['Retry-After: 6.5'], 7_000],
    ['500 No', ['RateLimit-Reset: 30'], 30_000],
    ['403 No', ['RateLimit: "default";r=0;t=30'], 30_000],
    ['302 No', ['Retry-After: 3'], 3_000],
  ])('with %s and %j is called again at that time', async (status, headers, retryAfterMs) => {
    const { name, failure } = await deliver([response(status, headers)]);
    expect([name, failure?.retryAfterMs]).toEqual(['CallbackThrottled', retryAfterMs]);
  });

  test('with quota left is judged by its status alone', async () => {
    const headers = ['RateLimit-Remaining: 9', 'RateLimit-Reset: 3600'];
    expect((await deliver([response('404 No', headers)])).name).toBe('CallbackRejected');
    expect((await deliver([response('500 No', headers)])).name).toBe('CallbackUnavailable');
  });
});

test('a stale kept-alive connection does not use up a call', async () => {
  const ownSend = createNodeHttp({ exceptions: parseAddressExceptions('127.0.0.1') });
  const { name, requests } = await deliver([response('500 No'), [null], response('200 OK')], { times: 2, ownSend });
  expect(name).toBe('delivered');
  const ids = requests.map((request) => /webhook-id: (\S+)/.exec(request)?.[1]);
  expect([ids.length, new Set(ids).size]).toEqual([3, 1]);
});

test('the excerpt of a redirect shows its target', async () => {
  const { name, failure } = await deliver([
    response('307 Moved', ['Location: //new.example/hook?token=abcdefgh'], 'Moved'),
  ]);
  expect(name).toBe('CallbackRejected');
  expect(failure).toMatchObject({ statusCode: 307, excerpt: 'to //new.example/hook?*** Moved' });
});

describe('an excerpt that repeats', () => {
  const path = '/hooks/T0123456789/in?token=tok-en%2F%C3%A9%2B123456&s=s3cr#';
  const html = (url: string) => `<pre>Cannot POST ${url.replaceAll('&', '&amp;')}</pre>`;

  test.each<[string, string]>([
    ['as Express does', html('/hooks/T0123456789/in?token=tok-en%2F%C3%A9%2B123456&s=s3cr')],
    ['in JSON', JSON.stringify({ query: { token: 'tok-en/é+123456', s: 's3cr' } })],
    ['in ASCII JSON', '{"token":"tok-en\\/\\u00e9+123456"}'],
    ['percent-encoded once more', encodeURIComponent('?token=tok-en%2F%C3%A9%2B123456')],
    ['in base64', Buffer.from('token=tok-en/é+123456').toString('base64')],
    ['cut off', 'no route for ?token=tok-en%2F%C3%A9%2B1'],
  ])('the callback address (%s) is masked', async (_name, body) => {
    for (const status of ['404 Not Found', '500 No', '410 Gone', '307 Moved']) {
      const { failure, output } = await deliver([response(status, [], body)], { path });
      expect(failure?.excerpt).toContain('***');
      expect(output).not.toMatch(/tok-en|2B12|T0123456789|s3cr|dG9rLW|b2stZW/);
    }
  });

  test.each<[string, (signature: string) => string, RegExp]>([
    ['unchanged', (signature) => `bad signature: ${signature}`, /^bad signature: v1,\*{3}$/],
    ['without its version', (signature) => `bad signature: ${signature.slice(3)}`, /^bad signature: \*{3}$/],
    ['in JSON', (signature) => JSON.stringify({ signature }).replaceAll('/', '\\/'), /^{"signature":"v1,\*{3}"}$/],
    ['percent-encoded', encodeURIComponent, /^v1%2C\*{3}$/],
    ['in base64', (signature) => Buffer.from(signature).toString('base64'), /^djEs\*{3}.{0,2}$/],
    ['cut off', (signature) => `got ${signature.slice(0, 30)}…`, /^got v1,\*{3}…$/],
  ])('our signature (%s) is masked', async (_name, encode, expected) => {
    const worked = aWorkedJob();
    const store = createFakeJobStore();
    await storeJob(store, aJob({ jobId: worked.jobId }));
    const signatures: string[] = [];
    const echo: typeof send = async ({ headers }) => {
      signatures.push(headers?.['webhook-signature'] ?? '');
      return { statusCode: 400, headers: {}, body: Buffer.from(encode(signatures[0] ?? '')), durationMs: 1 };
    };
    const deps = { ...unguarded, ...store, findClient, now: () => NOW, log: aLog(), policy, userAgent: '', send: echo };
    const error = await deliverCallback(deps, worked).catch((reason: Error) => reason);
    expect(signatures).toEqual([expect.stringMatching(/^v1,[\w+/]{43}=$/)]);
    expect(JSON.parse((error as Error).message).excerpt).toMatch(expected);
  });

  test('a signing secret is masked', async () => {
    const { failure } = await deliver([response('500 No', [], `secret is ${SECRET}`)]);
    expect(failure?.excerpt).toBe('secret is whsec_***');
  });
});
