import { excerptOf, excerptOfAnswer } from '@boomerang/core/domain/excerpt.ts';
import { maskLocation, maskSecrets, secretsOfCredential, secretsOfUrl } from '@boomerang/core/domain/mask.ts';
import { cutText } from '@boomerang/core/domain/text.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const html = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
const json = (text: string) => JSON.stringify(text).slice(1, -1);
const unicodeEscaped = (text: string) =>
  [...text]
    .map((part) =>
      Array.from(part, json)
        .join('')
        .replace(/[^\\]/g, (c) => unit(c)),
    )
    .join('');
const unit = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
const percentOfAll = (text: string) => Buffer.from(text).toString('hex').replaceAll(/../g, '%$&');

const ENCODINGS: Record<string, (secret: string) => string> = {
  raw: (secret) => secret,
  'after a scheme': (secret) => `Bearer ${secret}`,
  'percent-encoded': encodeURIComponent,
  'percent-encoded in lower case': (secret) =>
    encodeURIComponent(secret).replaceAll(/%../g, (code) => code.toLowerCase()),
  'percent-encoded byte by byte': percentOfAll,
  'percent-encoded twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'as a form': (secret) => new URLSearchParams({ a: secret }).toString(),
  'escaped for JSON': json,
  'escaped for JSON twice': (secret) => json(json(secret)),
  'in Unicode escapes': unicodeEscaped,
  'escaped for HTML': html,
  'percent-encoded in JSON in HTML': (secret) => html(json(encodeURIComponent(secret))),
  base64,
  'base64 without padding': (secret) => base64(secret).replaceAll('=', ''),
  base64url: (secret) => Buffer.from(secret).toString('base64url'),
  'base64 as a password': (secret) => base64(`user:${secret}`),
  'base64 in the midst': (secret) => base64(`{"key":"${secret}","more":1}`),
  'base64, percent-encoded': (secret) => encodeURIComponent(base64(secret)),
};

/** A key that a provider may have issued: printable, and longer than the part searched as a whole. */
const aSecret = fc.oneof(
  fc.string({ minLength: 8, maxLength: 60 }),
  fc.stringMatching(/^[A-Za-z0-9+/_.=-]{8,80}$/),
  fc.string({ minLength: 8, maxLength: 30, unit: 'grapheme' }),
);
const around = fc.string({ maxLength: 30 });

const runsOf = (text: string, length: number): string[] =>
  Array.from({ length: Math.max(0, text.length - length + 1) }, (_, at) => text.slice(at, at + length));

/** All readings of a text: itself, and its parts decoded from base64 at every offset. */
const readings = (text: string): string[] => [
  text,
  ...text.split('***').flatMap((part) => [0, 1, 2, 3].map((at) => Buffer.from(part.slice(at), 'base64').toString())),
];

describe('masking', () => {
  test.each(Object.entries(ENCODINGS))(
    'leaves no eight characters of a secret that is repeated %s',
    (_name, encode) => {
      fc.assert(
        fc.property(aSecret, around, around, (secret, before, after) => {
          fc.pre(secret.isWellFormed() && !secret.includes('***'));
          const masked = maskSecrets(`${before}|${encode(secret)}|${after}`, [secret]);
          const rest = masked.split('|').slice(before.split('|').length, -after.split('|').length).join('|');
          for (const read of readings(rest)) for (const run of runsOf(secret, 8)) expect(read).not.toContain(run);
        }),
        { numRuns: 60 },
      );
    },
  );

  test('leaves no eight characters of a secret that was cut anywhere', () => {
    fc.assert(
      fc.property(aSecret, fc.nat(), fc.nat(), (secret, from, length) => {
        const start = from % secret.length;
        const part = secret.slice(start, start + (length % secret.length)).toWellFormed();
        const masked = maskSecrets(`key: ${part}`, [secret.toWellFormed()]);
        for (const run of runsOf(secret, 8)) if (!run.includes('*')) expect(masked).not.toContain(run);
      }),
    );
  });

  test('changes nothing in a text without a piece of a secret', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-m %&\\"]*$/), fc.stringMatching(/^[n-z]{8,20}$/), (text, secret) => {
        expect(maskSecrets(text, [secret])).toBe(text);
      }),
    );
  });

  test.each([
    ['a word that is a secret', ['s3cr'], 'a *** b', 'a s3cr b'],
    ['a word in base64', ['s3cr'], 'a ***g== b', 'a czNjcg== b'],
    ['too short to be one', ['abc'], 'abc', 'abc'],
    ['no secret', [''], 'abc', 'abc'],
    ['two side by side', ['first-secret', 'other-secret'], '***', 'first-secretother-secret'],
  ])('handles %s', (_name, secrets, expected, text) => expect(maskSecrets(text, secrets)).toBe(expected));

  test('takes no longer for texts of nested escapes', () => {
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
  ])('of %s are found', (value, secrets) =>
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
  ])('%s is shown as %s', (location, shown) => expect(maskLocation(location)).toBe(shown));
});

