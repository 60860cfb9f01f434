import {
  countItems,
  InvalidPointer,
  itemsOf,
  joinItems,
  parsePointer,
  selectJson,
  selectValue,
} from '@boomerang/core/domain/json-select.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

/** The value that a pointer names in parsed JSON; inherited names are not in the document. */
const walk = (value: unknown, pointer: readonly string[]): unknown => {
  const [token, ...rest] = pointer;
  if (token === undefined) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value) && !/^(?:0|[1-9][0-9]*)$/.test(token)) return undefined;
  return Object.hasOwn(value, token) ? walk((value as Record<string, unknown>)[token], rest) : undefined;
};

/** A JSON text, built from the texts of its parts. */
type Node = { text: string; members?: (readonly [name: string, node: Node])[]; items?: Node[] };

const childOf = ({ members, items }: Node, token: string): Node | undefined =>
  members?.findLast(([name]) => name === token)?.[1] ?? items?.find((_, index) => String(index) === token);

/** The part that a pointer names. Of members with the same name, the last one counts. */
const nodeAt = (node: Node, pointer: readonly string[]): Node | undefined =>
  pointer.reduce<Node | undefined>((found, token) => found && childOf(found, token), node);

/** Code units with a two-character escape, and its second character. */
const SHORT_ESCAPES = new Map(
  ['""', '\\\\', '//', '\bb', '\ff', '\nn', '\rr', '\tt'].map(([unit, letter]) => [unit, letter]),
);

/** A code unit in one of the forms that a JSON string allows. */
const escapedUnit = (unit: string, form: number): string => {
  const hex = unit.charCodeAt(0).toString(16).padStart(4, '0');
  const short = SHORT_ESCAPES.get(unit);
  if (form === 0) return `\\u${hex}`;
  if (form === 1) return `\\u${hex.toUpperCase()}`;
  if (short !== undefined && (form === 2 || unit !== '/')) return `\\${short}`;
  return unit < ' ' ? `\\u${hex}` : unit;
};

