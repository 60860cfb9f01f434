import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { type PolledProvider, type PolledResponse, readStart, readStatus } from '@boomerang/core/domain/polling.ts';
import {
  hasOriginOf,
  MAX_STATUS_URL_CHARACTERS,
  resolveSameOrigin,
  UnusableAddress,
  withUserInfoOf,
} from '@boomerang/core/domain/status-url.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { aProvider } from '../builders.ts';

const REQUEST_URL = 'https://reports.example/v2/reports';
const STATUS_URL = `${REQUEST_URL}/7`;

type PollingInput = NonNullable<ProviderInput['polling']>;
const aPolledProvider = (polling: Partial<PollingInput> = {}): PolledProvider => {
  const provider = aProvider({ url: REQUEST_URL, polling: { statusUrl: 'location', ...polling } as PollingInput });
  return { ...provider, polling: provider.polling as PolledProvider['polling'] };
};
const byStatus: Partial<PollingInput> = {
  statusAt: '/status',
  pending: ['QUEUED', 'RUNNING', 0],
  succeeded: ['DONE', null],
  failed: ['REJECTED', false],
};
const response = (statusCode: number, body?: unknown, location?: string): PolledResponse => ({
  statusCode,
  location,
  json: body === undefined ? undefined : JSON.stringify(body),
  requestUrl: REQUEST_URL,
});
const readStartResponse = (polling: Partial<PollingInput>, ...args: Parameters<typeof response>) =>
  readStart(aPolledProvider(polling), response(...args), {});
const readPollResponse = (polling: Partial<PollingInput>, ...args: Parameters<typeof response>) =>
  readStatus(aPolledProvider(polling), response(...args));

const inProgress = { kind: 'working', url: STATUS_URL };
const broken = (reason: RegExp) => ({ kind: 'broken', reason: expect.stringMatching(reason) });

type Row = [
  name: string,
  polling: Partial<PollingInput>,
  args: Parameters<typeof response>,
  expected: { kind: string; [key: string]: unknown },
];
const toCase = ([name, polling, args, expected]: Row) => ({ name, polling, args, expected });