describe('an excerpt', () => {
  const answer = (change: object) => ({ statusCode: 500, headers: {}, body: Buffer.alloc(0), ...change });

  test('never has half a character or a line break', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat(220), (text, max) => {
        const cut = cutText(text, max);
        expect(cut.length).toBeLessThanOrEqual(max);
        expect(cut.isWellFormed()).toBe(true);
        expect(text.toWellFormed().startsWith(cut)).toBe(true);
        const excerpt = excerptOf(text, []);
        expect(excerpt.isWellFormed()).toBe(true);
        expect(JSON.parse(JSON.stringify(excerpt))).toBe(excerpt);
        expect(excerpt).not.toMatch(/[\p{Cc}\u2028\u2029\u202e\ufeff]/u);
      }),
    );
  });

  test.each([0, 1, 2, 3])('is cut between characters at any offset (%i)', (offset) => {
    const text = `${'x'.repeat(197 + offset)}${'😀'.repeat(9)}`;
    const excerpt = excerptOfAnswer(answer({ body: Buffer.from(text) }), []);
    expect(excerpt.isWellFormed()).toBe(true);
    expect(text.startsWith(excerpt)).toBe(true);
    expect(excerpt.length).toBeGreaterThanOrEqual(199);
  });

  test('never ends in half a secret, wherever it is', () => {
    const secret = 'sk_live_0123456789abcdef';
    for (let before = 0; before < 220; before += 1) {
      const excerpt = excerptOfAnswer(answer({ body: Buffer.from(`${'x'.repeat(before)}${secret}`) }), [secret]);
      expect(excerpt).not.toContain('sk');
    }
    // Where reading stops, and where the body was cut.
    for (let left = 1; left < secret.length; left += 1) {
      const long = `${secret.repeat(169)}${'y'.repeat(40 - left)}${secret.repeat(2)}`;
      const cut = `x ${secret.slice(0, left)}`;
      for (const body of [Buffer.from(long), Buffer.from(cut)]) {
        const excerpt = excerptOfAnswer(answer({ body, bodyFailure: { class: 'too_large', message: '' } }), [secret]);
        expect(excerpt).not.toContain('s');
      }
    }
  });

  test('of a redirect shows the target', () => {
    const headers = { location: 'https://u:p@new.example/v2?token=abcdefgh', 'content-type': 'text/plain' };
    const quoted = excerptOfAnswer(answer({ statusCode: 301, headers, body: Buffer.from('moved') }), []);
    expect(quoted).toBe('to https://new.example/v2?*** moved');
    expect(excerptOfAnswer(answer({ statusCode: 304 }), [])).toBe('');
    expect(
      excerptOfAnswer(answer({ statusCode: 302, headers: { location: `/${'é'.repeat(9_000)}` } }), []),
    ).toHaveLength(200);
    expect(excerptOfAnswer(answer({ statusCode: 302, headers: { location: '/abcdefgh-1' } }), ['abcdefgh-1'])).toBe(
      'to /***',
    );
  });

  test('is decoded with the charset of the response', () => {
    const headers = { 'content-type': 'text/html; charset=iso-8859-1' };
    expect(excerptOfAnswer(answer({ headers, body: Buffer.from('défaut', 'latin1') }), [])).toBe('défaut');
    expect(excerptOfAnswer(answer({ body: Buffer.from([0xff, 0xfe, 0x61, 0]) }), [])).toBe('a');
  });
});
