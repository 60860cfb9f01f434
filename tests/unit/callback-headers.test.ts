import {
  InvalidCallbackHeaders,
  MAX_CALLBACK_HEADER_BYTES,
  MAX_CALLBACK_HEADERS,
  parseCallbackHeaders,
} from '@boomerang/core/domain/callback-headers.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

const header = (name: string, value = 'value') => ({ name, value });

/** The reason why a list is refused; undefined if it is accepted. */
const refusalOf = (headers: unknown): string | undefined => {
  try {
    parseCallbackHeaders(headers);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidCallbackHeaders);
    return (error as Error).message;
  }
};

/** Each letter in upper or lower case. */
const inAnyCase = (name: string): fc.Arbitrary<string> =>
  fc
    .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
    .map((uppers) => [...name].map((letter, at) => (uppers[at] ? letter.toUpperCase() : letter)).join(''));

const TOKEN_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
const token = (maxLength: number) => fc.string({ unit: fc.constantFrom(...TOKEN_CHARACTERS), minLength: 1, maxLength });
const anUnreservedName = fc.oneof(
  token(30).map((name) => `x-${name}`),
  fc.constantFrom('authorization', 'Cookie', 'x', '__proto__', 'constructor', 'Accept', 'tenant', 'web-hook'),
);
const printable = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter((character) =>
  /[\x20-\x7E\xA0-\xFF]/.test(character),
);
const aValue = fc
  .string({ unit: fc.constantFrom(...printable), minLength: 1, maxLength: 100 })
  .filter((value) => /^[^ ]/.test(value) && /[^ ]$/.test(value));

describe('callback headers', () => {
  test('default to none', () => {
    expect(parseCallbackHeaders(undefined)).toEqual([]);
    expect(parseCallbackHeaders([])).toEqual([]);
  });

  test('have lower-case names and trimmed values', () => {
    expect(parseCallbackHeaders([header('Authorization', ' \tBearer a b \t'), header('X-Tenant', 'é')])).toEqual([
      header('authorization', 'Bearer a b'),
      header('x-tenant', 'é'),
    ]);
  });

  test('may be any tokens with printable Latin-1 values, and validation is idempotent', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ name: anUnreservedName, value: aValue }), {
          maxLength: MAX_CALLBACK_HEADERS,
          selector: ({ name }) => name.toLowerCase(),
        }),
        (headers) => {
          const parsed = parseCallbackHeaders(headers);
          expect(parsed).toEqual(headers.map(({ name, value }) => ({ name: name.toLowerCase(), value })));
          expect(parseCallbackHeaders(parsed)).toEqual(parsed);
        },
      ),
    );
  });

  test('are limited to ten', () => {
    const headers = Array.from({ length: MAX_CALLBACK_HEADERS + 1 }, (_, at) => header(`x-${at}`));
    expect(refusalOf(headers.slice(1))).toBeUndefined();
    expect(refusalOf(headers)).toBe('headers: Must be at most 10 headers');
  });

  test('are limited to 4 KiB of names and values', () => {
    const [name, other] = ['x-long', 'x-other'];
    const bytesLeft = MAX_CALLBACK_HEADER_BYTES - name.length - other.length - 'value'.length;
    expect(refusalOf([header(other), header(name, 'é'.repeat(bytesLeft))])).toBeUndefined();
    expect(refusalOf([header(other), header(name, 'é'.repeat(bytesLeft + 1))])).toBe(
      'headers: Must be at most 4096 bytes of names and values in total',
    );
  });

  test('are unique, ignoring case', () => {
    expect(refusalOf([header('x-a'), header('x-b'), header('X-A')])).toBe('header 3 (x-a): Must appear once');
  });
});

