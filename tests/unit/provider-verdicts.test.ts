import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { judgeStatus, readHint } from '@boomerang/core/domain/responses.ts';
import type { HttpResponse } from '@boomerang/core/ports/http.ts';
import { describe, expect, test } from '@jest/globals';
import { valueAt } from '../../functions/provider-fetch/value-at.ts';
import { NOW } from '../builders.ts';
import { createBreakerSpy, fetchFrom } from '../fetching.ts';

/** The outcome of one response. */
const outcomeOf = async (
  provider: Partial<ProviderInput>,
  response: Partial<HttpResponse> & { json?: unknown } = {},
) => {
  const { json, ...rest } = response;
  const isJson = json !== undefined;
  const breaker = createBreakerSpy();
  const send = async (): Promise<HttpResponse> => ({
    statusCode: 200,
    headers: isJson ? { 'content-type': 'application/json', ...rest.headers } : {},
    body: Buffer.from(isJson ? JSON.stringify(json) : ''),
    durationMs: 1,
    ...rest,
  });
  return { ...(await fetchFrom({ provider, deps: { send, breaker } })), verdicts: breaker.verdicts };
};

describe('a status', () => {
  test("has the meaning declared for it, else that for its class, else HTTP's", () => {
    const responses = { '404': 'empty', '4xx': 'unavailable', '2xx': 'refused' } as const;
    expect(judgeStatus(404, responses)).toEqual({ kind: 'empty', isStated: true });
    expect(judgeStatus(403, responses)).toEqual({ kind: 'unavailable', isStated: true });
    expect(judgeStatus(204, responses)).toEqual({ kind: 'refused', isStated: true });
    expect(judgeStatus(500, responses)).toEqual({ kind: 'unavailable', isStated: false });
    expect(judgeStatus(202)).toEqual({ kind: 'not_ready', isStated: false });
    expect(judgeStatus(200, {})).toEqual({ kind: 'data', isStated: false });
  });

  test.each<[number, NonNullable<ProviderInput['responses']>, string, string | undefined]>([
    [404, { '404': 'empty' }, 'fetched', 'null'],
    [404, { '404': 'data' }, 'fetched', '{"a":1}'],
    [202, { '202': 'data' }, 'fetched', '{"a":1}'],
    [206, { '2xx': 'data' }, 'fetched', '{"a":1}'],
    [302, { '3xx': 'empty' }, 'fetched', 'null'],
    [200, { '200': 'empty' }, 'fetched', 'null'],
    [200, { '200': 'refused' }, 'ProviderRefused', undefined],
    [503, { '503': 'refused' }, 'ProviderRefused', undefined],
    [404, { '4xx': 'unavailable' }, 'ProviderUnavailable', undefined],
    [503, { '503': 'unavailable' }, 'ProviderUnavailable', undefined],
    [429, { '4xx': 'unavailable' }, 'ProviderUnavailable', undefined],
    [403, { '403': 'throttled' }, 'ProviderThrottled', undefined],
    [500, { '5xx': 'throttled' }, 'ProviderThrottled', undefined],
    [404, { '403': 'empty' }, 'ProviderRefused', undefined],
  ])('%i with %j is %s', async (statusCode, responses, name, json) => {
    const result = await outcomeOf({ responses }, { statusCode, json: { a: 1 } });
    expect([result.name, result.json]).toEqual([name, json]);
    if (json === undefined)
      expect(result.failure).toMatchObject({ class: 'bad_status', statusCode, excerpt: '{"a":1}' });
  });

  test('with a declared meaning is throttled until the Retry-After of its response', async () => {
    for (const verdict of ['refused', 'unavailable', 'throttled'] as const) {
      const { name, failure } = await outcomeOf(
        { responses: { '418': verdict } },
        { statusCode: 418, headers: { 'retry-after': '8' } },
      );
      expect([name, failure.retryAfterMs]).toEqual(['ProviderThrottled', 8_000]);
    }
  });

  test('declared empty has no data, whatever the body', async () => {
    const { json } = await outcomeOf({ responses: { '404': 'empty' }, dataAt: '/a' }, { statusCode: 404, json: 'no' });
    expect(json).toBe('null');
  });
});

