import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import db, { type Write } from 'dynalite/db/index.js';
import { openStore, type Store } from '../../local/dynamodb-store.ts';

const ITEMS = 40;
const OPERATIONS = 600;
const { create } = db;

let store: Store;
let batches: Write[][];
let failure: Error | undefined;

beforeEach(async () => {
  batches = [];
  failure = undefined;
  db.create = (options) => {
    const created = create(options);
    const batch = created.db.batch.bind(created.db);
    created.db.batch = async (writes, callback) => {
      batches.push(writes);
      if (failure) callback?.(failure);
      else await batch(writes, callback);
    };
    return created;
  };
  store = await openStore();
  await call('CreateTable', {
    TableName: 'Table',
    AttributeDefinitions: ['id', 'due', 'state'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    GlobalSecondaryIndexes: ['due', 'state'].map((AttributeName) => ({
      IndexName: AttributeName,
      KeySchema: [{ AttributeName, KeyType: 'HASH' }],
      Projection: { ProjectionType: 'ALL' },
    })),
    BillingMode: 'PAY_PER_REQUEST',
  });
  while (!(await call('DescribeTable', { TableName: 'Table' })).includes('ACTIVE')) await nextTurn();
  batches = [];
});
afterEach(async () => {
  db.create = create;
  await store.close();
});

const nextTurn = () => new Promise((resolve) => setTimeout(resolve, 1));

const call = async (operation: string, input: object): Promise<string> => {
  const { status, body } = await store.service(operation, JSON.stringify(input));
  expect([status, status === 200 ? '' : body]).toEqual([200, '']);
  return body;
};

/** The key of an item is the end of the keys of its index entries. */
const isEntryOf = (entry: Write, item: Write): boolean =>
  entry.key.startsWith('index-') && entry.key.endsWith(item.key.slice('item-Table~'.length));

test('every index entry is written in one batch with its item', async () => {
  const operations = Array.from({ length: OPERATIONS }, async (_, index) => {
    for (let turns = index % 7; turns > 0; turns -= 1) await nextTurn();
    const key = { id: { S: `item ${index % ITEMS}` } };
    const attributes = { due: { S: `${index}` }, ...(index % 3 > 0 && { state: { S: `${index % 3}` } }) };
    if (index % 5 === 0) return call('DeleteItem', { TableName: 'Table', Key: key });
    if (index % 2 === 0) return call('PutItem', { TableName: 'Table', Item: { ...key, ...attributes } });
    return call('UpdateItem', {
      TableName: 'Table',
      Key: key,
      UpdateExpression: 'SET #due = :due REMOVE #state',
      ExpressionAttributeNames: { '#due': 'due', '#state': 'state' },
      ExpressionAttributeValues: { ':due': { S: `${index}` } },
    });
  });
  await Promise.all(operations);
  const entries = batches.flatMap((batch) => batch.filter(({ key }) => key.startsWith('index-')));
  expect(entries.filter(({ type }) => type === 'put').length).toBeGreaterThan(OPERATIONS / 2);
  expect(entries.filter(({ type }) => type === 'del').length).toBeGreaterThan(OPERATIONS / 4);
  for (const batch of batches) {
    const items = batch.filter(({ key }) => key.startsWith('item-'));
    const alone = batch.filter(
      (write) => !write.key.startsWith('item-') && !items.some((item) => isEntryOf(write, item)),
    );
    expect(alone).toEqual([]);
  }
});

test('an operation fails if its batch does', async () => {
  failure = new Error('the disk is full');
  const item = { id: { S: 'item' }, due: { S: 'now' } };
  await expect(store.service('PutItem', JSON.stringify({ TableName: 'Table', Item: item }))).rejects.toThrow(failure);
  expect(batches).toHaveLength(1);
  expect(batches[0]).toHaveLength(2);
});

/** Two keys whose hashes have the same first 24 bits, which is all that dynalite puts into the keys of index entries. */
const collidingIds = (): [string, string] => {
  const ids = new Map<string, string>();
  for (let number = 0; ; number += 1) {
    const id = `item ${number}`;
    const hash = db.hashPrefix(id, 'S');
    const other = ids.get(hash);
    if (other !== undefined) return [other, id];
    ids.set(hash, id);
  }
};

describe('items with the same index attributes, whose keys have the same hash', () => {
  const read = async (operation: 'Query' | 'Scan', more: object = {}) => {
    const body = await call(operation, {
      TableName: 'Table',
      IndexName: 'due',
      ...(operation === 'Query' && {
        KeyConditionExpression: 'due = :due',
        ExpressionAttributeValues: { ':due': { S: 'now' } },
      }),
      ...more,
    });
    const { Items, LastEvaluatedKey } = JSON.parse(body) as {
      Items: { id: { S: string } }[];
      LastEvaluatedKey?: object;
    };
    return { ids: Items.map(({ id }) => id.S), LastEvaluatedKey };
  };
  const put = (id: string) => call('PutItem', { TableName: 'Table', Item: { id: { S: id }, due: { S: 'now' } } });
  const ids = collidingIds();

  test('have an index entry each, which one of them keeps when the other is deleted', async () => {
    for (const id of ids) await put(id);
    for (const operation of ['Query', 'Scan'] as const)
      expect((await read(operation)).ids.sort()).toEqual([...ids].sort());
    await call('DeleteItem', { TableName: 'Table', Key: { id: { S: ids[0] } } });
    expect((await read('Query')).ids).toEqual([ids[1]]);
  });

  test.each([
    ['Query', {}],
    ['Query', { ScanIndexForward: false }],
    ['Scan', {}],
  ] as const)('are on different pages of a %s with %j', async (operation, options) => {
    const all = [...ids, 'item a', 'item b'];
    for (const id of all) await put(id);
    const found: string[] = [];
    let from: object | undefined;
    for (let pages = 0; pages <= all.length; pages += 1) {
      const page = await read(operation, { ...options, Limit: 1, ...(from && { ExclusiveStartKey: from }) });
      found.push(...page.ids);
      from = page.LastEvaluatedKey;
      if (!from) break;
    }
    expect(found.sort()).toEqual([...all].sort());
  });
});