describe('the response to a request that starts work', () => {
  const startRows: Row[] = [
    ['202 with a Location', {}, [202, {}, '/v2/reports/7'], inProgress],
    ['202 with a Location, without a body', byStatus, [202, undefined, 'reports/7'], inProgress],
    ['201 with a Location', byStatus, [201, { id: 7 }, STATUS_URL], inProgress],
    ['200 with a pending status and a Location', byStatus, [200, { status: 'QUEUED' }, STATUS_URL], inProgress],
    // Accepted work must not be lost: the first poll decides.
    ['a status that no list names, and a Location', byStatus, [202, { status: 'NEW' }, STATUS_URL], inProgress],
    ['200 with a Location, and no status to read', {}, [200, {}, STATUS_URL], inProgress],
    ['303', byStatus, [303, { status: 'DONE' }, STATUS_URL], inProgress],
    ['a URL in its body', { statusUrl: { at: '/links/status' } }, [200, { links: { status: STATUS_URL } }], inProgress],
    ['an id', { statusUrl: { template: `${REQUEST_URL}/{id}`, idAt: '/id' } }, [200, { id: '7' }], inProgress],
    ['a numeric id', { statusUrl: { template: `${REQUEST_URL}/{id}`, idAt: '/id' } }, [202, { id: 7 }], inProgress],
    ['200 without a Location, and no status to read', {}, [200, { bills: [] }], { kind: 'done' }],
    ['204, and no status to read', {}, [204, null], { kind: 'done' }],
    ['200 with a succeeded status', byStatus, [200, { status: 'DONE' }, STATUS_URL], { kind: 'done' }],
    ['201 with a succeeded status, without a Location', byStatus, [201, { status: null }], { kind: 'done' }],
    ['202 with a failed status', byStatus, [202, { status: 'REJECTED' }, STATUS_URL], { kind: 'failed' }],
    ['202 without a Location', {}, [202, {}], broken(/no Location/)],
    ['201 without a Location', {}, [201, {}], broken(/no Location/)],
    ['303 without a Location', {}, [303, {}], broken(/no Location/)],
    ['202 with a Location that is empty', {}, [202, {}, ''], broken(/no Location/)],
    ['a pending status without a Location', byStatus, [200, { status: 'QUEUED' }], broken(/no Location/)],
    ['no status and no Location', byStatus, [200, { bills: [] }], broken(/no Location/)],
    ['a body without its URL', { statusUrl: { at: '/links/status' } }, [200, {}], broken(/links\/status/)],
    [
      'a URL that is a number',
      { statusUrl: { at: '/url' } },
      [202, { url: 7 }],
      broken(/^the URL at \/url is not a string$/),
    ],
    ['an empty URL', { statusUrl: { at: '/url' } }, [202, { url: '' }], broken(/not a string/)],
    [
      'a Location that is no URL',
      {},
      [202, {}, 'https://'],
      { ...broken(/^the Location is not a URL$/), reference: 'https://' },
    ],
    [
      'a Location with user info',
      {},
      [202, {}, 'https://user@reports.example/7'],
      { ...broken(/^the Location has user info$/), reference: 'https://user@reports.example/7' },
    ],
    [
      'a Location with a password alone',
      {},
      [202, {}, 'https://:secret@reports.example/7'],
      { ...broken(/^the Location has user info$/), reference: 'https://:secret@reports.example/7' },
    ],
    [
      'a Location without an origin',
      {},
      [202, {}, 'data:,x'],
      { ...broken(/^the Location has another origin, data:$/), reference: 'data:,x' },
    ],
    [
      'an id that would change the path',
      { statusUrl: { template: `${REQUEST_URL}/{id}`, idAt: '/id' } },
      [202, { id: '..' }],
      broken(/^the id at \/id: /),
    ],
    [
      'an id that is a fraction',
      { statusUrl: { template: `${REQUEST_URL}/{id}`, idAt: '/id' } },
      [202, { id: 1.5 }],
      broken(/^the id at \/id is neither a string nor an integer$/),
    ],
    ['no JSON body to read its URL from', { statusUrl: { at: '/url' } }, [202], broken(/nothing at \/url/)],
    ['a URL that is null', { statusUrl: { at: '/url' } }, [202, { url: null }], broken(/nothing at \/url/)],
    [
      '303, with a URL in its body that is ignored',
      { statusUrl: { at: '/url' } },
      [303, { url: '/other' }, STATUS_URL],
      inProgress,
    ],
    [
      'an empty id',
      { statusUrl: { template: `${REQUEST_URL}/{id}`, idAt: '/id' } },
      [202, { id: '' }],
      broken(/no id at/),
    ],
    ['no id', { statusUrl: { template: `${REQUEST_URL}/{id}`, idAt: '/id' } }, [202, { id: null }], broken(/no id at/)],
    [
      'no JSON body to read its id from',
      { statusUrl: { template: `${REQUEST_URL}/{id}`, idAt: '/id' } },
      [202],
      broken(/no id/),
    ],
  ];
  test.each(startRows.map(toCase))('$name is read as $expected.kind', ({ polling, args, expected }) => {
    expect(readStartResponse(polling, ...args)).toEqual(expected);
  });

  test('keeps every digit of an id', () => {
    const provider = aPolledProvider({ statusUrl: { template: `${REQUEST_URL}/{id}`, idAt: '/id' } });
    const json = '{"id": 12345678901234567890}';
    expect(readStart(provider, { ...response(202), json }, {})).toEqual({
      kind: 'working',
      url: `${REQUEST_URL}/12345678901234567890`,
    });
  });

  test('inserts the id along with the parameters of the request', () => {
    const provider = { ...aPolledProvider({ statusUrl: { template: `${REQUEST_URL}/{account}/{id}`, idAt: '/id' } }) };
    const parameters = { type: 'object', properties: { account: { type: 'string' } }, required: ['account'] } as const;
    const json = '{"id":"7"}';
    const progress = readStart(
      { ...provider, parameters: { ...parameters, required: ['account'] } },
      { ...response(202), json },
      { account: 'a b' },
    );
    expect(progress).toEqual({ kind: 'working', url: `${REQUEST_URL}/a%20b/7` });
  });

  test.each([
    '',
    '.',
    '..',
    '../admin',
    'a/b',
    'a\\b',
    '%2e%2e',
    'a%2fb',
    'a\nb',
    '\0',
    '\uD800',
    true,
    1.5,
    ['7'],
    { id: 7 },
  ])('with the id %j is broken, since it would change the path', (id) => {
    const polling = { statusUrl: { template: `${REQUEST_URL}/{id}`, idAt: '/id' } };
    expect(readStartResponse(polling, 202, { id })).toMatchObject({ kind: 'broken' });
  });

  test.each([
    'https://evil.example/reports/7',
    '//evil.example/reports/7',
    'http://reports.example/v2/reports/7',
    'https://reports.example:8443/v2/reports/7',
    'https://reports.example.evil.example/',
    'https://reports.example@evil.example/7',
    'https://user:password@reports.example/7',
    'https://user@reports.example/7',
    'javascript:alert(1)',
    'data:,x',
    'https://',
    'https://reports.example:99999/',
    `/${'x'.repeat(MAX_STATUS_URL_CHARACTERS)}`,
  ])('with the Location %s is broken, and only its origin is quoted', (location) => {
    for (const [polling, args] of [
      [{}, [202, {}, location]],
      [{ statusUrl: { at: '/url' } }, [200, { url: location }]],
    ] as [Partial<PollingInput>, Parameters<typeof response>][]) {
      const progress = readStartResponse(polling, ...args);
      expect(progress).toMatchObject({ kind: 'broken', reference: location });
      expect(JSON.stringify({ ...progress, reference: undefined })).not.toMatch(/password|xxx|alert/);
    }
  });
});

