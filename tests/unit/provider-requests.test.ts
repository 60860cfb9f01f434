import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { VERSION } from '@boomerang/core/version.ts';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildRequest } from '../../functions/provider-fetch/build-request.ts';
import { withHeaders } from '../../functions/provider-fetch/credentials.ts';
import { aJob, aProvider, LEASE_MS, NOW } from '../builders.ts';
import { type FetchSetting, fetchFrom, startServer, type TestServer } from '../fetching.ts';
import { startRawServer } from '../raw-server.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Fetches from a local server. Returns the outcome and the request that the server received. */
const fetchAndCapture = async (
  provider: Partial<ProviderInput>,
  { path = '/', userInfo = '', ...setting }: Partial<FetchSetting> & { path?: string; userInfo?: string } = {},
) => {
  const server: TestServer = await startServer(() => ({ body: [] }));
  stops.push(server.stop);
  const url = `${server.url.replace('//', `//${userInfo}`)}${path}`;
  const result = await fetchFrom({ provider: { url, ...provider }, ...setting });
  const [request] = server.requests;
  return { ...result, request, headers: request?.headers ?? {} };
};

const parameters: NonNullable<ProviderInput['parameters']> = {
  type: 'object',
  required: ['account'],
  properties: {
    account: { type: 'string' },
    from: { type: 'string', format: 'date' },
    size: { type: 'integer', default: 100 },
    isPaid: { type: 'boolean' },
  },
};

/** A job reader that always finds this job. */
const jobWith = (change: Parameters<typeof aJob>[0]) => ({
  getWithData: async () => ({ job: aJob(change), inline: [] }),
});

describe('a request', () => {
  test('has the parameters of its job, and defaults, in its URL', async () => {
    const path = '/accounts/{account}/bills{?from,size}';
    const { request } = await fetchAndCapture(
      { parameters },
      { path, request: { job: { parameters: { gas: { account: 'a b&ü' } } } } },
    );
    expect(request?.url).toBe('/accounts/a%20b%26%C3%BC/bills?size=100');
  });

  test('has the parameters of its job, and defaults, in its body, with their types', async () => {
    const { request } = await fetchAndCapture(
      {
        method: 'POST',
        repeatable: true,
        parameters,
        body: {
          to: '{account}',
          page: { size: '{size}', paid: '{isPaid}', from: '{from}' },
          fix: [null, 1.5, 'x{account}x'],
        },
      },
      { request: { job: { parameters: { gas: { account: '"{size}"', isPaid: false } } } } },
    );
    expect(request?.method).toBe('POST');
    expect(JSON.parse(request?.body ?? '')).toEqual({
      to: '"{size}"',
      page: { size: 100, paid: false },
      fix: [null, 1.5, 'x{account}x'],
    });
    expect(request?.headers['content-type']).toBe('application/json');
    expect(request?.headers['transfer-encoding']).toBeUndefined();
  });

  test('without a body has no content type', async () => {
    const { headers } = await fetchAndCapture({ method: 'POST', repeatable: true });
    expect(headers['content-type']).toBeUndefined();
    expect(headers['content-length']).toBe('0');
  });

  test("has the catalogue's headers in place of the defaults, ignoring case", async () => {
    const { headers } = await fetchAndCapture({
      method: 'POST',
      repeatable: true,
      body: {},
      headers: {
        Accept: 'application/vnd.gas+json',
        'USER-AGENT': 'acme',
        'Content-Type': 'application/vnd.api+json',
        'x-a': '1',
      },
    });
    expect(headers).toMatchObject({
      accept: 'application/vnd.gas+json',
      'user-agent': 'acme',
      'content-type': 'application/vnd.api+json',
      'x-a': '1',
    });
  });

  test('has the default User-Agent unless the catalogue sets one', async () => {
    const { headers } = await fetchAndCapture({ headers: { 'accept-language': 'en' } });
    expect(headers).toMatchObject({ 'user-agent': `Boomerang/${VERSION}`, 'accept-language': 'en' });
  });

  test('carries the job, the provider and the round in the idempotency header', async () => {
    const provider: Partial<ProviderInput> = { method: 'POST', idempotencyHeader: 'Idempotency-Key' };
    expect((await fetchAndCapture(provider)).headers['idempotency-key']).toBe('job:gas:0');
    const second = await fetchAndCapture(provider, { request: { job: { round: 2 } } });
    expect(second.headers['idempotency-key']).toBe('job:gas:2');
  });

  test('may be repeated on a stale connection if it is a GET, has an idempotency header, or is declared repeatable', () => {
    const isRepeatable = (input: Partial<ProviderInput>) =>
      buildRequest(aProvider(input), {}, { jobId: 'job', round: 0 }).isRepeatable;
    expect(isRepeatable({})).toBe(true);
    expect(isRepeatable({ method: 'POST' })).toBe(false);
    expect(isRepeatable({ method: 'POST', repeatable: true })).toBe(true);
    expect(isRepeatable({ method: 'POST', idempotencyHeader: 'x-id' })).toBe(true);
  });

  test("keeps the catalogue's origin and path, for any parameter values", () => {
    const provider = aProvider({
      url: 'https://api.example/v1/{account}/bills{?from,size}',
      parameters: { type: 'object', properties: { account: { type: 'string' }, from: { type: 'string' } } },
    });
    const value = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.constantFrom('..', '@x', '//x', '?', '#', ':80', '%2e'),
    );
    fc.assert(
      fc.property(value, value, (account, from) => {
        let url: URL;
        try {
          url = new URL(buildRequest(provider, { account, from }, { jobId: 'job', round: 0 }).url);
        } catch (error) {
          return expect((error as Error).name).toBe('UnsafeExpansion');
        }
        expect(url.origin).toBe('https://api.example');
        expect(url.pathname.split('/')).toHaveLength(4);
        expect(url.searchParams.get('from')).toBe(from);
      }),
    );
  });
});

