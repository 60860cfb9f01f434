import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoClientAdmin, createDynamoFindCaller } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { createDynamoJobList } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { hashApiKey, newApiKey } from '@boomerang/core/security/credentials.ts';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import db from 'dynalite/db/index.js';
import { newAccess } from '../../local/access.ts';
import { ensureTables, startDatabase } from '../../local/dynamodb.ts';
import { rebuildIndexes } from '../../local/dynamodb-indexes.ts';
import { readTemplate } from '../../local/template.ts';
import { aJob, NOW, storeJob } from '../builders.ts';

type Table = { GlobalSecondaryIndexes: { IndexName: string }[] };

/** Indexes that older releases did not have. */
const NEWER_INDEXES = ['CallerIndex', 'JobIndex'];

/** The template of a release without these indexes. */
const olderTemplate = () => {
  const template = readTemplate('template.yaml');
  for (const name of ['ClientTable', 'JobTable']) {
    const table = template.Resources[name]?.Properties as Table;
    table.GlobalSecondaryIndexes = table.GlobalSecondaryIndexes.filter(
      ({ IndexName }) => !NEWER_INDEXES.includes(IndexName),
    );
  }
  return template;
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'boomerang-indexes-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Starts the database, and stops it after `work`. */
const run = async <T>(template: ReturnType<typeof readTemplate>, work: (client: DynamoDBClient) => Promise<T>) => {
  const credentials = newAccess();
  const { url, close } = await startDatabase(folder, credentials, createLog('test'));
  const client = new DynamoDBClient({ endpoint: url, region: 'us-east-1', credentials });
  try {
    await ensureTables(client, template);
    return await work(client);
  } finally {
    client.destroy();
    await close();
  }
};

const jobTableOf = (client: DynamoDBClient) => ({ client, tableName: 'JobTable', shardCount: 4 });
const list = (client: DynamoDBClient) =>
  createDynamoJobList(jobTableOf(client)).list({ clientId: 'acme', limit: 10, providerId: 'gas', now: NOW });

test('an older data folder gets the indexes of the template and keeps its data', async () => {
  const keyHash = hashApiKey(newApiKey());
  const acme = { clientId: 'acme', name: 'acme', keyHash, secrets: [{ secret: 'whsec_a' }], createdAt: NOW };
  const clientTableOf = (client: DynamoDBClient) => ({ client, tableName: 'ClientTable' });
  const find = (client: DynamoDBClient) => createDynamoFindCaller(clientTableOf(client))(keyHash);

  const first = aJob({ clientId: 'acme', createdAt: NOW });

  await run(olderTemplate(), async (client) => {
    await storeJob({ intake: createDynamoJobIntake(jobTableOf(client)) }, first);
    await expect(list(client)).rejects.toThrow();
    await createDynamoClientAdmin(clientTableOf(client)).put({ ...acme, ratePerSecond: 5 });
    await expect(find(client)).rejects.toThrow();
  });
  for (let start = 0; start < 2; start += 1) {
    await run(readTemplate('template.yaml'), async (client) => {
      expect(await find(client)).toEqual({ clientId: 'acme', name: 'acme', ratePerSecond: 5 + start });
      expect((await list(client)).jobs).toHaveLength(1 + start);
      // Writes reach the new indexes.
      await createDynamoClientAdmin(clientTableOf(client)).setRate('acme', 6);
      await storeJob(
        { intake: createDynamoJobIntake(jobTableOf(client)) },
        aJob({ clientId: 'acme', createdAt: NOW + 1 }),
      );
    });
  }
}, 30_000);

const template = readTemplate('template.yaml');
const databasePath = () => path.join(folder, 'dynamodb');
const storeAJob = () =>
  run(template, async (client) => {
    const intake = createDynamoJobIntake(jobTableOf(client));
    await storeJob({ intake }, aJob({ clientId: 'acme', createdAt: NOW }));
  });
const countJobs = () => run(template, async (client) => (await list(client)).jobs.length);

test('index entries that an earlier version lost are recreated, once', async () => {
  const loseEntries = async (prefix: string) => {
    const { db: level } = db.create({ path: databasePath() });
    await level.open();
    for await (const [key] of level.iterator({})) {
      if (key.startsWith(prefix)) await level.batch([{ type: 'del', key }]);
    }
    await new Promise((resolve) => level.close(resolve));
  };
  await storeAJob();
  // The format is lost as well, which earlier versions did not store.
  await loseEntries('index-');
  expect(await countJobs()).toBe(1);
  expect(await countJobs()).toBe(1);
  await loseEntries('index-global~');
  expect(await countJobs()).toBe(0);
}, 30_000);

test('an interrupted rebuild is repeated, even if the definitions are the former ones again', async () => {
  await storeAJob();
  const { create } = db;
  db.create = (options) => {
    const created = create(options);
    const batch = created.db.batch.bind(created.db);
    let isFirst = true;
    created.db.batch = async (writes, callback) => {
      if (!isFirst) throw new Error('interrupted');
      isFirst = false;
      await batch(writes, callback);
    };
    return created;
  };
  try {
    await expect(rebuildIndexes(databasePath(), { JobTable: {} })).rejects.toThrow('interrupted');
  } finally {
    db.create = create;
  }
  expect(await countJobs()).toBe(1);
}, 30_000);

test('an earlier version that is started again rebuilds the indexes in its own format', async () => {
  await storeAJob();
  const marker = path.join(folder, 'stopped-cleanly');
  writeFileSync(marker, '');
  await storeAJob();
  expect(existsSync(marker)).toBe(false);
}, 30_000);
