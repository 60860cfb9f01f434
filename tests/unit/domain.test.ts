import { isPaused } from '@boomerang/core/config/policy.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { parseAddressExceptions } from '@boomerang/core/domain/address-rules.ts';
import { callbackBody } from '@boomerang/core/domain/callback-body.ts';
import { InvalidCatalogue, parseCatalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import { CallbackThrottled, loggable } from '@boomerang/core/domain/failures.ts';
import { toClaimedJob } from '@boomerang/core/domain/job.ts';
import { judgeCallbackResponse, judgeProviderStatus, parseRetryAfter } from '@boomerang/core/domain/responses.ts';
import { describe, expect, test } from '@jest/globals';
import { createBatches } from '../../functions/job-claim/batches.ts';
import { createWebhookSchema } from '../../functions/webhook/schema.ts';
import { aCatalogue, aClaim, aJob, NOW } from '../builders.ts';

describe('responses', () => {
  test.each([
    [200, 'data'],
    [202, 'not_ready'],
    [204, 'empty'],
    [205, 'empty'],
    [206, 'not_ready'],
    [226, 'not_ready'],
    [302, 'unavailable'],
    [400, 'refused'],
    [404, 'refused'],
    [408, 'unavailable'],
    [410, 'refused'],
    [425, 'unavailable'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ])("a provider's %i means %s", (status, verdict) => {
    expect(judgeProviderStatus(status)).toBe(verdict);
  });

  test.each([
    [200, {}, 'delivered'],
    [299, {}, 'delivered'],
    [410, {}, 'gone'],
    [500, { isAborted: true }, 'gone'],
    [429, {}, 'throttled'],
    [503, {}, 'throttled'],
    [500, { hasRetryAfter: true }, 'throttled'],
    [404, { hasRetryAfter: true }, 'throttled'],
    [408, {}, 'unavailable'],
    [425, {}, 'unavailable'],
    [500, {}, 'unavailable'],
    [301, {}, 'rejected'],
    [400, {}, 'rejected'],
    [404, {}, 'rejected'],
  ])("a receiver's %i with %j means %s", (status, attributes, verdict) => {
    expect(judgeCallbackResponse(status, { hasRetryAfter: false, isAborted: false, ...attributes })).toBe(verdict);
  });

  test.each([
    ['120', 120_000],
    [new Date(NOW + 60_000).toUTCString(), 60_000],
    [new Date(NOW - 60_000).toUTCString(), 0],
    ['Fri, 15 Jan 2027 08:00:30 GMT', 30_000],
    ['Friday, 15-Jan-27 08:00:30 GMT', 30_000],
    ['Fri Jan 15 08:00:30 2027', 30_000],
    ['0', 0],
    [' 5 ', 5_000],
    ['soon', undefined],
    ['about 60', undefined],
    ['later 1', undefined],
    ['sleep 120', undefined],
    ['Fri, 99 Foo 2027 08:00:30 GMT', undefined],
    ['2s', undefined],
    ['120, 60', undefined],
    ['0x10', undefined],
    ['1e3', undefined],
    ['-1', undefined],
    ['1.5', 2_000],
    ['.2', 1_000],
    ['1.5.1', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('Retry-After "%s" means %p ms', (value, ms) => {
    expect(parseRetryAfter(value, NOW)).toBe(ms);
  });

  test('Retry-After is at most a year', () => {
    expect(parseRetryAfter('9'.repeat(400), NOW)).toBe(365 * 24 * 3600 * 1000);
  });
});

test('a callback body has results and errors in the order of the job, with every digit', () => {
  const body = callbackBody('j"1', [
    { providerId: 'gas', fetchedAt: NOW, json: '{"id":12345678901234567890,"rate":1.10}' },
    { providerId: 'internet', code: 'PROVIDER_REFUSED', failure: { class: 'bad_status', statusCode: 404 } },
    {
      providerId: 'water',
      code: 'PROVIDER_UNAVAILABLE',
      failure: { class: 'circuit_open', cause: { class: 'bad_status', statusCode: 503 } },
    },
  ]);
  expect(body).toContain('"data":{"id":12345678901234567890,"rate":1.10}}');
  expect(JSON.parse(body)).toEqual({
    jobId: 'j"1',
    data: [
      { providerId: 'gas', fetchedAt: new Date(NOW).toISOString(), data: expect.anything() },
      {
        providerId: 'internet',
        error: { code: 'PROVIDER_REFUSED', message: 'The provider refused the request (bad_status, status 404).' },
      },
      {
        providerId: 'water',
        error: {
          code: 'PROVIDER_UNAVAILABLE',
          message: 'The provider did not return its data in time (circuit_open after bad_status, status 503).',
        },
      },
    ],
  });
});

describe('the catalogue', () => {
  const gas = { id: 'gas', url: '${PROVIDERS_API_URL}/gas' };
  const parse = (providers: unknown[], url: string | undefined = 'http://127.0.0.1') =>
    parseCatalogue(JSON.stringify({ providers }), { PROVIDERS_API_URL: url });

  test('fills placeholders and defaults', () => {
    expect(parse([gas]).get('gas')).toEqual({
      id: 'gas',
      method: 'GET',
      url: 'http://127.0.0.1/gas',
      repeatable: false,
      bodyErrors: [],
      timeoutMs: 10_000,
      maxBytes: 1_048_576,
    });
  });

  test.each([
    ['an unknown key', [{ ...gas, color: 'blue' }], /color/],
    ['a repeated id', [gas, gas], /Duplicate id/],
    ['an id in capitals', [{ ...gas, id: 'Gas' }], /id/],
    ['a timeout that is too long', [{ ...gas, timeoutMs: 15_001 }], /timeoutMs/],
    ['too many bytes', [{ ...gas, maxBytes: 1_048_577 }], /maxBytes/],
    ['no provider', [], /providers/],
    ['another scheme', [{ id: 'gas', url: 'file:///etc/passwd' }], /url/],
  ])('rejects %s', (_case, providers, message) => {
    expect(() => parse(providers)).toThrow(message);
  });

  test.each(['[]', 'null', '"text"', '{}', '{"providers":{}}', '{"providers":[null]}'])(
    'cannot be read from %s',
    (text) => {
      expect(() => parseCatalogue(text, {})).toThrow(InvalidCatalogue);
    },
  );

  test('reports every invalid field', () => {
    expect(() =>
      parse([
        { ...gas, timeoutMs: 0 },
        { id: 'b', url: 'x', more: 1 },
      ]),
    ).toThrow(/providers\.0\.timeoutMs: .*; providers\.1\.url: .*; providers\.1: .*more/);
  });

  test('reports a missing placeholder, and text that is not JSON', () => {
    expect(() => parseCatalogue(JSON.stringify({ providers: [gas] }), {})).toThrow(/PROVIDERS_API_URL is not set/);
    expect(() => parseCatalogue('{', {})).toThrow(/not JSON/);
  });
});

describe('settings', () => {
  test.each([
    ['FAILURE_RATE', '2'],
    ['FAILURE_RATE', 'x'],
    ['FAILURE_RATE', ''],
    ['FAILURE_RATE', '-0.1'],
    ['FAILURE_RATE', 'NaN'],
    ['FAILURE_RATE', '1e-1'],
    ['FAILURE_SEED', '-1'],
    ['FAILURE_SEED', '1.5'],
    ['FAILURE_SEED', '4294967296'],
    ['PROVIDER_LATENCY_MS', '29001'],
    ['PROVIDER_LATENCY_MS', 'soon'],
    ['REPORTS_CLIENT_SECRET', ''],
    ['REPORTS_CLIENT_SECRET', ' '],
    ['LEASE_SECONDS', '359'],
    ['LEASE_SECONDS', '360.5'],
    ['LEASE_SECONDS', '9'.repeat(30)],
    ['RETENTION_SECONDS', '59'],
    ['MAX_JOBS_PER_SWEEP', '0'],
    ['SHARD_COUNT', '65'],
    ['PROVIDER_CATALOGUE', ''],
    ['JOB_TABLE_NAME', ''],
    ['STATE_MACHINE_ARN', ''],
    ['RETRY_SCHEDULE_SECONDS', '30;120'],
    ['RETRY_SCHEDULE_SECONDS', '30,-1'],
    ['RETRY_SCHEDULE_SECONDS', Array(51).fill('1').join()],
    ['MAINTENANCE_WINDOW', '2026-01-01T00:00Z'],
    ['MAINTENANCE_WINDOW', '2026-01-01T00:00Z/2026-01-02T00:00Z/2026-01-03T00:00Z'],
    ['RETRY_SCHEDULE_SECONDS', ''],
    ['RETRY_SCHEDULE_SECONDS', '1,,2'],
    ['FETCH_DEADLINE_SECONDS', '0'],
    ['MIN_POLL_SECONDS', '0'],
    ['MAINTENANCE_WINDOW', 'now'],
    ['MAINTENANCE_WINDOW', '2026-01-02T00:00Z/2026-01-01T00:00Z'],
    ['SHARD_COUNT', '0'],
    ['CALLBACK_ALLOW_HTTP', 'yes'],
    ['PROVIDERS_API_URL', 'x'],
  ] as const)('%s=%s is reported in one line', (name, value) => {
    expect(() => readSettings([name], { [name]: value })).toThrow(new RegExp(`^${name}: [^\\n]+$`));
  });

  test('all missing settings are reported at once', () => {
    expect(() => readSettings(['JOB_TABLE_NAME', 'SHARD_COUNT'], {})).toThrow(
      'JOB_TABLE_NAME: is not set; SHARD_COUNT: is not set',
    );
  });

  test('lists of seconds and maintenance windows are parsed', () => {
    const read = readSettings(['RETRY_SCHEDULE_SECONDS', 'MAINTENANCE_WINDOW'], {
      RETRY_SCHEDULE_SECONDS: '30, 120',
      MAINTENANCE_WINDOW: '2026-01-01T00:00:00Z/2026-01-01T01:00:00Z',
    });
    expect(read).toEqual({
      RETRY_SCHEDULE_SECONDS: [30, 120],
      MAINTENANCE_WINDOW: { from: 1767225600000, to: 1767229200000 },
    });
  });
});

describe('PAUSED', () => {
  test.each([
    ['none', { fetch: false, callbacks: false, claims: false }],
    ['fetch', { fetch: true, callbacks: false, claims: false }],
    ['callbacks', { fetch: false, callbacks: true, claims: false }],
    // A job with frozen results has nothing left to fetch, so only a pause of callbacks defers it.
    ['all', { fetch: true, callbacks: true, claims: true }],
  ] as const)('with %s is %j', (PAUSED, paused) => {
    const parts = ['fetch', 'callbacks', 'claims'] as const;
    expect(Object.fromEntries(parts.map((part) => [part, isPaused({ PAUSED }, part)]))).toEqual(paused);
  });
});

describe('failures', () => {
  test('fit into 1 KiB, and are logged without their excerpts', () => {
    const error = new CallbackThrottled({ class: 'bad_status', statusCode: 429, excerpt: 'x'.repeat(10_000) });
    expect(Buffer.byteLength(error.message)).toBeLessThan(1024);
    expect(loggable(error)).toEqual({ failure: 'CallbackThrottled', class: 'bad_status', statusCode: 429 });
  });
});

describe('a claimed job', () => {
  test('has its missing providers, and is final if its deadline has passed', () => {
    const results = [
      { providerId: 'gas', status: 'FETCHED' as const, fetchedAt: NOW, bytes: 1 },
      { providerId: 'internet', status: 'UNAVAILABLE' as const, error: { class: 'timeout' as const } },
    ];
    const job = aJob({ results });
    expect(toClaimedJob({ ...job, phase: 'CALLING_BACK' }, 'scheduled', NOW)).toMatchObject({
      providers: [],
      isAnyWaiting: false,
    });
    expect(toClaimedJob(job, 'scheduled', NOW)).toMatchObject({
      providers: ['internet'],
      checkpointed: true,
      final: false,
    });
    expect(toClaimedJob(job, 'scheduled', job.deadlineAt).final).toBe(true);
  });

  test('is at most 6 KiB, and a full pass of claims at most 256 KiB', () => {
    const ids = Array.from({ length: 10 }, (_, index) => `p${'x'.repeat(38)}${index}`);
    const claim = aClaim({ callbackUrl: `https://example.com/${'x'.repeat(2_028)}`, order: ids, providers: ids });
    expect(Buffer.byteLength(JSON.stringify(claim))).toBeLessThan(6 * 1024);
    const batches = createBatches();
    while (!batches.isFull() && batches.room() > 0) batches.add(claim, false);
    expect(Buffer.byteLength(JSON.stringify(batches.toArray()))).toBeLessThan(256 * 1024);
    expect(Math.max(...batches.toArray().map((batch) => batch.length))).toBeLessThanOrEqual(40);
  });

  test('with an earlier claim that had no outcome is alone in its batch', () => {
    const batches = createBatches();
    batches.add(aClaim(), false);
    batches.add(aClaim(), true);
    batches.add(aClaim(), false);
    expect(batches.toArray().map((batch) => batch.length)).toEqual([2, 1]);
  });
});

describe('a callback address', () => {
  const isValid = (callbackUrl: unknown, allowHttp = false) =>
    createWebhookSchema(aCatalogue('gas'), { allowHttp, exceptions: parseAddressExceptions('none') }).safeParse({
      providers: ['gas'],
      callbackUrl,
    }).success;

  test.each([
    'https://example.com',
    'HTTPS://EXAMPLE.com/a?b=c',
    'https://bücher.example/x',
    'https://example.com:8443/',
    'https://[2606:4700:4700::1111]/x',
    'https://xn--bcher-kva.example/x',
    'https://example.com/a%20b?token=%00',
    'https://example.com/?q=https://other.example/',
    `https://example.com/${'x'.repeat(2_028)}`,
    `https://example.com?${'x'.repeat(2_028)}`,
  ])('like %s is accepted', (url) => expect(isValid(url)).toBe(true));

  test.each([
    'http://example.com',
    'https:example.com',
    'https:/example.com',
    'https:///example.com',
    'https://example.com:65536',
    'https://example.com:port',
    'https://exa mple.com',
    'https://exa%00mple.com',
    'https://?x',
    'https://:443',
    'https://user:secret@example.com',
    'https://:secret@example.com',
    'https://example.com/#',
    'https://example.com/a\\b',
    'blob:https://example.com',
    'data:text/plain,x',
    `https://example.com/${'x'.repeat(2_029)}`,
    `https://example.com/${'é'.repeat(400)}`,
    7,
    'https:\\\\example.com',
    ' https://example.com',
    'https://example.com\n',
    'https://exa\tmple.com',
    '//example.com',
    'https://',
    'https://user@example.com',
    'https://example.com/#a',
    'javascript:alert(1)',
    'https://[::1',
    '',
    null,
    {},
    ['https://example.com'],
  ])('like %j is rejected', (url) => expect(isValid(url)).toBe(false));

  test.each([
    ['https://example.com:0/', /port 0/],
    ['https://example.com:00000/', /port 0/],
    ['https://8.8.8.8:0', /port 0/],
    ['https://@example.com/', /user name/],
    ['https://:@example.com/', /user name/],
    ['https://a..example.com/', /between two dots/],
    ['https://example.com../', /between two dots/],
    [`https://${'a'.repeat(64)}.example.com/`, /63 characters/],
    [`https://${'a.'.repeat(124)}example.com/`, /253 characters/],
    ['https://a*b.example.com/', /letters, digits/],
    ['https://[100:0:0:1::1]/', /private, local or reserved/],
    ['https://[100:0:0:1:FFFF:ffff:ffff:FFFF]/', /private, local or reserved/],
    ['https://[0100:0000:0000:0001:0:0:8.8.8.8]/', /private, local or reserved/],
    ['https://none/', /local networks/],
  ])('like %s is rejected with a reason', (callbackUrl, reason) => {
    const schema = createWebhookSchema(aCatalogue('gas'), {
      allowHttp: true,
      exceptions: parseAddressExceptions('NONE'),
    });
    const { error } = schema.safeParse({ providers: ['gas'], callbackUrl });
    expect(error?.issues).toMatchObject([{ path: ['callbackUrl'], message: expect.stringMatching(reason) }]);
  });

  test.each(['https://example.com/@', 'https://example.com/?a@b', 'https://example.com./', 'https://example.com/:0'])(
    'like %s, which resembles an invalid one, is accepted',
    (callbackUrl) => expect(isValid(callbackUrl)).toBe(true),
  );

  test('is stored as normalised by the URL parser', () => {
    const parsed = createWebhookSchema(aCatalogue('gas'), {
      allowHttp: false,
      exceptions: parseAddressExceptions('none'),
    }).parse({
      providers: ['gas'],
      callbackUrl: 'HTTPS://BÜCHER.example:443/a/../é?x=é',
    });
    expect(parsed.callbackUrl).toBe('https://xn--bcher-kva.example/%C3%A9?x=%C3%A9');
  });

  test('may be plain http if allowed', () => {
    expect(isValid('http://example.com', true)).toBe(true);
    expect(isValid('ftp://example.com', true)).toBe(false);
  });
});