describe('the credential of a provider', () => {
  test('is sent in a header, after its prefix', async () => {
    const { headers } = await fetchAndCapture({ auth: { header: 'X-Key', prefix: 'Token token=', secret: 'key' } });
    expect(headers['x-key']).toBe('Token token=s3cret-value');
  });

  test('replaces a constant header of the same name', async () => {
    const auth = { header: 'Authorization', secret: 'key' };
    expect((await fetchAndCapture({ headers: { authorization: 'none' }, auth })).headers.authorization).toBe(
      's3cret-value',
    );
  });

  test("is sent in the query, in addition to the URL's own query", async () => {
    const auth = { kind: 'query', parameter: 'api_key', secret: 'key' } as const;
    const { request } = await fetchAndCapture({ auth }, { secret: 'a&b+c d%é', path: '/bills?size=2&api%5Fkey=old' });
    expect(request?.url).toBe('/bills?size=2&api_key=a%26b%2Bc%20d%25%C3%A9');
  });

  test('is sent as HTTP Basic in UTF-8', async () => {
    const auth = { kind: 'basic', username: 'Jürgen', secret: 'key' } as const;
    const { headers } = await fetchAndCapture({ auth }, { secret: 'p:ä€' });
    expect(headers.authorization).toBe(`Basic ${Buffer.from('Jürgen:p:ä€').toString('base64')}`);
  });

  test("is sent in addition to the URL's user info if it is not an Authorization header", async () => {
    const { headers } = await fetchAndCapture({ auth: { header: 'x-key', secret: 'key' } }, { userInfo: 'me:p%40ss@' });
    expect(headers.authorization).toBe(`Basic ${btoa('me:p@ss')}`);
  });

  test.each<[string, NonNullable<ProviderInput['auth']>, string]>([
    ['a header with a line break', { header: 'x-key', secret: 'key' }, 'a\nb'],
    ['a header outside of Latin-1', { header: 'x-key', prefix: 'Bearer ', secret: 'key' }, 'ключ'],
    ['a prefix outside of Latin-1', { header: 'x-key', prefix: '€', secret: 'key' }, 'plain'],
    ['a query that is not Unicode', { kind: 'query', parameter: 'k', secret: 'key' }, 'a\uD800'],
    ['a user name with a colon', { kind: 'basic', username: 'a:b', secret: 'key' }, 'plain'],
    ['a password with a control character', { kind: 'basic', username: 'a', secret: 'key' }, 'a\tb'],
    [
      'a client secret that is not Unicode',
      { kind: 'oauth2', tokenUrl: 'http://127.0.0.1:1', clientId: 'a', secret: 'key' },
      '\uDC00',
    ],
  ])('is never sent as %s', async (_case, auth, secret) => {
    const { name, failure, request, log } = await fetchAndCapture({ auth }, { secret });
    expect([name, failure.class]).toEqual(['CredentialInvalid', 'internal']);
    expect(request).toBeUndefined();
    expect(log.lines[0]).toMatchObject({ level: 'error', message: 'Credential invalid' });
    expect(JSON.stringify([failure, log.lines])).not.toContain(JSON.stringify(secret).slice(1, -1));
  });

  test.each<[string, NonNullable<ProviderInput['auth']>]>([
    ['header', { header: 'x-key', prefix: 'Bearer ', secret: 'key' }],
    ['query', { kind: 'query', parameter: 'key', secret: 'key' }],
    ['basic', { kind: 'basic', username: 'boom', secret: 'key' }],
  ])('(%s) is read again and sent once more if it was rotated', async (_kind, auth) => {
    const server = await startServer(({ url, headers }) => {
      const sent = JSON.stringify([url, headers, atob(headers.authorization?.split(' ')[1] ?? '')]);
      return sent.includes('new-secret') ? { body: [1] } : { status: 401, body: `no ${sent}` };
    });
    stops.push(server.stop);
    const findSecret = async (_name: string, { bypassCache = false } = {}) =>
      bypassCache ? 'new-secret' : 'old-secret';
    const { json } = await fetchFrom({ provider: { url: server.url, auth }, deps: { findSecret } });
    expect(json).toBe('[1]');
    expect(server.requests).toHaveLength(2);
    const findOldSecret = async () => 'old-secret';
    const refusal = await fetchFrom({ provider: { url: server.url, auth }, deps: { findSecret: findOldSecret } });
    expect([refusal.name, refusal.failure.class]).toEqual(['CredentialRefused', 'credential_refused']);
    expect(JSON.stringify([refusal.failure, refusal.log.lines])).not.toContain('old-secret');
  });

  test('is not read again if the provider has none: a 401 is an ordinary refusal', async () => {
    const server = await startServer(() => ({ status: 401 }));
    stops.push(server.stop);
    expect((await fetchFrom({ provider: { url: server.url } })).name).toBe('ProviderRefused');
    expect(server.requests).toHaveLength(1);
  });

  test('is not sent again after a rejection that leaves no time', async () => {
    let now = NOW;
    const server = await startServer(() => {
      now += 14_500;
      return { status: 401 };
    });
    stops.push(server.stop);
    const provider = { url: server.url, auth: { header: 'x-key', secret: 'key' } };
    const { name } = await fetchFrom({ provider, deps: { now: () => now } });
    expect(name).toBe('CredentialRefused');
    expect(server.requests).toHaveLength(1);
  });

  test('leaves headers of other names unchanged', () => {
    expect(withHeaders({ A: '1', b: '2' }, { a: '3', C: '4' })).toEqual({ b: '2', a: '3', C: '4' });
  });
});