describe('a reserved name', () => {
  const names = [
    ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'host', 'expect'],
    ...['accept-encoding', 'user-agent', 'idempotency-key', 'content-length', 'content-type', 'content-encoding'],
    ...['proxy-connection', 'proxy-authorization', 'webhook-id', 'webhook-timestamp', 'webhook-signature'],
  ];

  test.each(names)('%s is refused in any case', (reserved) => {
    fc.assert(
      fc.property(inAnyCase(reserved), (name) => {
        expect(refusalOf([header('x-first'), header(name)])).toMatch(/^header 2 \(\S+\): Must not be a header/);
      }),
    );
  });

  test('is any name that begins with content-, proxy- or webhook-', () => {
    const aName = fc
      .tuple(fc.constantFrom('content-', 'proxy-', 'webhook-'), fc.oneof(fc.constant(''), token(20)))
      .chain(([prefix, rest]) => inAnyCase(prefix).map((cased) => cased + rest));
    fc.assert(
      fc.property(aName, (name) => {
        expect(refusalOf([header(name)])).toContain('Must not be a header that HTTP or Boomerang sets');
      }),
    );
  });

  test.each(['x-host', 'hosts', 'tea', 'x-webhook-id', 'webhooks', 'contents', 'x-content-type'])(
    'does not include a similar name: %s',
    (name) => expect(refusalOf([header(name)])).toBeUndefined(),
  );
});

describe('the validation of callback headers', () => {
  test.each<[string, unknown, string]>([
    ['null', null, 'headers: Must be a list'],
    ['a string', 'x-a: b', 'headers: Must be a list'],
    ['an object', { 'x-a': 'b' }, 'headers: Must be a list'],
    ['a list of strings', ['x-a: b'], 'header 1: Must have a name and a value'],
    ['a list of nulls', [null], 'header 1: Must have a name and a value'],
    ['a header without a name', [{ value: 'a' }], 'header 1: Must have a name'],
    ['a header without a value', [{ name: 'x-a' }], 'header 1 (x-a): Must have a value'],
    ['a name that is not a string', [{ name: 1, value: 'a' }], 'header 1: Must have a name'],
    ['a value that is not a string', [{ name: 'X-A', value: ['a'] }], 'header 1 (x-a): Must have a value'],
    [
      'two invalid headers, each with its position',
      [header('x a'), header('x-b', '')],
      "header 1: Must have a name of letters, digits and !#$%&'*+-.^_`|~ (RFC 9110, section 5.6.2); header 2 (x-b): Must have a value",
    ],
  ])('refuses %s', (_case, headers, reason) => expect(refusalOf(headers)).toBe(reason));

  test.each(['', ' ', 'a b', 'x-a ', ' x-a', 'x:a', 'x-a\r\n', 'x\0', 'é', 'x(a)', ':path', '\u212Aeep-alive'])(
    'refuses the name %j',
    (name) => expect(refusalOf([header(name)])).toContain('Must have a name'),
  );

  test.each(['', ' \t '])('refuses the empty value %j', (value) => {
    expect(refusalOf([header('x-a', value)])).toBe('header 1 (x-a): Must have a value');
  });

  test('refuses a value with any other character', () => {
    const another = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
    const refused = fc.oneof(
      another.filter((character) => !printable.includes(character)),
      fc.constantFrom('\r', '\n', '\r\nx-b: c', '\0', '\t', '\x7F', '\x85', '\u2028', '😀'),
    );
    fc.assert(
      fc.property(refused, (part) => {
        expect(refusalOf([header('x-a', `a${part}b`)])).toBe(
          'header 1 (x-a): Must have a value of printable Latin-1 characters',
        );
      }),
    );
  });

  test('quotes no value in its reason', () => {
    const secret = 'swordfish';
    const aPart = fc.oneof(
      fc.string({ maxLength: 10 }),
      fc.constantFrom('\r\n', ' ', 'é', '\u2028', 'x'.repeat(5_000)),
    );
    const aSecretValue = fc.tuple(aPart, aPart).map(([before, after]) => `${before}${secret}${after}`);
    const aName = fc.oneof(
      anUnreservedName,
      fc.constantFrom('host', 'Webhook-Id', 'x-same', 'X-Same', '', ' ', `Bearer ${secret}`, `\n${secret}`),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ name: aName, value: aSecretValue }), { maxLength: 12 }), (headers) => {
        expect(refusalOf(headers) ?? '').not.toContain(secret);
      }),
    );
  });
});
