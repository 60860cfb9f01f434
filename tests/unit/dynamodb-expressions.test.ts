import { describe, expect, jest, test } from '@jest/globals';
import conditions, { type Context, type Parse } from 'dynalite/db/conditionParser.js';
import projections from 'dynalite/db/projectionParser.js';
import updates from 'dynalite/db/updateParser.js';
import fc from 'fast-check';
import { remembering } from '../../local/dynamodb-expressions.ts';

const CONDITIONS = [
  'a = :v',
  'attribute_exists(#n) AND #n.b > :v',
  'attribute_not_exists(a) OR size(:v) < :w',
  'begins_with(#n, :v)',
  'NOT contains(a, :v)',
  'a IN (:v, :w)',
  'a = :v AND b = :v',
  'a BETWEEN :v AND :w',
  'attribute_type(a, :v)',
  'constructor = :v',
  'status = :v',
  'a = a',
  '(a = :v)',
  'a = :absent',
  '#absent = :v',
  'a =',
];
const UPDATES = [
  'SET a = :v',
  'SET #n = if_not_exists(#n, :v) + :w REMOVE b',
  'SET a = list_append(a, :v)',
  'SET a.b[1] = :v, c = :w',
  'ADD a :v DELETE b :w',
  'REMOVE constructor.b',
  'SET a = :v, a.b = :w',
  'SET a = :absent',
  'SET a',
];
const PROJECTIONS = ['a', 'a, #n.b[0]', 'a, a', 'status', '#absent'];

const value = fc.oneof(
  fc.constantFrom('S', 'NULL', '').map((S) => ({ S })),
  fc.nat(2).map((number) => ({ N: String(number) })),
  fc.boolean().map((BOOL) => ({ BOOL })),
  fc.constantFrom('x', 'y').map((text) => ({ SS: [text] })),
  fc.constantFrom('x', 'y').map((S) => ({ L: [{ S }] })),
  fc.constantFrom('x', 'y').map((S) => ({ M: { type: { S } } })),
);
type Request = { attrNames?: Record<string, string>; attrVals?: Record<string, object> };
const request: fc.Arbitrary<Request> = fc.record(
  {
    attrNames: fc.constantFrom('a', 'b', 'status').map((name) => ({ '#n': name })),
    attrVals: fc.oneof(fc.record({ ':v': value }), fc.record({ ':v': value, ':w': value })),
  },
  { requiredKeys: [] },
);

const contextOf = ({ attrNames, attrVals }: Request): Context => ({
  attrNames,
  attrVals,
  unusedAttrNames: { ...attrNames },
  unusedAttrVals: { ...attrVals },
  isReserved: (name) => name === 'status',
  compare: (_, a, b) => JSON.stringify(a) > JSON.stringify(b),
});

/** The result and what is left unused; only the message if the expression is invalid, because then nothing else is read. */
const outcomeOf = (parse: Parse, expression: string, of: Request) => {
  const context = contextOf(structuredClone(of));
  try {
    const result = parse(expression, { context });
    const { unusedAttrNames, unusedAttrVals } = context;
    return typeof result === 'string' ? { error: result } : { result, unusedAttrNames, unusedAttrVals };
  } catch (error) {
    return { error: `${error}` };
  }
};

describe.each([
  ['conditions', conditions.parse, CONDITIONS],
  ['updates', updates.parse, UPDATES],
  ['projections', projections.parse, PROJECTIONS],
] as const)('remembered %s', (_, parse, expressions) => {
  test('give the results of the parser, and mark the same names and values as used', () => {
    const remembered = remembering(parse);
    fc.assert(
      fc.property(fc.constantFrom(...expressions), request, (expression, of) => {
        expect(outcomeOf(remembered, expression, of)).toStrictEqual(outcomeOf(parse, expression, of));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the parser is called', () => {
  const counted = () => {
    const parse = jest.fn(conditions.parse);
    const remembered = remembering(parse);
    return { parse, read: (expression: string, of: Request) => outcomeOf(remembered, expression, of) };
  };

  test('once for the same expression with other values', () => {
    const { parse, read } = counted();
    for (const S of ['x', 'y', 'z']) {
      expect(read('a = :v', { attrVals: { ':v': { S } } })).toMatchObject({
        result: { expression: { type: '=', args: [['a'], { S }] } },
      });
    }
    expect(parse).toHaveBeenCalledTimes(1);
  });

  test('again for other types or names, and always where the values matter', () => {
    const { parse, read } = counted();
    read('size(:v) = :w', { attrVals: { ':v': { S: '' }, ':w': { N: '0' } } });
    read('size(:v) = :w', { attrVals: { ':v': { N: '0' }, ':w': { N: '0' } } });
    read('#n = :v', { attrNames: { '#n': 'a' }, attrVals: { ':v': { S: '' } } });
    read('#n = :v', { attrNames: { '#n': 'b' }, attrVals: { ':v': { S: '' } } });
    for (let times = 0; times < 2; times += 1) {
      read('a Between :v AND :w', { attrVals: { ':v': { N: '1' }, ':w': { N: '2' } } });
      read('attribute_type(a, :v)', { attrVals: { ':v': { S: 'NULL' } } });
    }
    expect(parse).toHaveBeenCalledTimes(8);
  });
});