describe('a rate-limit reset header', () => {
  const retryAfterMsOf = (
    headers: Record<string, string>,
    unit: 'seconds' | 'epoch' | 'date' = 'seconds',
    { header = 'X-RateLimit-Reset', ...options }: { header?: string; isThrottled?: boolean } = {},
  ) => readHint(headers, 403, NOW, { reset: { header, unit }, ...options });
  const dateIn = (ms: number) => new Date(NOW + ms);

  test.each<[string, 'seconds' | 'epoch' | 'date', number | undefined]>([
    ['30', 'seconds', 30_000],
    ['0.5', 'seconds', 1_000],
    ['-1', 'seconds', undefined],
    ['soon', 'seconds', undefined],
    ['', 'seconds', undefined],
    [String(NOW / 1000 + 30), 'epoch', 30_000],
    [String(NOW + 30_000), 'epoch', 30_000],
    [String(NOW / 1000 - 30), 'epoch', 0],
    ['tomorrow', 'epoch', undefined],
    [dateIn(30_000).toUTCString(), 'date', 30_000],
    [dateIn(30_000).toISOString(), 'date', 30_000],
    [dateIn(30_000).toISOString().replace('Z', ''), 'date', 30_000],
    [dateIn(30_000).toISOString().replace('Z', '+00:00'), 'date', 30_000],
    [dateIn(-30_000).toISOString(), 'date', 0],
    ['30', 'date', undefined],
    ['2026', 'date', undefined],
  ])('with %j in %s gives a retry time of %p ms', (value, unit, expected) => {
    expect(retryAfterMsOf({ 'x-ratelimit-reset': value }, unit)).toBe(expected);
  });

  test('is compared with the standard headers, and the longest time applies', () => {
    expect(retryAfterMsOf({ 'x-ratelimit-reset': '5', 'retry-after': '9' })).toBe(9_000);
    expect(retryAfterMsOf({ 'x-ratelimit-reset': '9', 'retry-after': '5' })).toBe(9_000);
    expect(retryAfterMsOf({ 'x-ratelimit-reset': '5', 'ratelimit-reset': '7' })).toBe(7_000);
    expect(retryAfterMsOf({ 'retry-after': '9' })).toBe(9_000);
  });

  test('replaces the standard meaning of the same header', () => {
    const inTenSeconds = String(NOW / 1000 + 10);
    expect(retryAfterMsOf({ 'retry-after': inTenSeconds }, 'epoch', { header: 'Retry-After' })).toBe(10_000);
  });

  test('is ignored while quota is left, unless the response is throttled', () => {
    const headers = { 'x-ratelimit-reset': '30', 'x-ratelimit-remaining': '12' };
    expect(retryAfterMsOf(headers)).toBeUndefined();
    expect(retryAfterMsOf(headers, 'seconds', { isThrottled: true })).toBe(30_000);
    expect(retryAfterMsOf({ ...headers, 'x-ratelimit-remaining': '0' })).toBe(30_000);
  });

  test.each<[string, Partial<ProviderInput>, Partial<HttpResponse>, string, number | undefined]>([
    ['429', {}, { statusCode: 429 }, 'ProviderThrottled', 60_000],
    [
      'a status that means throttled',
      { responses: { '403': 'throttled' } },
      { statusCode: 403 },
      'ProviderThrottled',
      60_000,
    ],
    ['a plain refusal', {}, { statusCode: 404 }, 'ProviderRefused', undefined],
    ['a plain failure', {}, { statusCode: 500 }, 'ProviderUnavailable', undefined],
  ])('is read with %s', async (_case, provider, response, name, retryAfterMs) => {
    const rateLimitReset = { header: 'x-ratelimit-reset', unit: 'epoch' } as const;
    const headers = { 'x-ratelimit-reset': String(NOW / 1000 + 60), 'x-ratelimit-remaining': '3' };
    const result = await outcomeOf({ rateLimitReset, ...provider }, { headers, ...response });
    expect([result.name, result.failure.retryAfterMs]).toEqual([name, retryAfterMs]);
  });
});