describe('the response to a poll', () => {
  const pollRows: Row[] = [
    ['202, without a status to read', {}, [202, {}], { kind: 'working' }],
    ['200, without a status to read', {}, [200, { status: 'QUEUED' }], { kind: 'done' }],
    ['204, without a status to read', {}, [204, null], { kind: 'done' }],
    ['303', {}, [303, undefined, '/result'], { kind: 'elsewhere', url: 'https://reports.example/result' }],
    [
      '303 without a status, where a status is expected',
      byStatus,
      [303, {}, '/r'],
      { kind: 'elsewhere', url: 'https://reports.example/r' },
    ],
    [
      '303 to another origin',
      {},
      [303, undefined, 'https://evil.example/'],
      broken(/another origin, https:\/\/evil\.example/),
    ],
    ['303 without a Location', {}, [303], broken(/303 without a Location/)],
    ['a pending status', byStatus, [200, { status: 'RUNNING' }], { kind: 'working' }],
    ['a pending number', byStatus, [200, { status: 0 }], { kind: 'working' }],
    ['a succeeded status', byStatus, [200, { status: 'DONE' }], { kind: 'done' }],
    ['a status of null, which means succeeded', byStatus, [200, { status: null }], { kind: 'done' }],
    ['202 with a succeeded status', byStatus, [202, { status: 'DONE' }], { kind: 'done' }],
    ['a failed status', byStatus, [200, { status: 'REJECTED' }], { kind: 'failed' }],
    ['a status of false, which means failed', byStatus, [200, { status: false }], { kind: 'failed' }],
    ['202 with a failed status', byStatus, [202, { status: 'REJECTED' }], { kind: 'failed' }],
    ['202 without a status', byStatus, [202], { kind: 'working' }],
    ['202 with a status that no list names', byStatus, [202, { status: 'PAUSED' }], broken(/"PAUSED"/)],
    ['a status that no list names', byStatus, [200, { status: 'PAUSED' }], broken(/unknown status "PAUSED"/)],
    ['a status in another case', byStatus, [200, { status: 'done' }], broken(/"done"/)],
    ['a number as a string', byStatus, [200, { status: '0' }], broken(/"0"/)],
    ['a status that is an object', byStatus, [200, { status: { code: 'DONE' } }], broken(/\{"code":"DONE"\}/)],
    ['a status that is a list', byStatus, [200, { status: ['DONE'] }], broken(/\["DONE"\]/)],
    ['no status', byStatus, [200, {}], broken(/no status/)],
    ['no JSON', byStatus, [200], broken(/no status/)],
    ['204, where a status should be', byStatus, [204, null], broken(/no status/)],
    [
      'a succeeded status, with the URL of its result',
      { ...byStatus, resultUrlAt: '/result' },
      [200, { status: 'DONE', result: '/files/7' }],
      { kind: 'elsewhere', url: 'https://reports.example/files/7' },
    ],
    [
      'a succeeded status, without the URL of its result',
      { ...byStatus, resultUrlAt: '/result' },
      [200, { status: 'DONE' }],
      broken(/no result URL/),
    ],
    [
      'a succeeded status, with a result of another origin',
      { ...byStatus, resultUrlAt: '/result' },
      [200, { status: 'DONE', result: 'https://evil.example/7' }],
      broken(/another origin/),
    ],
    ['202 with another Location, which becomes the status URL', {}, [202, {}, STATUS_URL], inProgress],
    ['202 with a Location of another origin', {}, [202, {}, 'https://evil.example/'], broken(/another origin/)],
    [
      'a pending status, with a Location that is ignored',
      byStatus,
      [200, { status: 'RUNNING' }, '/x'],
      { kind: 'working' },
    ],
    [
      '202 with a Location that is ignored, since the body has the URL',
      { statusUrl: { at: '/url' } },
      [202, {}, '/x'],
      { kind: 'working' },
    ],
  ];
  test.each(pollRows.map(toCase))('$name is read as $expected.kind', ({ polling, args, expected }) => {
    expect({ ...readPollResponse(polling, ...args), reference: undefined }).toEqual(expected);
  });

  test('quotes at most 40 characters of a status', () => {
    const reasonFor = (text: string) => readPollResponse(byStatus, 200, { status: text });
    expect(reasonFor('x'.repeat(38))).toEqual({ kind: 'broken', reason: `unknown status "${'x'.repeat(38)}"` });
    for (const length of [39, 5_000])
      expect(reasonFor('x'.repeat(length))).toEqual({ kind: 'broken', reason: `unknown status "${'x'.repeat(39)}…` });
  });

  test('with a status in no list is broken, and never data', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const isNamed = ['QUEUED', 'RUNNING', 0, 'DONE', null, 'REJECTED', false].includes(value as never);
        fc.pre(!isNamed && !Object.is(value, -0));
        expect(readPollResponse(byStatus, 200, { status: value }).kind).toBe('broken');
      }),
    );
  });
});