const NAMES = [
  ...['', 'a', 'b', 'A', 'ab', 'data', 'é', '東京', '😀', ' ', 'a b', '%', '^', '|', "'", '\x7f', '\u2028', '\ufeff'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', 'valueOf'],
  ...['0', '1', '2', '-', '-1', '00', '01', '1.0', '1e0', ' 0', '+1', '0x1', 'NaN', 'Infinity', '4294967296'],
  ...['~', '~0', '~1', '/', 'a/b', '"', '\\', '\\"', 'a"', '"a":1', '\\u0061', '{', '}', '[', ']', ':', ','],
  ...['n', '\n', '\t', '\b', '\f', '\r', '\0', '\ud800', '\udfff', '\ude00\ud83d'],
];

const aName = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b') },
  { weight: 5, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
);
/** The forms of a string's code units, repeated: see {@link escapedUnit}. */
const forms = fc.array(fc.nat(7), { minLength: 1, maxLength: 5 });
const literalOf = (text: string, unitForms: readonly number[]): string =>
  `"${text.replaceAll(/./gs, (unit, at) => escapedUnit(unit, unitForms[at % unitForms.length] ?? 0))}"`;

const aSpace = fc.constantFrom('', '', '', ' ', '\n', '\r\n\t', '  \t ');
const withSpaces = <T>(part: fc.Arbitrary<T>): fc.Arbitrary<[string, T, string]> => fc.tuple(aSpace, part, aSpace);

const aScalar = fc
  .oneof(
    fc
      .tuple(fc.oneof(aName, fc.string({ unit: 'binary' })), forms)
      .map(([text, unitForms]) => literalOf(text, unitForms)),
    fc.constantFrom('true', 'false', 'null', '0', '-0', '12345678901234567890.0100', '1E400', '1e-7', '-0.10e+05'),
    fc.constantFrom('"\\\\"', '"\\\\\\""', '"\\\\\\\\"', '"]}"', '"{["', '",\\":"', '"\\u005d\\u0022"'),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
  )
  .map((text): Node => ({ text }));

/** JSON whose objects have members with these names, some of them repeated. */
const documentsWith = (name: fc.Arbitrary<string>) =>
  fc.letrec<{ aNode: Node; anArray: Node; anObject: Node }>((tie) => ({
    aNode: fc.oneof({ maxDepth: 5, depthSize: 'medium' }, aScalar, tie('anObject'), tie('anArray')),
    anArray: fc.tuple(aSpace, fc.array(withSpaces(tie('aNode')), { maxLength: 5 })).map(([space, parts]) => ({
      text: `[${parts.map(([before, { text }, after]) => before + text + after).join() || space}]`,
      items: parts.map(([, node]) => node),
    })),
    anObject: fc
      .tuple(aSpace, fc.array(fc.tuple(name, forms, aSpace, aSpace, withSpaces(tie('aNode'))), { maxLength: 6 }))
      .map(([space, parts]) => ({
        text: `{${
          parts
            .map(
              ([key, unitForms, beforeName, afterName, [beforeValue, { text }, afterValue]]) =>
                `${beforeName}${literalOf(key, unitForms)}${afterName}:${beforeValue}${text}${afterValue}`,
            )
            .join() || space
        }}`,
        members: parts.map(([key, , , , [, node]]) => [key, node] as const),
      })),
  }));

/** The tokens of a path through a document: a number selects an existing child, a string may name none. */
const toPointer = (node: Node | undefined, [step, ...rest]: readonly (number | string)[]): string[] => {
  if (step === undefined) return [];
  const names = node?.members?.map(([name]) => name) ?? node?.items?.map((_, index) => String(index)) ?? [];
  const token = typeof step === 'string' ? step : names[step % names.length];
  return token === undefined ? [] : [token, ...toPointer(node && childOf(node, token), rest)];
};

/** A document with whitespace around it, and a pointer that usually names a value in it. */
const queriesWithNames = (name: fc.Arbitrary<string>) =>
  fc
    .tuple(
      withSpaces(documentsWith(name).aNode),
      fc.array(fc.oneof({ weight: 3, arbitrary: fc.nat(9) }, { weight: 1, arbitrary: aName }), { maxLength: 5 }),
    )
    .map(([[before, node, after], steps]) => ({
      node,
      json: before + node.text + after,
      pointer: toPointer(node, steps),
    }));
const aQuery = queriesWithNames(aName);

const toPointerText = (tokens: readonly string[]): string =>
  tokens.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/**
 * A stand-in for a string that counts character reads, and throws beyond `limit` times its length.
 * It has the string methods that the module calls.
 */
const countedText = (text: string, limit: number) => {
  let reads = 0;
  const read = (count: number): void => {
    reads += count;
    if (reads > limit * (text.length + 1)) throw new Error(`More than ${limit} reads per character`);
  };
  const countingText = {
    length: text.length,
    charCodeAt: (at: number) => {
      read(1);
      return text.charCodeAt(at);
    },
    indexOf: (part: string, from: number) => {
      const at = text.indexOf(part, from);
      read((at < 0 ? text.length : at + 1) - from);
      return at;
    },
    slice: (from: number, to: number) => {
      read(to - from);
      return text.slice(from, to);
    },
  };
  return countingText as unknown as string;
};

describe('a JSON Pointer', () => {
  test.each<[string, string[]]>([
    ['', []],
    ['/', ['']],
    ['//', ['', '']],
    ['/data', ['data']],
    ['/data/0/a b/', ['data', '0', 'a b', '']],
    ['/a~1b/m~0n', ['a/b', 'm~n']],
    ['/~01', ['~1']],
    ['/~10', ['/0']],
    ['/~0~1~01', ['~/~1']],
    ['/__proto__/constructor', ['__proto__', 'constructor']],
    ['/%7E/\n/#', ['%7E', '\n', '#']],
  ])('%j has the tokens %j', (pointer, tokens) => expect(parsePointer(pointer)).toEqual(tokens));

  test.each(['a', 'a/b', '#/a', ' /a', '~0', '/~', '/a~', '/~2', '/a/~/b', '/~~0', '/~0~', '\n/a'])(
    'is not %j',
    (pointer) => {
      expect(() => parsePointer(pointer)).toThrow(InvalidPointer);
      expect(() => parsePointer(pointer)).toThrow(expect.objectContaining({ name: 'InvalidPointer' }));
    },
  );

  test('that is invalid throws an error that states the rule', () => {
    expect(() => parsePointer('data')).toThrow('Must be empty or start with "/".');
    expect(() => parsePointer('/a~b')).toThrow('Must escape "~" as "~0" and "/" within a name as "~1".');
  });

  test('round-trips its tokens', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(aName, fc.string({ unit: fc.constantFrom('~', '/', '0', '1') }))), (tokens) =>
        expect(parsePointer(toPointerText(tokens))).toEqual(tokens),
      ),
    );
  });
});