describe('the parameters of a job', () => {
  const path = '/{account}';
  const fetchWithParameters = async (setting: Partial<FetchSetting>, provider: Partial<ProviderInput> = {}) =>
    fetchAndCapture({ parameters, ...provider }, { path, ...setting });
  const jobParameters = { gas: { account: '12345678' } };

  test('are read from the job when an older state machine does not pass them', async () => {
    const jobs = jobWith({ parameters: jobParameters, round: 3 });
    const { request } = await fetchWithParameters(
      { deps: { jobs }, request: { job: undefined } },
      { method: 'POST', idempotencyHeader: 'x-id' },
    );
    expect([request?.url, request?.headers['x-id']]).toEqual(['/12345678', 'job:gas:3']);
  });

  test('are not read for a plain GET', async () => {
    let reads = 0;
    const jobs = {
      getWithData: async () => {
        reads += 1;
        return undefined;
      },
    };
    expect((await fetchAndCapture({}, { deps: { jobs }, request: { job: undefined } })).name).toBe('fetched');
    expect((await fetchAndCapture({ method: 'POST', repeatable: true }, { deps: { jobs } })).name).toBe('fetched');
    expect(reads).toBe(0);
    const deletedJob = await fetchAndCapture(
      { method: 'POST', repeatable: true },
      { deps: { jobs }, request: { job: undefined } },
    );
    expect([deletedJob.name, deletedJob.request, reads]).toEqual(['LeaseLost', undefined, 1]);
  });

  test('are looked up only by own property, even for a provider id that every object inherits', async () => {
    const request = { job: { parameters: { gas: { account: '12345678' } } } };
    expect((await fetchAndCapture({ id: 'constructor' }, { request })).name).toBe('fetched');
  });

  const invalidParameters: [string, Partial<ProviderInput>, Record<string, string | number>, string][] = [
    [
      'is no longer known',
      { parameters: { type: 'object', properties: {} } },
      { account: '12345678' },
      'account": Not a known parameter',
    ],
    [
      'has another type',
      { parameters: { type: 'object', properties: { account: { type: 'integer' } } } },
      { account: '12345678' },
      'account": Must be an integer',
    ],
    ['is missing', {}, {}, 'account": Is required'],
    [
      'violates a secret rule',
      {
        parameters: {
          type: 'object',
          properties: { account: { type: 'string', const: 'sesame-open', writeOnly: true } },
        },
      },
      { account: '12345678' },
      'the catalogue no longer allows parameter "account"',
    ],
  ];
  test.each(invalidParameters)(
    'of which one %s are retried for an hour, in case the catalogue changes, and are then refused',
    async (_case, provider, values, excerpt) => {
      const fetchAt = async (now: number, results: unknown[]) =>
        fetchAndCapture(
          { parameters, ...provider },
          {
            path: '/bills',
            deps: { now: () => now, jobs: jobWith({ results: results as never }) },
            request: { leasedUntil: now + LEASE_MS, job: { parameters: { gas: values as Record<string, string> } } },
          },
        );
      const first = await fetchAt(NOW, []);
      expect(first.name).toBe('ProviderThrottled');
      expect(first.failure).toMatchObject({ class: 'bad_parameter', since: NOW });
      expect(first.failure.excerpt).toContain(excerpt);
      expect(first.failure.excerpt).not.toMatch(/12345678|sesame/);
      expect([first.request, first.countedMetrics]).toEqual([undefined, []]);

      const unavailableResult = { providerId: 'gas', status: 'UNAVAILABLE', error: first.failure, attempts: 1 };
      const later = await fetchAt(NOW + 3_599_000, [unavailableResult]);
      expect([later.name, later.failure.since]).toEqual(['ProviderThrottled', NOW]);
      const last = await fetchAt(NOW + 3_600_000, [{ ...unavailableResult, error: later.failure }]);
      expect([last.name, last.failure.class]).toEqual(['ProviderRefused', 'bad_parameter']);

      const other = { ...unavailableResult, error: { class: 'timeout', startedAt: NOW } };
      expect((await fetchAt(NOW + 3_600_000, [other])).name).toBe('ProviderThrottled');
    },
  );
});