describe('a provider-supplied URL', () => {
  test('is stored without a fragment, and without the user info of the request', () => {
    expect(resolveSameOrigin('status/7?a=1#now', 'https://user:secret@h.example/v1/')).toBe(
      'https://h.example/v1/status/7?a=1',
    );
    const longest = `https://h.example/${'x'.repeat(MAX_STATUS_URL_CHARACTERS - 'https://h.example/'.length)}`;
    expect(resolveSameOrigin(longest, 'https://h.example/')).toBe(longest);
    expect(() => resolveSameOrigin(`${longest}x`, 'https://h.example/')).toThrow('has more than 2048 characters');
    expect(resolveSameOrigin('?id=7', 'https://h.example/v1?x=1')).toBe('https://h.example/v1?id=7');
  });

  test("is requested with the provider's current user info", () => {
    expect(withUserInfoOf('https://user:secret@h.example/{x}', 'https://h.example/7')).toBe(
      'https://user:secret@h.example/7',
    );
    expect(withUserInfoOf('https://user@h.example/{x}', 'https://h.example/7')).toBe('https://user@h.example/7');
    expect(withUserInfoOf('https://:secret@h.example/{x}', 'https://h.example/7')).toBe('https://:secret@h.example/7');
    expect(withUserInfoOf('https://h.example{?x}', 'https://h.example/7')).toBe('https://h.example/7');
  });

  test("is accepted only from the catalogue's current origin", () => {
    expect(hasOriginOf('https://h.example/7', 'https://h.example{?x}')).toBe(true);
    expect(hasOriginOf('https://h.example/7', 'https://h.example:443/{x}')).toBe(true);
    expect(hasOriginOf('https://h.example/7', 'https://other.example/{x}')).toBe(false);
    expect(hasOriginOf('https://h.example/7', 'http://h.example/')).toBe(false);
    expect(hasOriginOf('not a URL', 'https://h.example/')).toBe(false);
  });

  test('is resolved to the same origin within the length limit, or rejected', () => {
    const parts = fc.constantFrom(
      'https:',
      'http:',
      '//',
      '/',
      '\\',
      '@',
      ':',
      '?',
      '#',
      '..',
      '%2f',
      'h.example',
      'evil',
      '\t',
      '\n',
      ' ',
    );
    const reference = fc.oneof(
      fc.string(),
      fc.array(parts, { maxLength: 8 }).map((all) => all.join('')),
      fc.webUrl(),
    );
    fc.assert(
      fc.property(reference, (text) => {
        try {
          const url = resolveSameOrigin(text, 'https://user:secret@h.example/v1/reports');
          expect(url).toMatch(/^https:\/\/h\.example\//);
          expect(new URL(url)).toMatchObject({ username: '', password: '', hash: '' });
          expect(url.length).toBeLessThanOrEqual(MAX_STATUS_URL_CHARACTERS);
        } catch (error) {
          if (!(error instanceof UnusableAddress)) throw error;
        }
      }),
    );
  });
});
