import { beforeAll, describe, expect, test } from '@jest/globals';
import { countOperations, type Operation } from '../../bench/operations.ts';

/** The SDK calls of a job, and on DynamoDB Local (`npm run test:dynamodb-local`) their capacity units. */

let counted: Awaited<ReturnType<typeof countOperations>>;

beforeAll(async () => {
  counted = await countOperations();
}, 60_000);

/** Only DynamoDB Local counts units. */
const onDynamoDbLocal = process.env.DYNAMODB_URL === undefined ? test.skip : test;

const namesOf = (operations: Operation[]): string[] => operations.map(({ name }) => name).sort();

/** Units by table and index, of reads or of writes. */
const unitsOf = (operations: Operation[], kind: 'reads' | 'writes'): Record<string, number> => {
  const units: Record<string, number> = {};
  for (const operation of operations) {
    if (/^(?:Get|BatchGet|Query)/.test(operation.name) !== (kind === 'reads')) continue;
    for (const [target, consumed] of Object.entries(operation.units)) units[target] = (units[target] ?? 0) + consumed;
  }
  return units;
};

describe('the table operations of a job with two providers', () => {
  test('are two writes and no read while everything works', () => {
    expect(namesOf(counted.healthy)).toEqual(['PutItem', 'UpdateItem']);
  });

  test('grow by three writes and two reads with a failed attempt', () => {
    expect(namesOf(counted.failedAttempt)).toEqual(['GetItem', 'PutItem', 'Query', 'UpdateItem', 'UpdateItem']);
  });

  test('grow by two writes and one read with an execution without a call', () => {
    expect(namesOf(counted.deferral)).toEqual(['GetItem', 'UpdateItem', 'UpdateItem']);
  });

  test('grow by two writes and two reads with a poll', () => {
    expect(namesOf(counted.poll)).toEqual(['GetItem', 'GetItem', 'UpdateItem', 'UpdateItem']);
  });

  test('grow by one write and one read with a stored result', () => {
    expect(namesOf(counted.stored)).toEqual(['GetItem', 'PutItem']);
  });

  onDynamoDbLocal('cost the units that docs/operations.md names', () => {
    expect(unitsOf(counted.healthy, 'writes')).toEqual({ table: 3, DueIndex: 2, JobIndex: 2, ClientIndex: 2 });
    expect(unitsOf(counted.failedAttempt, 'writes')).toEqual({ table: 3, DueIndex: 4, UndeliveredIndex: 1 });
    expect(unitsOf(counted.failedAttempt, 'reads')).toEqual({ table: 2 });
    expect(unitsOf(counted.deferral, 'writes')).toEqual({ table: 2, DueIndex: 4 });
    expect(unitsOf(counted.deferral, 'reads')).toEqual({ table: 1 });
    expect(unitsOf(counted.poll, 'writes')).toEqual({ table: 2, DueIndex: 4 });
    expect(unitsOf(counted.poll, 'reads')).toEqual({ table: 2 });
  });
});
