import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { SecretMissing } from '@boomerang/core/ports/secrets.ts';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { FetchProviderDeps } from '../../functions/provider-fetch/fetch-provider.ts';
import { NOW } from '../builders.ts';
import {
  createBreakerSpy,
  type FetchSetting,
  fetchFrom,
  type Respond,
  startServer,
  type TestResponse,
} from '../fetching.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const DAY_MS = 86_400_000;

type OAuthInput = Extract<NonNullable<ProviderInput['auth']>, { kind: 'oauth2' }>;
type Setting = {
  auth?: Partial<OAuthInput>;
  /** The token endpoint's response to the nth request. */
  token?: (request: Parameters<Respond>[0], number: number) => TestResponse | Promise<TestResponse>;
  /** The provider's response to a request with this Authorization header. */
  data?: (token: string) => TestResponse;
};

/** A provider with a token endpoint, and a process that fetches from it. */
const startProvider = async ({ auth = {}, token, data }: Setting = {}) => {
  let tokenCount = 0;
  const server = await startServer((request) => {
    if (request.path !== '/token') return data?.(bearerOf(request)) ?? { body: [bearerOf(request)] };
    tokenCount += 1;
    const defaultBody = { access_token: `token-${tokenCount}`, token_type: 'Bearer', expires_in: 3_600 };
    return token?.(request, tokenCount) ?? { body: defaultBody };
  });
  stops.push(server.stop);
  const send = createNodeHttp();
  const provider: Partial<ProviderInput> = {
    url: `${server.url}/bills`,
    timeoutMs: 10_000,
    auth: { kind: 'oauth2', tokenUrl: `${server.url}/token`, clientId: 'boomerang', secret: 'key', ...auth },
  };
  const fetch = (deps: Partial<FetchProviderDeps> = {}, setting: Partial<FetchSetting> = {}) =>
    fetchFrom({ provider, deps: { send, ...deps }, request: { leasedUntil: NOW + 10 * DAY_MS }, ...setting });
  const tokenRequests = () => server.requests.filter(({ url }) => url === '/token');
  return { server, provider, send, fetch, tokenRequests };
};

const bearerOf = ({ headers }: Parameters<Respond>[0]): string => headers.authorization ?? 'none';
const tokenResponse = (change: object): TestResponse => ({
  body: { access_token: 'token-x', token_type: 'bearer', expires_in: 3_600, ...change },
});