describe('an error in the body of a success', () => {
  type BodyErrors = NonNullable<ProviderInput['bodyErrors']>;

  test.each<[string, BodyErrors, unknown, string]>([
    ['any value', [{ at: '/error', means: 'refused' }], { error: 'x' }, 'ProviderRefused'],
    ['false', [{ at: '/error', means: 'refused' }], { error: false }, 'ProviderRefused'],
    ['an object', [{ at: '/error', means: 'unavailable' }], { error: {} }, 'ProviderUnavailable'],
    ['null', [{ at: '/error', means: 'refused' }], { error: null }, 'fetched'],
    ['a missing value', [{ at: '/error', means: 'refused' }], { other: 1 }, 'fetched'],
    ['a listed value', [{ at: '/code', in: [7, 'LIMIT'], means: 'throttled' }], { code: 'LIMIT' }, 'ProviderThrottled'],
    ['a value of another type', [{ at: '/code', in: ['7'], means: 'throttled' }], { code: 7 }, 'fetched'],
    ['an unlisted value', [{ at: '/code', in: ['LIMIT'], means: 'throttled' }], { code: 'OK' }, 'fetched'],
    [
      'null where null is listed',
      [{ at: '/data', in: [null], means: 'unavailable' }],
      { data: null },
      'ProviderUnavailable',
    ],
    ['a missing value where null is listed', [{ at: '/data', in: [null], means: 'unavailable' }], {}, 'fetched'],
    ['an item of an array', [{ at: '/errors/0/code', means: 'refused' }], { errors: [{ code: 1 }] }, 'ProviderRefused'],
    ['an array without items', [{ at: '/errors/0', means: 'refused' }], { errors: [] }, 'fetched'],
    [
      'a value that matches two rules',
      [
        { at: '/a', in: [2], means: 'unavailable' },
        { at: '/a', in: [1], means: 'throttled' },
        { at: '/a', means: 'refused' },
      ],
      { a: 1 },
      'ProviderThrottled',
    ],
    ['the whole document', [{ at: '', in: ['ERROR'], means: 'refused' }], 'ERROR', 'ProviderRefused'],
  ])('(%s, rules %j, body %j) has the outcome %s', async (_case, bodyErrors, json, name) => {
    const result = await outcomeOf({ bodyErrors }, { json });
    expect(result.name).toBe(name);
    if (name !== 'fetched') {
      expect(result.failure).toMatchObject({ class: 'error_in_body', statusCode: 200 });
      expect(result.failure.excerpt).toContain(JSON.stringify(json));
    }
  });

  test('may mean no data', async () => {
    const bodyErrors: BodyErrors = [{ at: '/error/code', in: ['NOT_FOUND'], means: 'empty' }];
    expect((await outcomeOf({ bodyErrors, dataAt: '/data' }, { json: { error: { code: 'NOT_FOUND' } } })).json).toBe(
      'null',
    );
  });

  test('has the retry time of its response', async () => {
    const bodyErrors: BodyErrors = [{ at: '/error', means: 'throttled' }];
    const rateLimitReset = { header: 'x-reset', unit: 'seconds' } as const;
    const { failure } = await outcomeOf(
      { bodyErrors, rateLimitReset },
      { json: { error: 1 }, headers: { 'x-reset': '30' } },
    );
    expect(failure.retryAfterMs).toBe(30_000);
  });

  test('is looked for only in a success', async () => {
    const bodyErrors: BodyErrors = [{ at: '/error', means: 'empty' }];
    expect((await outcomeOf({ bodyErrors }, { statusCode: 400, json: { error: 1 } })).name).toBe('ProviderRefused');
    const responses = { '404': 'data' } as const;
    expect((await outcomeOf({ bodyErrors, responses }, { statusCode: 404, json: { error: 1 } })).json).toBe(
      '{"error":1}',
    );
  });

  test('counts as a failure for the circuit, unless it means refused', async () => {
    const verdictsFor = async (means: 'refused' | 'unavailable' | 'throttled') =>
      (await outcomeOf({ bodyErrors: [{ at: '', means }] }, { json: 1 })).verdicts;
    const failure = { class: 'error_in_body', statusCode: 200 };
    expect(await verdictsFor('refused')).toEqual(['succeeded']);
    expect(await verdictsFor('unavailable')).toEqual([failure]);
    expect(await verdictsFor('throttled')).toEqual([failure]);
  });
});

