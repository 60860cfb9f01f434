import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { setQuery } from '../../functions/provider-fetch/set-query.ts';

describe('a query parameter', () => {
  test.each([
    ['https://x.example/a', 'https://x.example/a?p=1'],
    ['https://x.example/a?', 'https://x.example/a?p=1'],
    ['https://x.example/a?b=2', 'https://x.example/a?b=2&p=1'],
    ['https://x.example/a?p=0&b=2', 'https://x.example/a?p=1&b=2'],
    ['https://x.example/a?b=2&p=0&c&p=3&p', 'https://x.example/a?b=2&p=1&c'],
    ['https://x.example/a?%70=0', 'https://x.example/a?p=1'],
    ['https://x.example/a?P=0', 'https://x.example/a?P=0&p=1'],
    ['https://x.example/a?b=%2f+%7E?&c==', 'https://x.example/a?b=%2f+%7E?&c==&p=1'],
    ['https://x.example/a??p=0', 'https://x.example/a??p=0&p=1'],
    ['https://x.example/a?b=2#p=0', 'https://x.example/a?b=2&p=1'],
  ])('is set in %s', (url, expected) => {
    expect(setQuery(url, 'p', '1')).toBe(expected);
  });

  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });

  test('has the value that was set, once, and no other parameter changes', () => {
    fc.assert(
      fc.property(
        fc.webUrl({ withQueryParameters: true }),
        text,
        fc.string({ unit: 'grapheme' }),
        (url, name, value) => {
          const before = new URL(url);
          const after = new URL(setQuery(url, name, value));
          expect(after.searchParams.getAll(name)).toEqual([value]);
          expect([after.origin, after.pathname]).toEqual([before.origin, before.pathname]);
          const others = ({ searchParams }: URL) => [...searchParams].filter(([other]) => other !== name);
          expect(others(after)).toEqual(others(before));
        },
      ),
    );
  });

  test('is replaced when set again', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), text, text, text, (url, name, first, second) => {
        expect(setQuery(setQuery(url, name, first), name, second)).toBe(setQuery(url, name, second));
      }),
    );
  });

  test('with a lone surrogate throws a URIError', () => {
    expect(() => setQuery('https://x.example', 'p', '\uD800')).toThrow(URIError);
  });
});
