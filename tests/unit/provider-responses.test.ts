import { brotliCompressSync, deflateRawSync, gzipSync } from 'node:zlib';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import type { CircuitBreaker } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { VERSION } from '@boomerang/core/version.ts';
import { afterEach, describe, expect, test } from '@jest/globals';
import { fetchProvider } from '../../functions/provider-fetch/fetch-provider.ts';
import { aLog, aProvider, LEASE_MS, NOW, unguarded } from '../builders.ts';
import { type RawPart, startRawServer } from '../raw-server.ts';

const policy = { schedule: { stepsMs: [1_000] as const }, patienceMs: 600_000, retentionMs: 60_000 };
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

type Setting = {
  provider?: Partial<ProviderInput>;
  credential?: string;
  header?: string;
  path?: string;
  userInfo?: string;
};

/** Fetches from a TCP server that writes the given bytes, one script a connection. */
const fetchFromRaw = async (
  scripts: RawPart[][],
  { provider = {}, credential, header, path = '/', userInfo }: Setting = {},
) => {
  const server = await startRawServer(...scripts);
  stops.push(server.stop);
  const log = aLog();
  const verdicts: boolean[] = [];
  const breaker: CircuitBreaker = {
    call: async (_party, run, judge) => {
      try {
        const result = await run();
        verdicts.push(true);
        return result;
      } catch (error) {
        const verdict = judge(error);
        if (verdict !== 'unknown') verdicts.push(verdict === 'succeeded');
        throw error;
      }
    },
  };
  const gas = aProvider({
    url: `${server.url.replace('//', userInfo === undefined ? '//' : `//${userInfo}@`)}${path}`,
    timeoutMs: 2_000,
    maxBytes: 1024 * 1024,
    ...(credential !== undefined && { auth: { header: header ?? 'authorization', secret: 'key' } }),
    ...provider,
  });
  const storedJson: string[] = [];
  const deps = {
    ...unguarded,
    breaker,
    log,
    catalogue: new Map([['gas', gas]]),
    send: createNodeHttp(),
    findSecret: async () => credential ?? '',
    results: {
      save: async (...args: unknown[]) => {
        storedJson.push((args[2] as { json: string }).json);
        return { chunks: 1 };
      },
      remove: async () => {},
    },
    jobs: { getWithData: async () => undefined },
    now: () => NOW,
    fetchDeadlineMs: 86_400_000,
    policy,
  };
  const outcome = await fetchProvider(deps, {
    jobId: 'id',
    claims: 1,
    leasedUntil: NOW + LEASE_MS,
    providerId: 'gas',
  }).catch((error: Error) => error);
  const failure = outcome instanceof Error ? JSON.parse(outcome.message) : undefined;
  return {
    json: outcome instanceof Error ? undefined : (outcome.json ?? storedJson[0]),
    name: outcome instanceof Error ? outcome.name : 'fetched',
    failure: failure as Record<string, unknown>,
    logged: JSON.stringify(log.lines),
    verdicts,
    requests: server.requests,
  };
};

