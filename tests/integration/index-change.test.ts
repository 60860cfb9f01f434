import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoClientAdmin, createDynamoFindCaller } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { createDynamoJobList } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { hashApiKey, newApiKey } from '@boomerang/core/security/credentials.ts';
import { expect, test } from '@jest/globals';
import { newAccess } from '../../local/access.ts';
import { ensureTables, startDatabase } from '../../local/dynamodb.ts';
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

test('an older data folder gets the indexes of the template and keeps its data', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-indexes-'));
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
  const keyHash = hashApiKey(newApiKey());
  const acme = { clientId: 'acme', name: 'acme', keyHash, secrets: [{ secret: 'whsec_a' }], createdAt: NOW };
  const clientTableOf = (client: DynamoDBClient) => ({ client, tableName: 'ClientTable' });
  const find = (client: DynamoDBClient) => createDynamoFindCaller(clientTableOf(client))(keyHash);

  const jobTableOf = (client: DynamoDBClient) => ({ client, tableName: 'JobTable', shardCount: 4 });
  const list = (client: DynamoDBClient) =>
    createDynamoJobList(jobTableOf(client)).list({ clientId: 'acme', limit: 10, providerId: 'gas', now: NOW });
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
  rmSync(folder, { recursive: true });
}, 30_000);
