import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { JSONPath } from 'jsonpath-plus';
import { followReferencePaths } from '../../local/reference-paths.ts';

type Query = { path: string; json: never; wrap?: boolean };
/** Reads a path with the arguments that the interpreter passes. */
const read = ({ wrap = false, ...query }: Query): unknown => JSONPath({ ...query, wrap }) as unknown;

const key = fc.constantFrom('a', 'b', 'length', 'constructor', '0');
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, undefined, 0, '', false, 'text', 1, true, [], {}),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(key, tie('json'), { maxKeys: 3 }),
  ),
}));
const step = fc.oneof(
  key.map((name) => `.${name}`),
  fc.nat(2).map((index) => `[${index}]`),
  fc.constantFrom('[*]', "['a']", '..a', '.*', '[0:1]', '.a^', '.a~', '[-1:]'),
);
const query = fc.record({
  path: fc.array(step, { maxLength: 4 }).map((steps) => `$${steps.join('')}`),
  json: json as fc.Arbitrary<never>,
  wrap: fc.boolean(),
});

test('paths have the same values as before followReferencePaths replaces their evaluation', () => {
  const queries = fc.sample(query, 3_000);
  const before = queries.map(read);
  followReferencePaths();
  expect(queries.map(read)).toEqual(before);
});

test.each(['$.text', '$.absent[0]'])('the value of %s is thrown without a stack trace', (path) => {
  followReferencePaths();
  let thrown: unknown;
  try {
    // Called without `new`, JSONPath does the same, and catches what is thrown.
    new (JSONPath as unknown as new (query: object) => unknown)({ path, json: { text: 'text' }, wrap: false });
  } catch (value) {
    thrown = value;
  }
  expect(thrown).toMatchObject({ avoidNew: true });
  expect(thrown).not.toHaveProperty('stack');
});