const response = (status: string, headers: string[] = [], body: string | Buffer = ''): RawPart[] => [
  [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body as string)}`, ...headers, '', ''].join('\r\n'),
  body,
];
const JSON_TYPE = 'Content-Type: application/json';

test('a request has our User-Agent and Accept headers', async () => {
  const { requests } = await fetchFromRaw([response('200 OK', [JSON_TYPE], '[]')]);
  expect(requests[0]).toMatch(/^GET \/ HTTP\/1\.1\r\n/);
  expect(requests[0]).toMatch(new RegExp(`\r\nuser-agent: Boomerang/${VERSION.replaceAll('.', '\\.')}\r\n`, 'i'));
  expect(requests[0]).toMatch(/\r\naccept: application\/json, /i);
});

test('a catalogue may replace the User-Agent', async () => {
  const { requests } = await fetchFromRaw([response('200 OK')], { credential: 'acme-client', header: 'User-Agent' });
  expect(requests[0]?.match(/user-agent: .*/gi)).toEqual(['User-Agent: acme-client']);
});

describe('a provider that stalls', () => {
  const timeoutMs = 200;

  test.each<[string, RawPart[]]>([
    ['before it answers', []],
    ['within its headers', ['HTTP/1.1 200 OK\r\nContent-Ty']],
    ['before its body', ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n']],
    ['within its body', ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a"']],
    ['within a body without a length', ['HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhalf']],
    ['between chunks', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n']],
    ['within a chunk', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n[]']],
    ['within gzip data', ['HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n', gzipSync('[]').subarray(0, 12)]],
    ['after gzip data without a length', ['HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n', gzipSync('[]')]],
    [
      'while it sends a space every 20 ms',
      ['HTTP/1.1 200 OK\r\n\r\n', ...Array.from({ length: 40 }, (_, at) => (at % 2 ? 20 : ' '))],
    ],
  ])('%s times out, and counts as a failure for the circuit', async (_case, script) => {
    const { name, failure, verdicts } = await fetchFromRaw([script], { provider: { timeoutMs } });
    expect(name).toBe('ProviderUnavailable');
    expect(failure).toMatchObject({ class: 'timeout', excerpt: 'TimeoutError' });
    expect(verdicts).toEqual([false]);
  });

  test('after a decisive status is judged by that status', async () => {
    const script = ['HTTP/1.1 404 No\r\nContent-Length: 99\r\n\r\nno such bill'];
    const { name, failure } = await fetchFromRaw([script], { provider: { timeoutMs: 1_500 } });
    expect(name).toBe('ProviderRefused');
    expect(failure).toMatchObject({ class: 'bad_status', statusCode: 404 });
  });
});

describe('a response with a retry time', () => {
  const statuses = '301 400 401 403 404 409 410 418 422 423 429 451 500 503 599'.split(' ');

  test.each(statuses)('and the status %s is throttled until that time', async (status) => {
    const { name, failure } = await fetchFromRaw([response(`${status} X`, ['Retry-After: 3'])]);
    expect(name).toBe('ProviderThrottled');
    expect(failure).toMatchObject({ class: 'bad_status', statusCode: Number(status), retryAfterMs: 3_000 });
  });

  test.each<[string, string[], number]>([
    ['fractional seconds', ['Retry-After: 6.5'], 7_000],
    ['a date', [`Retry-After: ${new Date(NOW + 60_000).toUTCString()}`], 60_000],
    ['RateLimit-Reset', ['RateLimit-Reset: 30'], 30_000],
    ['RateLimit-Reset of a quota that is used up', ['RateLimit-Remaining: 0', 'RateLimit-Reset: 30'], 30_000],
    ['RateLimit-Reset in epoch seconds', [`RateLimit-Reset: ${NOW / 1000 + 30}`], 30_000],
    ['RateLimit', ['RateLimit: "default";r=0;t=30'], 30_000],
    ['RateLimit of several quotas', ['RateLimit: "a,b";r=5;t=3600, "hour";q=9;r=0;t=30, "x";r=0;t=9'], 30_000],
    ['RateLimit of an earlier draft', ['RateLimit: limit=10, remaining=0, reset=30'], 30_000],
    ['RateLimit-Reset, longer than Retry-After', ['Retry-After: 3', 'RateLimit-Reset: 30'], 30_000],
    ['Retry-After, longer than RateLimit', ['Retry-After: 30', 'RateLimit: "default";r=0;t=3'], 30_000],
  ])('in %s is throttled until that time', async (_case, headers, retryAfterMs) => {
    const { name, failure } = await fetchFromRaw([response('403 No', headers)]);
    expect([name, failure.retryAfterMs]).toEqual(['ProviderThrottled', retryAfterMs]);
  });

  test.each<[string[]]>([
    [['RateLimit-Remaining: 4999', 'RateLimit-Reset: 3600']],
    [['RateLimit: "default";r=50;t=30']],
    [['RateLimit: limit=100, remaining=50, reset=30']],
    [['RateLimit-Policy: "default";q=100;w=30']],
    [['RateLimit: what', 'RateLimit-Reset: soon']],
    [['Retry-After: soon']],
    [['Retry-After: -1']],
  ])('that does not apply (%j) is refused or unavailable by its status', async (headers) => {
    expect((await fetchFromRaw([response('404 No', headers)])).name).toBe('ProviderRefused');
    expect((await fetchFromRaw([response('500 No', headers)])).name).toBe('ProviderUnavailable');
  });

  test('and a 429 is throttled until the reset of a quota, even if some of it is left', async () => {
    const { failure } = await fetchFromRaw([response('429 No', ['RateLimit: "default";r=1;t=30'])]);
    expect(failure.retryAfterMs).toBe(30_000);
  });

  test.each<[string, RawPart[], string]>([
    ['a response that is too large', response('200 OK', ['Retry-After: 3'], 'x'.repeat(2_000)), 'too_large'],
    ['JSON that does not parse', response('200 OK', ['Retry-After: 3', JSON_TYPE], '{'), 'bad_body'],
    [
      'a truncated body',
      ['HTTP/1.1 200 OK\r\nRetry-After: 3\r\nContent-Length: 9\r\n\r\nhalf', null],
      'connection_broken',
    ],
    ['a body that stalls', ['HTTP/1.1 200 OK\r\nRetry-After: 3\r\nContent-Length: 9\r\n\r\nhalf'], 'timeout'],
  ])('and %s is throttled until that time', async (_case, script, failureClass) => {
    const { name, failure } = await fetchFromRaw([script], { provider: { maxBytes: 1_000, timeoutMs: 1_500 } });
    expect(name).toBe('ProviderThrottled');
    expect(failure).toMatchObject({ class: failureClass, statusCode: 200, retryAfterMs: 3_000 });
  });
});

describe('a success', () => {
  test.each<[string, string[], string, string]>([
    ['202 Accepted', ['Retry-After: 3', JSON_TYPE], '{"status":"processing"}', 'ProviderThrottled'],
    ['202 Accepted', [JSON_TYPE], '{"status":"processing"}', 'ProviderThrottled'],
    ['202 Accepted', [], '', 'ProviderThrottled'],
    ['206 Partial Content', ['Content-Range: bytes 0-1/9', JSON_TYPE], '[]', 'ProviderUnavailable'],
    ['206 Partial Content', ['Retry-After: 3'], 'half', 'ProviderThrottled'],
    ['226 IM Used', ['IM: feed', JSON_TYPE], '[]', 'ProviderUnavailable'],
  ])('of %s (%j) is not_ready', async (status, headers, body, expected) => {
    const { name, failure } = await fetchFromRaw([response(status, headers, body)]);
    expect(name).toBe(expected);
    expect(failure).toMatchObject({ class: 'not_ready', statusCode: Number(status.slice(0, 3)), excerpt: body });
    expect(failure.retryAfterMs).toBe(headers.includes('Retry-After: 3') ? 3_000 : undefined);
  });

  test.each([
    ['204 No Content', ['Content-Type: application/json', 'Content-Encoding: gzip']],
    ['205 Reset Content', ['Content-Type: text/plain']],
    ['200 OK', ['Content-Type: application/json']],
    ['200 OK', ['Content-Type: text/plain; charset=no-such-charset']],
    ['200 OK', ['Content-Type: application/pdf']],
    ['200 OK', ['Content-Encoding: gzip']],
    ['200 OK', ['Content-Encoding: no-such-coding']],
    ['201 Created', []],
    ['203 Non-Authoritative Information', []],
  ])('of %s (%j) without content is null', async (status, headers) => {
    expect((await fetchFromRaw([response(status, headers)])).json).toBe('null');
  });

  test.each([200, 201, 203, 207, 208, 218, 299])('of %i is data', async (status) => {
    expect((await fetchFromRaw([response(`${status} X`, [JSON_TYPE], '[1]')])).json).toBe('[1]');
  });

  const pdf = Buffer.from([0x25, 0x50, 0x44, 0x46, 0xff]);

  test('that is a PDF is returned as bytes', async () => {
    const { json } = await fetchFromRaw([response('200 OK', ['Content-Type: application/pdf'], pdf)]);
    expect(json).toBe('{"contentType":"application/pdf","base64":"JVBERv8="}');
  });

  test('that is binary may be at most 768 KiB', async () => {
    const fetchBytes = async (length: number) =>
      fetchFromRaw([response('200 OK', ['Content-Type: image/png'], Buffer.alloc(length, 0xff))]);
    expect((await fetchBytes(768 * 1024)).json).toHaveLength(
      1024 * 1024 + '{"contentType":"image/png","base64":""}'.length,
    );
    expect(await fetchBytes(768 * 1024 + 1)).toMatchObject({
      name: 'ProviderRefused',
      failure: { class: 'too_large' },
    });
  });

  const text = '{"é":1}';
  test.each<[string, string[], Buffer | string]>([
    ['raw deflate', ['Content-Encoding: deflate', JSON_TYPE], deflateRawSync(text)],
    ['two codings', ['Content-Encoding: gzip, br', JSON_TYPE], brotliCompressSync(gzipSync(text))],
    ['no coding', ['Content-Encoding: identity', 'Content-Type: text/json'], text],
    ['a legacy charset', ['Content-Type: application/json;charset=iso-8859-1'], Buffer.from(text, 'latin1')],
    ['UTF-16', [JSON_TYPE], Buffer.from(`\uFEFF${text}`, 'utf16le')],
  ])('in %s is decoded', async (_case, headers, body) => {
    expect((await fetchFromRaw([response('200 OK', headers, body)])).json).toBe(text);
  });

  test.each<[string, string[], Buffer | string]>([
    ['a gzip header on plain text', ['Content-Encoding: gzip', 'Content-Type: text/plain'], 'plain text'],
    ['an unknown coding', ['Content-Encoding: compress', 'Content-Type: text/plain'], 'plain text'],
    ['Latin-1 without a charset', ['Content-Type: text/plain'], Buffer.from('é', 'latin1')],
    [
      'XML in another charset than it declares',
      ['Content-Type: text/xml'],
      Buffer.from('<?xml encoding="utf-8"?>é', 'latin1'),
    ],
    ['HTML declared as JSON', [JSON_TYPE], '<html>'],
  ])('with %s is bad_body', async (_case, headers, body) => {
    const { name, failure } = await fetchFromRaw([response('200 OK', headers, body)]);
    expect([name, failure.class, failure.statusCode]).toEqual(['ProviderUnavailable', 'bad_body', 200]);
  });
});

test("a response that is not HTTP fails with Node's error code", async () => {
  const { name, failure, verdicts } = await fetchFromRaw([
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ]);
  expect(name).toBe('ProviderUnavailable');
  expect(failure).toMatchObject({ class: 'bad_answer', excerpt: 'HPE_UNEXPECTED_CONTENT_LENGTH' });
  expect(verdicts).toEqual([false]);
});

test('a redirect shows its target, without user info and query', async () => {
  const { failure } = await fetchFromRaw([response('301 Moved', ['Location: https://me:pw@new.example/v2?key=abc#x'])]);
  expect(failure).toMatchObject({ statusCode: 301, excerpt: 'to https://new.example/v2?***' });
});

describe('an invalid credential', () => {
  test.each<[string, Setting]>([
    ['a line break', { credential: 'abc\ndef' }],
    ['a carriage return', { credential: 'abc\r\nx-admin: 1' }],
    ['Cyrillic', { credential: 'Bearer ключ' }],
    ['a NUL', { credential: 'a\0b' }],
    ['an emoji', { credential: '😀' }],
    ['user info that does not decode', { userInfo: 'me:100%' }],
  ])('(%s) is an internal failure, and no request is sent', async (_case, setting) => {
    const { name, failure, requests, verdicts, logged } = await fetchFromRaw([response('200 OK')], setting);
    expect(name).toBe('CredentialInvalid');
    expect(failure).toMatchObject({ class: 'internal' });
    expect([requests, verdicts]).toEqual([[], []]);
    expect(JSON.stringify(failure) + logged).not.toMatch(/abc|ключ|100%/);
  });

  test.each<[string, Setting]>([
    ['Latin-1', { credential: 'schlüssel' }],
    ['a space and a tab', { credential: 'Bearer a\tb' }],
    ['user info', { userInfo: 'me:p%40ss' }],
  ])('is not %s', async (_case, setting) => {
    expect((await fetchFromRaw([response('200 OK')], setting)).name).toBe('fetched');
  });
});

describe('a credential in a response', () => {
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib29tIn0/a+b="c';
  const basic = Buffer.from('boomerang:pa:ss/w"ord').toString('base64');
  const CREDENTIAL_PARTS = /eyJhbGci|eyJzdWI|boomerang|w"ord|pa:ss|w\\|Ym9vbWVy/;

  test.each<[string, string, string]>([
    ['raw', `Bearer ${token}`, `invalid: Bearer ${token}`],
    ['after the scheme', `Bearer ${token}`, `invalid token ${token}`],
    ['in JSON', `Bearer ${token}`, JSON.stringify({ error: { token } })],
    ['in a URL', `Bearer ${token}`, `see /help?token=${encodeURIComponent(token)}`],
    ['in base64', `Bearer ${token}`, Buffer.from(token).toString('base64')],
    ['in base64url', `Bearer ${token}`, Buffer.from(`x${token}`).toString('base64url')],
    ['Basic, without padding', `Basic ${basic}`, `denied: ${basic.replaceAll('=', '')}`],
    ['Basic, decoded', `Basic ${basic}`, 'no user boomerang with password pa:ss/w"ord'],
    ['Basic, decoded, in JSON', `Basic ${basic}`, JSON.stringify({ user: 'boomerang', password: 'pa:ss/w"ord' })],
    ['truncated', `Bearer ${token}`, `starts with ${token.slice(0, 14)}…`],
    ['at the end of the excerpt', `Bearer ${token}`, `${'x'.repeat(190)}${token}`],
  ])('(%s) is masked in the failure and in the log', async (_case, credential, body) => {
    for (const status of ['401 No', '403 No', '500 No', '202 Accepted', '302 Moved']) {
      const withoutScheme = credential.replace(/^\w+ /, '');
      const headers = [`Location: /login/${encodeURIComponent(withoutScheme)}`, 'Content-Type: text/plain'];
      const { failure, logged } = await fetchFromRaw([response(status, headers, body)], { credential });
      expect(failure.excerpt).toContain('***');
      expect(JSON.stringify(failure) + logged).not.toMatch(CREDENTIAL_PARTS);
    }
  });

  test.each<[string, Setting, string]>([
    ['a key in its query', { path: '/bills?api_key=k-0123456789' }, 'no route GET /bills?api_key=k-0123456789'],
    [
      'user info',
      { userInfo: 'me-myself:p%40ssword' },
      `not you: ${Buffer.from('me-myself:p@ssword').toString('base64')}`,
    ],
    ['user info, decoded', { userInfo: 'me-myself:p%40ssword' }, 'me-myself / p@ssword'],
    ['a token in its path', { path: '/v1/0123456789abcdef/bills' }, '{"path":"\\/v1\\/0123456789abcdef\\/bills"}'],
  ])('and in the URL (%s) is masked', async (_case, setting, body) => {
    const { failure } = await fetchFromRaw([response('404 No', [], body)], setting);
    expect(failure.excerpt).toContain('***');
    expect(failure.excerpt).not.toMatch(/0123456789|ssword|myself|bWUtbXlz/);
  });

  test('is masked in the name of an unknown coding', async () => {
    const headers = ['Content-Encoding: k-0123456789abcdef'];
    const { failure } = await fetchFromRaw([response('200 OK', headers, 'x')], { credential: 'k-0123456789abcdef' });
    expect(failure).toMatchObject({ class: 'bad_body', excerpt: expect.stringContaining('***') });
  });
});
