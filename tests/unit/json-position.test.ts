import { findJsonError, findTooDeep } from '@boomerang/core/domain/json-position.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('the position where a text stops being JSON', () => {
  test.each<[string, number, number]>([
    ['', 1, 1],
    ['{', 1, 2],
    ['[1, 2', 1, 6],
    ['{"a": x}', 1, 7],
    ['{"a": 1,}', 1, 9],
    ['[1,\n 2,\n oops]', 3, 2],
    ['{\n  "a": "b"\n  "c": 1\n}', 3, 3],
    ['{"a": "line\nbreak"}', 1, 7],
    ["{'a': 1}", 1, 2],
    ['[01]', 1, 2],
    ['[1] 2', 1, 5],
    ['"\\x"', 1, 1],
    ['\r\n\t nul', 2, 3],
    ['"\\u00e"', 1, 1],
    ['"\\u00eg"', 1, 1],
  ])('is found in %j', (text, line, column) => {
    expect(parses(text)).toBe(false);
    expect(findJsonError(text)).toEqual({ line, column });
  });

  test('is undefined for any valid JSON, however it is spaced', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('', ' ', '\n\t'), (text, space) => {
        const spaced = JSON.stringify(JSON.parse(text), null, space);
        expect([findJsonError(text), findJsonError(`${space}${spaced}${space}`)]).toEqual([undefined, undefined]);
      }),
    );
  });

  test('is undefined for any escape', () => {
    for (const text of ['"\\u00e9\\uABCF"', String.raw`"\"\\\/\b\f\n\r\t"`])
      expect(findJsonError(text)).toBeUndefined();
  });

  test('is defined exactly when JSON.parse fails', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '1',
      '-',
      '.5',
      'e3',
      'true',
      'null',
      ' ',
      '\\u00',
      '0',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('');
        expect([text, findJsonError(text) === undefined]).toEqual([text, parses(text)]);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the position where a text is nested too deeply', () => {
  test.each<[string, number, ReturnType<typeof findTooDeep>]>([
    ['', 0, undefined],
    ['[]', 0, { line: 1, column: 1 }],
    ['[]', 1, undefined],
    ['{}', 1, undefined],
    ['{"a": [1, {}]}', 2, { line: 1, column: 11 }],
    ['[[], {}, []]', 2, undefined],
    ['[{"a":\n [\n  []]}]', 3, { line: 3, column: 3 }],
    // Brackets in strings do not count, and an unterminated string extends to the end.
    ['["[[[", "\\"[[["]', 1, undefined],
    ['["a\n[[["]', 1, undefined],
    ['["[[[', 1, undefined],
    ['[""[', 1, { line: 1, column: 4 }],
  ])('of %j with depth %i is %j', (text, depth, position) => {
    expect(findTooDeep(text, depth)).toEqual(position);
  });

  test('is found in a million brackets', () => {
    expect(findTooDeep('['.repeat(1_000_000), 999_999)).toEqual({ line: 1, column: 1_000_000 });
  });
});