describe('a token', () => {
  test('is requested with client credentials and sent with the call', async () => {
    const { fetch, tokenRequests } = await startProvider({ auth: { scope: 'bills read', audience: 'https://api' } });
    expect((await fetch()).json).toBe('["Bearer token-1"]');
    const [request] = tokenRequests();
    expect(request?.method).toBe('POST');
    expect(request?.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/);
    expect(request?.headers.authorization).toBe(`Basic ${btoa('boomerang:s3cret-value')}`);
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      grant_type: 'client_credentials',
      scope: 'bills read',
      audience: 'https://api',
    });
  });

  test('may be requested with the credentials in the body', async () => {
    const { fetch, tokenRequests } = await startProvider({ auth: { clientAuth: 'post', clientId: 'a b' } });
    await fetch({}, { secret: 's+e&c=r%t' });
    const [request] = tokenRequests();
    expect(request?.headers.authorization).toBeUndefined();
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'a b',
      client_secret: 's+e&c=r%t',
    });
  });

  test('is requested with form-encoded credentials, in which ordinary characters are unchanged', async () => {
    const { fetch, tokenRequests } = await startProvider({ auth: { clientId: 'my-client_1.x' } });
    await fetch({}, { secret: 'a:b c+d%é~' });
    const [, encoded = ''] = tokenRequests()[0]?.headers.authorization?.split(' ') ?? [];
    expect(atob(encoded)).toBe('my-client_1.x:a%3Ab+c%2Bd%25%C3%A9%7E');
  });

  test('is cached for the next call', async () => {
    const { fetch, tokenRequests } = await startProvider();
    await fetch();
    await fetch();
    expect(tokenRequests()).toHaveLength(1);
  });

  test('is cached per client, scope, audience, authentication method and secret', async () => {
    const { fetch, provider, tokenRequests } = await startProvider();
    const auth = provider.auth as OAuthInput;
    const variants: Partial<OAuthInput>[] = [
      {},
      { clientId: 'b' },
      { scope: 'b' },
      { audience: 'b' },
      { clientAuth: 'post' },
    ];
    for (const change of [...variants, ...variants])
      await fetch({}, { provider: { ...provider, auth: { ...auth, ...change } } });
    await fetch({}, { secret: 'another-secret' });
    expect(tokenRequests()).toHaveLength(variants.length + 1);
  });

  test.each([
    ['30 s before it expires', 3_600, 3_569, 3_570],
    ['after nine tenths of a short lifetime', 60, 53, 54],
    ['within the default lifetime if the response states none', undefined, 269, 270],
    ['within the default lifetime if the response states null', null, 269, 270],
    ['within the default lifetime if the response states a negative one', -1, 269, 270],
    ['at once if its lifetime is zero', 0, -1, 0],
    ['after nine tenths of a lifetime stated as a string', '100', 89, 90],
    ['after a day at most', 1e300, 86_369, 86_370],
  ])('is renewed %s', async (_case, expires_in, freshAfter, renewedAfter) => {
    let now = NOW;
    const { fetch, tokenRequests } = await startProvider({ token: () => tokenResponse({ expires_in }) });
    await fetch({ now: () => now });
    if (freshAfter >= 0) {
      now = NOW + freshAfter * 1_000;
      await fetch({ now: () => now });
      expect(tokenRequests()).toHaveLength(1);
    }
    now = NOW + renewedAfter * 1_000;
    await fetch({ now: () => now });
    expect(tokenRequests()).toHaveLength(2);
  });

  test('is requested once for all calls that wait for it', async () => {
    const { fetch, tokenRequests } = await startProvider();
    const results = await Promise.all(Array.from({ length: 200 }, () => fetch()));
    expect(new Set(results.map(({ json }) => json))).toEqual(new Set(['["Bearer token-1"]']));
    expect(tokenRequests()).toHaveLength(1);
  });

  test('that cannot be issued fails all waiting calls, and the next call requests it again', async () => {
    const { fetch, tokenRequests } = await startProvider({
      token: (_, number) => (number === 1 ? { status: 500 } : tokenResponse({})),
    });
    const results = await Promise.all(Array.from({ length: 50 }, () => fetch()));
    expect(new Set(results.map(({ name }) => name))).toEqual(new Set(['ProviderUnavailable']));
    expect(tokenRequests()).toHaveLength(1);
    expect((await fetch()).name).toBe('fetched');
  });

  test('that another call requested is awaited for at most the timeout of the waiting call', async () => {
    const { fetch, provider } = await startProvider({ token: () => ({ ...tokenResponse({}), delayMs: 1_500 }) });
    const longCall = fetch();
    const shortCall = await fetch({}, { provider: { ...provider, timeoutMs: 50 } });
    expect(shortCall).toMatchObject({ name: 'ProviderUnavailable', failure: { class: 'timeout' } });
    expect((await longCall).name).toBe('fetched');
  });
});

