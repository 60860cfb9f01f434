import { excerptOf, excerptOfResponse } from '@boomerang/core/domain/excerpt.ts';
import { maskLocation, maskSecrets, secretsOfCredential, secretsOfUrl } from '@boomerang/core/domain/mask.ts';
import { cutText } from '@boomerang/core/domain/text.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const escapeHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
const escapeJson = (text: string) => JSON.stringify(text).slice(1, -1);
const escapeUnicode = (text: string) =>
  [...text]
    .map((part) =>
      Array.from(part, escapeJson)
        .join('')
        .replace(/[^\\]/g, (character) => toUnicodeEscape(character)),
    )
    .join('');
const toUnicodeEscape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
const percentEncodeBytes = (text: string) => Buffer.from(text).toString('hex').replaceAll(/../g, '%$&');

const ENCODINGS: Record<string, (secret: string) => string> = {
  raw: (secret) => secret,
  'after a scheme': (secret) => `Bearer ${secret}`,
  'percent-encoded': encodeURIComponent,
  'percent-encoded in lower case': (secret) =>
    encodeURIComponent(secret).replaceAll(/%../g, (code) => code.toLowerCase()),
  'percent-encoded byte by byte': percentEncodeBytes,
  'percent-encoded twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'as a form field': (secret) => new URLSearchParams({ a: secret }).toString(),
  'escaped for JSON': escapeJson,
  'escaped for JSON twice': (secret) => escapeJson(escapeJson(secret)),
  'in Unicode escapes': escapeUnicode,
  'escaped for HTML': escapeHtml,
  'percent-encoded in JSON in HTML': (secret) => escapeHtml(escapeJson(encodeURIComponent(secret))),
  'in base64': base64,
  'in base64 without padding': (secret) => base64(secret).replaceAll('=', ''),
  'in base64url': (secret) => Buffer.from(secret).toString('base64url'),
  'in base64 of user and password': (secret) => base64(`user:${secret}`),
  'in base64 of a longer text': (secret) => base64(`{"key":"${secret}","more":1}`),
  'in base64, percent-encoded': (secret) => encodeURIComponent(base64(secret)),
};

/** A secret of eight characters or more, of which masking finds parts; a shorter one is found only as a whole. */
const aSecret = fc.oneof(
  fc.string({ minLength: 8, maxLength: 60 }),
  fc.stringMatching(/^[A-Za-z0-9+/_.=-]{8,80}$/),
  fc.string({ minLength: 8, maxLength: 30, unit: 'grapheme' }),
);
const anyText = fc.string({ maxLength: 30 });

const substringsOf = (text: string, length: number): string[] =>
  Array.from({ length: Math.max(0, text.length - length + 1) }, (_, at) => text.slice(at, at + length));

/** A text, and its parts decoded from base64 at every offset. */
const decodingsOf = (text: string): string[] => [
  text,
  ...text.split('***').flatMap((part) => [0, 1, 2, 3].map((at) => Buffer.from(part.slice(at), 'base64').toString())),
];

