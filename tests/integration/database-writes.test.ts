import { afterEach, beforeEach, expect, test } from '@jest/globals';
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

/** The index entries of an item end with the hash of its key, with which the item's own key begins. */
const isEntryOf = (entry: Write, item: Write): boolean => {
  const [hash = ''] = item.key.slice('item-Table~'.length).split('/');
  return entry.key.startsWith('index-') && entry.key.endsWith(hash);
};

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