describe('the selected data of a response', () => {
  const body = Buffer.from(
    '{"a":{"~b/c":[ 1.50, 12345678901234567890 ]},"n":null, "a":{"~b/c":[ 1.50, 12345678901234567890 ]}}',
  );

  test('is extracted unchanged', async () => {
    const { json } = await outcomeOf(
      { dataAt: '/a/~0b~1c' },
      { body, headers: { 'content-type': 'application/json' } },
    );
    expect(json).toBe('[ 1.50, 12345678901234567890 ]');
    expect((await outcomeOf({ dataAt: '/n' }, { body })).json).toBe('null');
    expect((await outcomeOf({ dataAt: '' }, { body })).json).toBe(body.toString());
  });

  test('is data_missing if it is absent', async () => {
    const { name, failure } = await outcomeOf({ dataAt: '/b/0' }, { json: { b: [] } });
    expect([name, failure.class, failure.excerpt]).toEqual([
      'ProviderUnavailable',
      'data_missing',
      'nothing at /b/0 in {"b":[]}',
    ]);
    expect((await outcomeOf({ dataAt: '/b' })).failure.class).toBe('data_missing');
  });

  test.each([
    ['HTML', 'text/html', '<html>'],
    ['a PDF', 'application/pdf', '%PDF\xff'],
    ['truncated JSON', 'application/json', '{"a":'],
    ['text without a content type', undefined, 'plain'],
  ])('cannot come from %s', async (_case, type, text) => {
    const response = { headers: { 'content-type': type }, body: Buffer.from(text, 'latin1') };
    for (const provider of [{ dataAt: '/a' }, { bodyErrors: [{ at: '/error', means: 'refused' as const }] }]) {
      const { name, failure } = await outcomeOf(provider, response);
      expect([name, failure.class]).toEqual(['ProviderUnavailable', 'bad_body']);
    }
  });

  test('may come from JSON sent as text', async () => {
    const response = { headers: { 'content-type': 'text/plain' }, body: Buffer.from('{"a":1}') };
    expect((await outcomeOf({ dataAt: '/a' }, response)).json).toBe('1');
    expect((await outcomeOf({}, response)).json).toBe('"{\\"a\\":1}"');
  });
});

test('valueAt finds a value only by its exact pointer', () => {
  const document = JSON.parse('{"a":[{"b":1}],"__proto__":{"c":2},"":3}');
  expect(valueAt(document, [])).toBe(document);
  expect(valueAt(document, ['a', '0', 'b'])).toBe(1);
  expect(valueAt(document, ['__proto__', 'c'])).toBe(2);
  expect(valueAt(document, [''])).toBe(3);
  for (const tokens of [
    ['a', 'length'],
    ['a', '00'],
    ['a', '-'],
    ['a', '1'],
    ['toString'],
    ['a', '0', 'b', 'x'],
    ['constructor'],
  ]) {
    expect(valueAt(document, tokens)).toBeUndefined();
  }
  expect(valueAt('text', ['length'])).toBeUndefined();
});