describe('masking', () => {
  test.each(Object.entries(ENCODINGS))(
    'leaves no eight characters of a secret that is written %s',
    (_encoding, encode) => {
      fc.assert(
        fc.property(aSecret, anyText, anyText, (secret, before, after) => {
          fc.pre(secret.isWellFormed() && !secret.includes('***'));
          const masked = maskSecrets(`${before}|${encode(secret)}|${after}`, [secret]);
          const maskedSecret = masked.split('|').slice(before.split('|').length, -after.split('|').length).join('|');
          for (const decoding of decodingsOf(maskedSecret))
            for (const part of substringsOf(secret, 8)) expect(decoding).not.toContain(part);
        }),
        { numRuns: 60 },
      );
    },
  );

  test('leaves no eight characters of any part of a secret', () => {
    fc.assert(
      fc.property(aSecret, fc.nat(), fc.nat(), (secret, from, length) => {
        const start = from % secret.length;
        const shown = secret.slice(start, start + (length % secret.length)).toWellFormed();
        const masked = maskSecrets(`key: ${shown}`, [secret.toWellFormed()]);
        for (const part of substringsOf(secret, 8)) if (!part.includes('*')) expect(masked).not.toContain(part);
      }),
    );
  });

  test('leaves a text without any part of a secret unchanged', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-m %&\\"]*$/), fc.stringMatching(/^[n-z]{8,20}$/), (text, secret) => {
        expect(maskSecrets(text, [secret])).toBe(text);
      }),
    );
  });

  test.each([
    ['a word that is a secret', ['s3cr'], 'a s3cr b', 'a *** b'],
    ['a word in base64', ['s3cr'], 'a czNjcg== b', 'a ***g== b'],
    ['a secret that is too short', ['abc'], 'abc', 'abc'],
    ['an empty secret', [''], 'abc', 'abc'],
    ['two adjacent secrets', ['first-secret', 'other-secret'], 'first-secretother-secret', '***'],
  ])('of %s (%j) turns %j into %j', (_case, secrets, text, expected) =>
    expect(maskSecrets(text, secrets)).toBe(expected),
  );

  test('leaves a long text of nested escapes unchanged', () => {
    const text = '%25'.repeat(1_300) + '&amp;'.repeat(800) + '\\\\u0025'.repeat(500);
    expect(maskSecrets(text, ['x'.repeat(4_000)])).toBe(text);
  });
});

describe('the secrets of a credential', () => {
  test.each([
    ['abcdefghij', ['abcdefghij']],
    ['Bearer eyJhbGciOi.J9', ['eyJhbGciOi.J9']],
    ['bearer  abcdefghij', ['abcdefghij']],
    ['Token token="abcdefghij"', ['abcdefghij']],
    [`Basic ${base64('gas:pass:word')}`, [base64('gas:pass:word'), 'gas:pass:word', 'pass:word']],
    ['Digest username="boomerang", response="6629fae49393a053"', ['boomerang', '6629fae49393a053']],
    ['session=s3cr3t; theme=dark', ['s3cr3t']],
    [`ApiKey ${base64('id-of-it:k3y-of-it')}`, ['id-of-it:k3y-of-it', 'id-of-it', 'k3y-of-it']],
    [base64('gas:pässword'), ['gas:pässword', 'pässword']],
    ['ApiKey gas:s3cr3t', ['gas:s3cr3t', 's3cr3t']],
    ['correct horse battery', ['horse battery']],
    ['hunter2-and-more staple', ['hunter2-and-more staple']],
  ])('are found in %s', (value, secrets) =>
    expect(secretsOfCredential(value)).toEqual(expect.arrayContaining(secrets)),
  );

  test('leave the scheme readable', () => {
    expect(maskSecrets('got "Bearer abcdefghij"', secretsOfCredential('Bearer abcdefghij'))).toBe('got "Bearer ***"');
  });
});

describe('the secrets of a URL', () => {
  const url = 'https://user:p%40ssword@api.example/services/T0123456789/list?key=a%2Fb+c-d&verbose=1&s3cr3t-flag#x';
  test.each([
    'https://user:p%40ssword@api.example/',
    'p@ssword',
    `authorization: Basic ${base64('user:p@ssword')}`,
    '/services/T0123456789/list',
    'Cannot GET /x?key=a%2Fb+c-d',
    '{"key":"a/b c-d"}',
    's3cr3t-flag',
  ])('are masked in %j', (text) => {
    const masked = maskSecrets(text, secretsOfUrl(url));
    expect(masked).toContain('***');
    expect(masked).not.toMatch(/ssword|T0123456789|b\+c|b c-|s3cr3t/);
    expect(masked).not.toContain(base64('p@ssword').slice(0, 8));
  });

  test('exclude ordinary words', () => {
    expect(maskSecrets('no list of services, verbose=1, at api.example', secretsOfUrl(url))).not.toContain('***');
  });
});