describe('a token that the provider rejects', () => {
  const acceptTokens =
    (isAccepted: (token: string) => boolean) =>
    (token: string): TestResponse =>
      isAccepted(token) ? { body: [token] } : { status: 401, body: 'expired' };

  test('is dropped, and the call repeated once with a new one', async () => {
    const { fetch, tokenRequests } = await startProvider({ data: acceptTokens((token) => token.endsWith('2')) });
    expect((await fetch()).json).toBe('["Bearer token-2"]');
    expect(tokenRequests()).toHaveLength(2);
    expect((await fetch()).json).toBe('["Bearer token-2"]');
    expect(tokenRequests()).toHaveLength(2);
  });

  test('is replaced once for all calls that it was rejected for', async () => {
    const { fetch, server, tokenRequests } = await startProvider({
      data: acceptTokens((token) => token.endsWith('2')),
    });
    const results = await Promise.all(Array.from({ length: 100 }, () => fetch()));
    expect(results.filter(({ name }) => name !== 'fetched')).toEqual([]);
    expect(tokenRequests()).toHaveLength(2);
    expect(server.requests.length).toBeLessThanOrEqual(202);
  });

  test('is replaced once when it expires between pages', async () => {
    let pages = 0;
    const { fetch, provider, tokenRequests } = await startProvider({
      data: (token) => {
        pages += 1;
        if (token.endsWith(pages <= 2 ? '1' : '2')) return { body: { items: [pages], next: pages < 5 ? pages : null } };
        return { status: 401 };
      },
    });
    const pagination = { kind: 'cursor', cursorAt: '/next', parameter: 'c', itemsAt: '/items' } as const;
    const { json } = await fetch({}, { provider: { ...provider, pagination } });
    expect(json).toBe('[1,2,4,5]');
    expect(tokenRequests()).toHaveLength(2);
  });

  test('is replaced after the secret is read again, since it may have been rotated', async () => {
    const { fetch, tokenRequests } = await startProvider({
      token: ({ headers }) => tokenResponse({ access_token: atob(headers.authorization?.split(' ')[1] ?? '') }),
      data: acceptTokens((token) => token.includes('new')),
    });
    const findSecret = async (_name: string, { bypassCache = false } = {}) =>
      bypassCache ? 'new-secret' : 'old-secret';
    expect((await fetch({ findSecret })).json).toBe('["Bearer boomerang:new-secret"]');
    expect(tokenRequests()).toHaveLength(2);
  });

  test('counts as a credential failure if its replacement is rejected too: the job is retried, and the circuit does not count it', async () => {
    const { fetch, tokenRequests } = await startProvider({ data: () => ({ status: 401, body: 'no' }) });
    const breaker = createBreakerSpy();
    const { name, failure, log, countedMetrics } = await fetch({ breaker });
    expect([name, failure.class, failure.statusCode]).toEqual(['CredentialRefused', 'credential_refused', 401]);
    expect(countedMetrics).toEqual(['CredentialsRefused']);
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ['error', 'Credential refused'],
      ['warn', 'Provider fetch failed'],
    ]);
    expect(breaker.verdicts).toEqual(['succeeded', 'succeeded']);
    expect(tokenRequests()).toHaveLength(2);
    // Neither token is used again.
    await fetch();
    expect(tokenRequests()).toHaveLength(4);
  });

  test('is handled as the catalogue declares for 401, but not as it declares for 4xx', async () => {
    const { fetch, provider, tokenRequests } = await startProvider({ data: () => ({ status: 401, body: 'no' }) });
    const { json } = await fetch({}, { provider: { ...provider, responses: { '401': 'empty' } } });
    expect(json).toBe('null');
    expect(tokenRequests()).toHaveLength(1);
    const byClass = await fetch({}, { provider: { ...provider, responses: { '4xx': 'empty' } } });
    expect(byClass.name).toBe('CredentialRefused');
  });
});