describe('a provider that is not in the catalogue', () => {
  const fetchAt = async (now: number, results: unknown[]) =>
    fetchFrom({
      provider: {},
      deps: { now: () => now, catalogue: new Map(), jobs: jobWith({ results: results as never }) },
      request: { leasedUntil: now + LEASE_MS },
    });

  test('is unavailable for an hour, because a deployment may be under way, and is then refused', async () => {
    const first = await fetchAt(NOW, []);
    expect(first.name).toBe('ProviderThrottled');
    expect(first.failure).toMatchObject({ class: 'unknown_provider', since: NOW });
    expect(first.countedMetrics).toEqual([]);

    const unavailableResult = { providerId: 'gas', status: 'UNAVAILABLE', error: first.failure, attempts: 1 };
    const later = await fetchAt(NOW + 3_599_000, [unavailableResult]);
    expect([later.name, later.failure.since]).toEqual(['ProviderThrottled', NOW]);
    const last = await fetchAt(NOW + 3_600_000, [{ ...unavailableResult, error: later.failure }]);
    expect([last.name, last.failure.class]).toEqual(['ProviderRefused', 'unknown_provider']);
  });

  test('is retried for another hour after a different failure, which shows that a catalogue had the provider', async () => {
    const unavailableResult = { providerId: 'gas', status: 'UNAVAILABLE', error: { class: 'timeout' }, attempts: 1 };
    expect((await fetchAt(NOW + 3_600_000, [unavailableResult])).failure).toMatchObject({ since: NOW + 3_600_000 });
  });
});

describe('a POST on a kept-alive connection that the provider closes', () => {
  const response = ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n[]'];
  const fetchTwice = async (change: Partial<ProviderInput>) => {
    const server = await startRawServer(response, [null], response);
    stops.push(server.stop);
    const provider: Partial<ProviderInput> = { url: server.url, method: 'POST', body: {}, ...change };
    const send = createNodeHttp();
    await fetchFrom({ provider, deps: { send } });
    return { ...(await fetchFrom({ provider, deps: { send } })), requests: server.requests };
  };

  test('is not sent again', async () => {
    const { name, requests } = await fetchTwice({});
    expect([name, requests.length]).toEqual(['ProviderUnavailable', 2]);
  });

  test.each([
    ['repeatable', { repeatable: true }],
    ['identified by an idempotency header', { idempotencyHeader: 'x-id' }],
  ])('is sent again if it is %s', async (_case, change) => {
    const { name, requests } = await fetchTwice(change);
    expect([name, requests.length]).toEqual(['fetched', 3]);
  });
});