describe("a redirect's target", () => {
  test.each([
    ['https://new.example/path?token=secret#x', 'https://new.example/path?***'],
    ['https://me:secret@new.example/path', 'https://new.example/path'],
    ['//me:secret@new.example', '//new.example'],
    ['https://me:a/b@new.example/?', 'https://me:a/b@new.example/?***'],
    ['/login?next=%2Fsecret', '/login?***'],
    ['mailto:a@b.example', 'mailto:a@b.example'],
    ['', ''],
  ])('%s is shown as %s', (location, expected) => expect(maskLocation(location)).toBe(expected));
});

describe('an excerpt', () => {
  const response = (change: object) => ({ statusCode: 500, headers: {}, body: Buffer.alloc(0), ...change });

  test('has no lone surrogate, control character or line break', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat(220), (text, max) => {
        const prefix = cutText(text, max);
        expect(prefix.length).toBeLessThanOrEqual(max);
        expect(prefix.isWellFormed()).toBe(true);
        expect(text.toWellFormed().startsWith(prefix)).toBe(true);
        const excerpt = excerptOf(text, []);
        expect(excerpt.isWellFormed()).toBe(true);
        expect(JSON.parse(JSON.stringify(excerpt))).toBe(excerpt);
        expect(excerpt).not.toMatch(/[\p{Cc}\u2028\u2029\u202e\ufeff]/u);
      }),
    );
  });

  test.each([0, 1, 2, 3])('is truncated between characters (offset %i)', (offset) => {
    const text = `${'x'.repeat(197 + offset)}${'😀'.repeat(9)}`;
    const excerpt = excerptOfResponse(response({ body: Buffer.from(text) }), []);
    expect(excerpt.isWellFormed()).toBe(true);
    expect(text.startsWith(excerpt)).toBe(true);
    expect(excerpt.length).toBeGreaterThanOrEqual(199);
  });

  test('never ends in part of a secret', () => {
    const secret = 'sk_live_0123456789abcdef';
    for (let before = 0; before < 220; before += 1) {
      const excerpt = excerptOfResponse(response({ body: Buffer.from(`${'x'.repeat(before)}${secret}`) }), [secret]);
      expect(excerpt).not.toContain('sk');
    }
    // The secret is cut by the limit of 4096 bytes that are read, or by the end of a truncated body. The long text is mostly
    // masked, so that its excerpt reaches the cut.
    for (let length = 1; length < secret.length; length += 1) {
      const longText = secret.repeat(169).padEnd(4096 - length, 'y') + secret.repeat(2);
      const truncatedText = `x ${secret.slice(0, length)}`;
      for (const body of [Buffer.from(longText), Buffer.from(truncatedText)]) {
        const excerpt = excerptOfResponse(response({ body, bodyFailure: { class: 'too_large', message: '' } }), [
          secret,
        ]);
        expect(excerpt).not.toContain('s');
      }
    }
  });

  test('of a redirect shows the target', () => {
    const headers = { location: 'https://u:p@new.example/v2?token=abcdefgh', 'content-type': 'text/plain' };
    const excerpt = excerptOfResponse(response({ statusCode: 301, headers, body: Buffer.from('moved') }), []);
    expect(excerpt).toBe('to https://new.example/v2?*** moved');
    expect(excerptOfResponse(response({ statusCode: 304 }), [])).toBe('');
    expect(
      excerptOfResponse(response({ statusCode: 302, headers: { location: `/${'é'.repeat(9_000)}` } }), []),
    ).toHaveLength(200);
    expect(excerptOfResponse(response({ statusCode: 302, headers: { location: '/abcdefgh-1' } }), ['abcdefgh-1'])).toBe(
      'to /***',
    );
  });

  test('is decoded with the charset of the response', () => {
    const headers = { 'content-type': 'text/html; charset=iso-8859-1' };
    expect(excerptOfResponse(response({ headers, body: Buffer.from('défaut', 'latin1') }), [])).toBe('défaut');
    expect(excerptOfResponse(response({ body: Buffer.from([0xff, 0xfe, 0x61, 0]) }), [])).toBe('a');
  });
});
