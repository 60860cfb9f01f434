import { parseJson } from '@boomerang/core/http/parse-json.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

/** The parsed value, or the status of the problem. */
const outcomeOf = (text: string): unknown => {
  try {
    return { value: parseJson(text) };
  } catch (error) {
    return (error as { status?: number }).status;
  }
};

/** The same, found by a reviver that visits every value: slow but obviously correct. */
const expectedOutcomeOf = (text: string): unknown => {
  let isForbidden = false;
  let value: unknown;
  try {
    value = JSON.parse(text, (key, part: unknown) => {
      const isConstructor = key === 'constructor' && typeof part === 'object' && part !== null;
      if (key === '__proto__' || (isConstructor && Object.hasOwn(part, 'prototype'))) isForbidden = true;
      return part;
    });
  } catch {
    return 400;
  }
  return isForbidden ? 422 : { value };
};

const nested = (depth: number, open = '[', close = ']') => open.repeat(depth) + close.repeat(depth);

describe('a JSON body', () => {
  test.each<[string, unknown]>([
    ['{"__proto__":1}', 422],
    ['{"\\u005f_pr\\u006fto\\u005F_" \n\t:1}', 422],
    ['[[{"a":{"__proto__":null}}]]', 422],
    ['{"constructor":{"prototype":1}}', 422],
    ['{"\\u0063onstructor":{"proto\\u0074ype":1}}', 422],
    ['{"prototype":{"constructor":{"a":1}}}', { value: { prototype: { constructor: { a: 1 } } } }],
    ['{"constructor":"Renault","prototype":true}', { value: { constructor: 'Renault', prototype: true } }],
    ['["__proto__","constructor","prototype"]', { value: ['__proto__', 'constructor', 'prototype'] }],
    ['{"a":"\\"__proto__\\":1"}', { value: { a: '"__proto__":1' } }],
    ['{"a\\"__proto__":1}', { value: { 'a"__proto__': 1 } }],
    ['{"__proto__x":1,"x__proto__":1}', { value: { __proto__x: 1, x__proto__: 1 } }],
    ['{', 400],
    ['', 400],
    ['__proto__', 400],
    ['{"a":"__proto__":1}', 400],
  ])('%s gives %j', (text, expected) => {
    expect([outcomeOf(text), expectedOutcomeOf(text)]).toEqual([expected, expected]);
  });

  test('has the same outcome as with a reviver, however its keys are escaped and nested', () => {
    const escaped = (key: string, mask: number): string =>
      [...key]
        .map((character, index) => {
          const hex = character.charCodeAt(0).toString(16).padStart(4, '0');
          return (mask >> index) & 1 ? `\\u${index % 2 ? hex : hex.toUpperCase()}` : character;
        })
        .join('');
    const word = fc
      .tuple(
        fc.constantFrom('__proto__', 'constructor', 'prototype', 'a', '_proto__', 'a\\"__proto__'),
        fc.nat(2 ** 11),
      )
      .map(([key, mask]) => `"${key.includes('\\') ? key : escaped(key, mask)}"`);
    const blank = fc.constantFrom('', ' ', '\n', '\r\t ');
    const { json } = fc.letrec<{ json: string; list: string; object: string }>((tie) => ({
      json: fc.oneof({ maxDepth: 4 }, word, fc.constantFrom('1', 'null', '{}', '[]'), tie('list'), tie('object')),
      list: fc.array(tie('json'), { maxLength: 3 }).map((parts) => `[${parts.join(',')}]`),
      object: fc
        // No repeated keys: the reviver visits only the last of them, but the text contains all.
        .uniqueArray(fc.tuple(word, blank, tie('json')), {
          maxLength: 3,
          selector: ([key]) => JSON.parse(key) as string,
        })
        .map((members) => `{${members.map(([key, space, value]) => `${key}${space}:${space}${value}`).join(',')}}`),
    }));
    const seen = new Set<unknown>();
    fc.assert(
      fc.property(json, (text) => {
        const expected = expectedOutcomeOf(text);
        seen.add(typeof expected === 'number' ? expected : 'value');
        expect(outcomeOf(text)).toEqual(expected);
      }),
      { numRuns: 3_000 },
    );
    expect(seen).toEqual(new Set(['value', 422]));
  });

  test.each([
    ['lists', nested(500_000)],
    ['objects', nested(150_000, '{"a":[', ']}')],
    ['lists next to suspicious keys', `{"constructor":1,"prototype":1,"a":${nested(500_000)}}`],
    ['unclosed lists', '['.repeat(1_000_000)],
    ['lists around a forbidden key', `${'['.repeat(400_000)}{"__proto__":1}${']'.repeat(400_000)}`],
  ])('may nest %s as deeply as its size allows, without a stack overflow', (_name, text) => {
    const outcome = outcomeOf(text);
    if (typeof outcome === 'number') expect([400, 422]).toContain(outcome);
    else expect(outcome).toHaveProperty('value');
  });
});