describe('a token endpoint', () => {
  const fetchWithToken = async (token: NonNullable<Setting['token']>, deps: Partial<FetchProviderDeps> = {}) => {
    const breaker = createBreakerSpy();
    const { fetch, tokenRequests } = await startProvider({ token });
    return { ...(await fetch({ breaker, ...deps })), verdicts: breaker.verdicts, tokenRequests };
  };

  test.each<[string, TestResponse]>([
    ['invalid_client', { status: 401, body: { error: 'invalid_client' } }],
    ['invalid_client', { status: 400, body: { error: 'invalid_client', error_description: 'expired' } }],
    ['unauthorized_client', { status: 400, body: { error: 'unauthorized_client' } }],
    ['invalid_scope', { status: 400, body: { error: 'invalid_scope' } }],
    ['unsupported_grant_type', { status: 403, body: { error: 'unsupported_grant_type' } }],
    ['invalid_client', { status: 200, body: { error: 'invalid_client' } }],
    ['401', { status: 401, body: 'no' }],
    ['403', { status: 403 }],
    ['404', { status: 404, body: '<html>' }],
  ])(
    'that answers %s (%j) rejects the credential: the failure is logged and counted, and the secret is read again',
    async (detail, response) => {
      const freshReads: (boolean | undefined)[] = [];
      const findSecret: FetchProviderDeps['findSecret'] = async (_, options) => {
        freshReads.push(options?.bypassCache);
        return 's3cret-value';
      };
      const { name, failure, countedMetrics, log, verdicts, tokenRequests } = await fetchWithToken(() => response, {
        findSecret,
      });
      expect([name, failure.class, failure.statusCode]).toEqual([
        'CredentialRefused',
        'credential_refused',
        response.status,
      ]);
      expect(failure.excerpt).toContain(`token endpoint: ${detail}`);
      expect(countedMetrics).toEqual(['CredentialsRefused']);
      expect(log.lines[0]).toMatchObject({ level: 'error', message: 'Credential refused' });
      expect(freshReads).toEqual([undefined, true]);
      expect(tokenRequests()).toHaveLength(2);
      expect(verdicts).toEqual(['succeeded', 'succeeded']);
    },
  );

  test.each<[string, TestResponse, string, string]>([
    ['500', { status: 500, body: 'broken' }, 'ProviderUnavailable', 'bad_status'],
    ['503', { status: 503 }, 'ProviderThrottled', 'bad_status'],
    ['429', { status: 429 }, 'ProviderThrottled', 'bad_status'],
    ['403 with Retry-After', { status: 403, headers: { 'retry-after': '9' } }, 'ProviderThrottled', 'bad_status'],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'ProviderUnavailable', 'bad_status'],
    [
      'a transient error',
      { status: 400, body: { error: 'temporarily_unavailable' } },
      'ProviderUnavailable',
      'bad_status',
    ],
    ['slow_down', { status: 400, body: { error: 'slow_down' } }, 'ProviderThrottled', 'bad_status'],
    ['a body that is not JSON', { body: '<html>' }, 'ProviderUnavailable', 'bad_body'],
    ['a body that is not an object', { body: [] }, 'ProviderUnavailable', 'bad_body'],
    ['no token', { body: { token_type: 'bearer' } }, 'ProviderUnavailable', 'bad_body'],
    ['an empty token', tokenResponse({ access_token: '' }), 'ProviderUnavailable', 'bad_body'],
    ['a token of another type', tokenResponse({ token_type: 'mac' }), 'ProviderUnavailable', 'bad_body'],
    ['a token bound to a key', tokenResponse({ token_type: 'DPoP' }), 'ProviderUnavailable', 'bad_body'],
    ['no token type', tokenResponse({ token_type: undefined }), 'ProviderUnavailable', 'bad_body'],
    ['a token with a line break', tokenResponse({ access_token: 'a\r\nx: 1' }), 'ProviderUnavailable', 'bad_body'],
    ['a token type that is not a string', tokenResponse({ token_type: 7 }), 'ProviderUnavailable', 'bad_body'],
    ['a token that is not a string', tokenResponse({ access_token: {} }), 'ProviderUnavailable', 'bad_body'],
    ['null', { body: 'null' }, 'ProviderUnavailable', 'bad_body'],
    ['no body', { status: 204 }, 'ProviderUnavailable', 'bad_body'],
    [
      'a body of 70 KB',
      { body: { ...(tokenResponse({}).body as object), x: 'x'.repeat(70_000) } },
      'ProviderUnavailable',
      'too_large',
    ],
  ])('that answers %s counts as a failure of its provider', async (_case, response, name, failureClass) => {
    const result = await fetchWithToken(() => response);
    expect([result.name, result.failure.class]).toEqual([name, failureClass]);
    expect(result.failure.excerpt).toMatch(/^token endpoint: /);
    expect(result.countedMetrics).toEqual(['ProviderFailures']);
    expect(result.verdicts).toEqual([{ class: failureClass, statusCode: result.failure.statusCode }]);
    expect(result.failure.retryAfterMs).toBe(response.headers?.['retry-after'] ? 9_000 : undefined);
  });

  test('that never responds times out within the time of the call', async () => {
    const { fetch, provider } = await startProvider({ token: () => new Promise(() => {}) });
    const { name, failure } = await fetch({}, { provider: { ...provider, timeoutMs: 200 } });
    expect([name, failure.class, failure.excerpt]).toEqual([
      'ProviderUnavailable',
      'timeout',
      expect.stringMatching(/^token endpoint: /),
    ]);
  });

  test('that is unreachable counts as a failure of its provider', async () => {
    const { name, failure } = await (await startProvider({ auth: { tokenUrl: 'http://127.0.0.1:1/token' } })).fetch();
    expect([name, failure.class]).toEqual(['ProviderUnavailable', 'connection_refused']);
  });

  test('is not called while the circuit of its provider is open', async () => {
    const { name, tokenRequests } = await fetchWithToken(() => tokenResponse({}), { breaker: createBreakerSpy(true) });
    expect(name).toBe('ProviderCircuitOpen');
    expect(tokenRequests()).toEqual([]);
  });

  test('is not subject to the limits of its provider', async () => {
    const order: string[] = [];
    const { name } = await fetchWithToken(
      () => {
        order.push('token');
        return tokenResponse({});
      },
      {
        limitCalls: async (_, call) => {
          order.push('limit');
          return call();
        },
      },
    );
    expect([name, order]).toEqual(['fetched', ['token', 'limit']]);
  });

  test("uses part of the call's time", async () => {
    let now = NOW;
    const timeouts: number[] = [];
    const { provider, send } = await startProvider({
      token: () => {
        now += 8_000;
        return tokenResponse({});
      },
    });
    await fetchFrom({
      provider: { ...provider, timeoutMs: 10_000 },
      deps: {
        now: () => now,
        send: async (request) => {
          timeouts.push(request.timeoutMs);
          return send(request);
        },
      },
    });
    expect(timeouts).toEqual([10_000, 7_000]);
  });

  test('that uses up the time of the call gives the circuit no verdict', async () => {
    let now = NOW;
    const token = () => {
      now += 14_500;
      return tokenResponse({});
    };
    const { name, failure, verdicts } = await fetchWithToken(token, { now: () => now });
    expect([name, failure.class]).toEqual(['ProviderUnavailable', 'timeout']);
    expect(verdicts).toEqual(['unknown']);
  });

  test('that echoes the secret or the previous token does not leak them into failures or logs', async () => {
    let now = NOW;
    const { fetch } = await startProvider({
      token: ({ body }, number) => {
        if (number === 1) return tokenResponse({ access_token: 'first-access-token', expires_in: 1 });
        return {
          status: 400,
          body: { error: 'invalid_client', error_description: `no ${body} s3cret-value first-access-token` },
        };
      },
      auth: { clientAuth: 'post' },
    });
    await fetch({ now: () => now });
    now += 60_000;
    const { failure, log } = await fetch({ now: () => now });
    expect(failure.class).toBe('credential_refused');
    expect(JSON.stringify([failure, log.lines])).not.toMatch(/s3cret-value|first-access/);
  });

  test('is called only if its secret exists', async () => {
    const { name, tokenRequests } = await fetchWithToken(() => tokenResponse({}), {
      findSecret: async () => {
        throw new SecretMissing('the secret key is not set');
      },
    });
    expect(name).toBe('CredentialMissing');
    expect(tokenRequests()).toEqual([]);
  });
});
