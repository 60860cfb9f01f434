import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import db from 'dynalite/db/index.js';
import { openStore, type Store } from '../../local/dynamodb-store.ts';

/** Small items fill several chunks by count; large items fill several by size. */
const SMALL = 2_500;
const LARGE = 24;
const LARGE_TEXT = 'x'.repeat(100_000);

describe('ranges of the embedded database', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
  const { create } = db;
  let openNow = 0;
  let openedSoFar = 0;
  let store: Store;

  const call = async (operation: string, input: object) => {
    const { status, body } = await store.service(operation, JSON.stringify(input));
    expect([status, status === 200 ? '' : body]).toEqual([200, '']);
    return JSON.parse(body) as { Items: { sort: { S: string } }[]; LastEvaluatedKey?: object };
  };

  beforeAll(async () => {
    db.create = (options) => {
      const created = create(options);
      const values = created.db.values.bind(created.db);
      created.db.values = (range) => {
        const iterator = values(range);
        const close = iterator.close.bind(iterator);
        let isOpen = true;
        openNow += 1;
        openedSoFar += 1;
        iterator.close = () => {
          if (isOpen) openNow -= 1;
          isOpen = false;
          return close();
        };
        return iterator;
      };
      return created;
    };
    store = await openStore(path.join(folder, 'dynamodb'));
    const keyNames = ['hash', 'sort'];
    await call('CreateTable', {
      TableName: 'Table',
      AttributeDefinitions: keyNames.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: keyNames.map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
      BillingMode: 'PAY_PER_REQUEST',
    });
    const put = (hash: string, index: number, text: string) =>
      call('PutItem', {
        TableName: 'Table',
        Item: { hash: { S: hash }, sort: { S: sortOf(index) }, text: { S: text } },
      });
    await waitUntilActive();
    await Promise.all(Array.from({ length: SMALL }, (_, index) => put('small', index, '')));
    await Promise.all(Array.from({ length: LARGE }, (_, index) => put('large', index, LARGE_TEXT)));
  }, 60_000);

  afterAll(async () => {
    db.create = create;
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const waitUntilActive = async () => {
    for (let tries = 0; tries < 1_000; tries += 1) {
      const { Table } = (await call('DescribeTable', { TableName: 'Table' })) as unknown as {
        Table: { TableStatus: string };
      };
      if (Table.TableStatus === 'ACTIVE') return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error('the table did not become active');
  };

  const sortOf = (index: number): string => String(index).padStart(6, '0');

  const queryAll = async (hash: string, options: object) => {
    const found: string[] = [];
    let pages = 0;
    let ExclusiveStartKey: object | undefined;
    do {
      const { Items, LastEvaluatedKey } = await call('Query', {
        TableName: 'Table',
        KeyConditionExpression: '#hash = :hash',
        ExpressionAttributeNames: { '#hash': 'hash' },
        ExpressionAttributeValues: { ':hash': { S: hash } },
        ExclusiveStartKey,
        ...options,
      });
      found.push(...Items.map(({ sort }) => sort.S));
      ExclusiveStartKey = LastEvaluatedKey;
      pages += 1;
    } while (ExclusiveStartKey);
    return { found, pages };
  };

  test.each([
    ['small', SMALL, {}, 1],
    ['small', SMALL, { Limit: 1_000 }, 3],
    ['small', SMALL, { Limit: 999, ScanIndexForward: false }, 3],
    // A response holds up to 1 MB.
    ['large', LARGE, {}, 3],
    ['large', LARGE, { ScanIndexForward: false }, 3],
  ])('are read completely and in order: %s, %i items, %j', async (hash, count, options, pages) => {
    const sorted = Array.from({ length: count }, (_, index) => sortOf(index));
    const found = 'ScanIndexForward' in options ? sorted.reverse() : sorted;
    expect(await queryAll(hash, options)).toEqual({ found, pages });
  });

  test('leave no iterator open, however reading ends', async () => {
    openedSoFar = 0;
    await queryAll('small', {});
    await queryAll('small', { Limit: 1_000 });
    await queryAll('none', {});
    await call('Scan', { TableName: 'Table', Limit: 10 });
    expect([openedSoFar, openNow]).toEqual([6, 0]);
  });
});