describe('selecting', () => {
  const rfc = String.raw`{ "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8 }`;
  test.each([
    ['', rfc],
    ['/foo', '["bar", "baz"]'],
    ['/foo/0', '"bar"'],
    ['/', '0'],
    ['/a~1b', '1'],
    ['/c%d', '2'],
    ['/e^f', '3'],
    ['/g|h', '4'],
    ['/i\\j', '5'],
    ['/k"l', '6'],
    ['/ ', '7'],
    ['/m~0n', '8'],
  ])('evaluates %j as in section 5 of RFC 6901', (pointer, expected) => {
    expect(selectJson(`\n${rfc}\t`, parsePointer(pointer))).toBe(expected);
  });

  test('extracts the source text of the value', () => {
    fc.assert(
      fc.property(aQuery, ({ node, json, pointer }) => {
        const text = nodeAt(node, pointer)?.text;
        expect(selectJson(json, pointer)).toBe(text);
        expect(selectJson(json, parsePointer(toPointerText(pointer)))).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  // No names with backslashes: V8 confuses them with other escaped names (https://github.com/nodejs/node/issues/63785).
  const aPlainQuery = queriesWithNames(aName.filter((name) => !name.includes('\\')));

  test('finds the value that JSON.parse finds', () => {
    fc.assert(
      fc.property(aPlainQuery, ({ json, pointer }) => {
        const text = selectJson(json, pointer);
        // Compared as text, because toEqual ignores an own property named __proto__.
        const expected = JSON.stringify(walk(JSON.parse(json), pointer));
        expect(JSON.stringify(text === undefined ? undefined : JSON.parse(text))).toBe(expected);
        expect(JSON.stringify(selectValue(json, pointer))).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['values that exist', (text?: string) => text !== undefined],
    ['values that do not exist', (text?: string) => text === undefined],
  ])('is tested with nested %s', (_name, isIncluded) => {
    const queries = fc.sample(aQuery, { numRuns: 1000, seed: 1 });
    const nested = queries.filter(({ node, pointer }) => pointer.length > 1 && isIncluded(nodeAt(node, pointer)?.text));
    expect(nested.length).toBeGreaterThan(50);
  });

  test.each([
    ['every digit', '{"n": 12345678901234567890.0100 }', '/n', '12345678901234567890.0100'],
    ['exponents', '[1E+400,-0.0e-0]', '/1', '-0.0e-0'],
    ['escapes and whitespace', '{"a": [ "\\u0061\\/" ,\n{ } ] }', '/a', '[ "\\u0061\\/" ,\n{ } ]'],
    ['a value after a string that contains brackets and quotes', '{"a":"}],\\"b\\":1","b":2}', '/b', '2'],
    ['a value after strings that end with backslashes', '["\\\\\\\\","\\\\\\"",3]', '/2', '3'],
    ['null', '{"a":null}', '/a', 'null'],
    ['a scalar document', ' -1 ', '', '-1'],
    ['an empty string', '[""]', '/0', '""'],
    ['the item of an index with two digits', '[0,1,2,3,4,5,6,7,8,9,10]', '/10', '10'],
  ])('keeps %s', (_name, json, pointer, expected) => expect(selectJson(json, parsePointer(pointer))).toBe(expected));

  test.each([
    ['the last one', '{"a":1,"b":2,"a":3}', '/a', '3'],
    ['the last one, if it is written differently', '{"a":1,"\\u0061":2}', '/a', '2'],
    ['the last one, though it lacks what an earlier one has', '{"a":{"b":1},"a":{"c":2}}', '/a/b', undefined],
    ['the last one, though it is a scalar', '{"a":{"b":1},"a":"b"}', '/a/b', undefined],
    ['the last one, though its array is shorter', '{"a":[[1]],"a":[]}', '/a/0/0', undefined],
    ['the last ones at each level', '{"a":{"b":1},"a":{"b":2,"b":[3]},"b":4}', '/a/b/0', '3'],
  ])('uses %s of members with the same name', (_name, json, pointer, expected) => {
    expect(selectJson(json, parsePointer(pointer))).toBe(expected);
  });

  test.each([
    ['the item after the last', '[1,2]', '/-'],
    ['an index after the end', '[1,2]', '/2'],
    ['an index of an empty array', '[ ]', '/0'],
    ['an index with a leading zero', '[1,2]', '/01'],
    ['a negative index', '[1,2]', '/-1'],
    ['an index too large for a number', '[1,2]', `/${'9'.repeat(400)}`],
    ['an index in digits other than ASCII', '[1,2]', '/١'],
    ['the length of an array', '[1,2]', '/length'],
    ['a character of a string', '"ab"', '/0'],
    ['a child of a number', '{"a":1}', '/a/b'],
    ['a child of null', '{"a":null}', '/a/b'],
    ['a name in an array', '[{"a":1}]', '/a'],
    ['a string that is a value', '{"a":"b"}', '/b'],
    ['a name that occurs deeper in the document', '{"a":{"b":1}}', '/b'],
    ['a name in another case', '{"a":1}', '/A'],
    ['a prefix of a name', '{"ab":1}', '/a'],
    ['a longer name', '{"a":1}', '/ab'],
    ['a part of a name with escapes', '{"a\\u0062":1}', '/a'],
    ['the source text of a name', '{"\\u0061":1}', '/\\u0061'],
    ['a name that includes the closing quote', '{"\\n":1}', '/\n"'],
    ['a prototype of an object', '{}', '/__proto__'],
    ['a method of an object', '{"a":{}}', '/a/toString'],
    ['a child in an empty object', '{ }', '/'],
  ])('finds nothing for %s', (_name, json, pointer) => {
    expect(selectJson(json, parsePointer(pointer))).toBeUndefined();
    expect(selectValue(json, parsePointer(pointer))).toBeUndefined();
  });

  test('parses the value', () => {
    expect(selectValue('{"a":[{"b": 1.50}]}', ['a', '0'])).toEqual({ b: 1.5 });
    expect(selectValue('{"a":null}', ['a'])).toBeNull();
    expect(selectValue('{"a":false}', ['a'])).toBe(false);
  });
});

describe('the items of an array', () => {
  test.each([
    ['[]', ''],
    [' [\n] ', ''],
    ['[ 1 , [2, 3] ]', '1 , [2, 3]'],
    ['[null]', 'null'],
    ['{}', undefined],
    ['{"a":[]}', undefined],
    ['"[]"', undefined],
    ['1', undefined],
    ['null', undefined],
  ])('of %j are %j', (json, items) => expect(itemsOf(json)).toBe(items));

  test('of several arrays are joined into one array, with their texts unchanged', () => {
    fc.assert(
      fc.property(fc.array(withSpaces(documentsWith(aName).anArray), { maxLength: 5 }), (pages) => {
        const parts = pages.map(([before, { text }, after]) => itemsOf(before + text + after) ?? 'not an array');
        const joined = joinItems(parts);
        const items = pages.flatMap(([, page]) => page.items ?? []);
        expect(JSON.parse(joined)).toHaveLength(items.length);
        for (const [index, { text }] of items.entries()) expect(selectJson(joined, [String(index)])).toBe(text);
        expect(parts.map(countItems)).toEqual(pages.map(([, page]) => page.items?.length));
      }),
    );
  });

  test.each([
    [[], '[]'],
    [[''], '[]'],
    [['', '1', '', '2 ,3', ''], '[1,2 ,3]'],
  ])('of %j are joined as %j', (parts, joined) => expect(joinItems(parts)).toBe(joined));
});

/** Average reads per character; quadratic time would need thousands. */
const MAX_READS = 4;

describe('the number of reads', () => {
  const N = 3000;
  const manyOf = (part: string, count = N): string => Array(count).fill(part).join();
  test.each<[string, string, string[]]>([
    ['nested arrays', '['.repeat(N) + ']'.repeat(N), ['', '/0/0', '/1', '/0'.repeat(N), '/0'.repeat(N - 1)]],
    ['nested objects', `${'{"a":'.repeat(N)}1${'}'.repeat(N)}`, ['', '/a/a', '/b', '/a'.repeat(N), '/a/a/b']],
    ['backslashes', `{"s":"${'\\'.repeat(2 * N)}","b":1}`, ['/s', '/b']],
    ['escaped quotes', `{"s":"${'\\"'.repeat(N)}","b":1}`, ['/s', '/b']],
    ['backslashes before quotes', `{"s":"${'\\\\\\"'.repeat(N)}","b":1}`, ['/s', '/b']],
    ['strings that consist of an escaped quote', `[${manyOf('"\\""')}]`, ['', '/-', `/${N}`]],
    ['small names', `{${manyOf('"":1')}}`, ['/', '/a']],
    ['small names and strings', `{${manyOf('"a":"a"')}}`, ['/a', '/b', '/a/a']],
    ['repeated objects', `{${manyOf('"a":{"b":{"c":1}}')}}`, ['/a/b/c', '/a/b/d', '/a/c', '/b']],
    ['repeated arrays', `{${manyOf('"a":[1,[2]]')}}`, ['/a/1/0', '/a/0', '/a/2', '/a/-']],
    ['repeated levels', `{${manyOf(`"a":${'{"a":'.repeat(9)}1${'}'.repeat(9)}`)}}`, ['/a'.repeat(10), '/a'.repeat(11)]],
    ['escaped names', `{${manyOf('"\\u0061\\n":1')}}`, ['/a\n', '/a\t', '/a']],
    ['a long name', `{"${'a'.repeat(N)}":1}`, [`/${'a'.repeat(N)}`, `/${'a'.repeat(N - 1)}`, `/${'a'.repeat(N - 1)}b`]],
    ['a long name in escapes', `{"${'\\u0061'.repeat(N)}":1}`, [`/${'a'.repeat(N)}`, `/${'a'.repeat(N + 1)}`]],
    ['names that are nearly alike', `{${manyOf(`"${'a'.repeat(99)}b":1`, 300)}}`, [`/${'a'.repeat(99)}c`]],
    ['a name that continues like the document', `{${manyOf('"":1')}}`, [`/${'":1,"'.repeat(N)}`]],
    ['a long number', `{"n":${'1'.repeat(N)},"b":1}`, ['', '/n', '/b']],
    ['whitespace', `${' '.repeat(N)}{${'\n'.repeat(N)}"a"${'\t'.repeat(N)}:${'\r'.repeat(N)}1}`, ['', '/a', '/b']],
    ['many small items', `[${manyOf('1')}]`, ['', '/-', `/${N}`, `/${N - 1}`, '/0']],
    ['a string that does not end', `{"a":1,"${'b'.repeat(N)}`, ['/a', '/b']],
    ['brackets that do not close', '[{"a":'.repeat(N), ['', '/0/a/0', '/1']],
    ['brackets that only close', ']}'.repeat(N), ['', '/0', '/a']],
  ])('is linear for %s', (_name, json, pointers) => {
    for (const pointer of pointers.map(parsePointer)) {
      expect(selectJson(countedText(json, MAX_READS), pointer)).toBe(selectJson(json, pointer));
    }
  });

  test('is linear for any JSON', () => {
    fc.assert(
      fc.property(aQuery, ({ json, pointer }) => {
        expect(selectJson(countedText(json, MAX_READS), pointer)).toBe(selectJson(json, pointer));
      }),
    );
  });

  test('is linear for text that is not JSON', () => {
    const piece = fc.constantFrom(...'{}[]:,"\\ 01au', '"a"', '"a":', 'null', '[1', '{"a":[');
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.constantFrom('a', '0', '1', '99999', '-', ''), { maxLength: 4 }),
        (pieces, pointer) => {
          selectJson(countedText(pieces.join(''), 2 * MAX_READS), pointer);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('is linear for counting items', () => {
    for (const items of [manyOf('1'), manyOf('"\\""'), manyOf('[[{"a":[]}]]'), '['.repeat(N) + ']'.repeat(N)]) {
      expect(countItems(countedText(items, MAX_READS))).toBe(JSON.parse(`[${items}]`).length);
    }
  });
});
