import { createDynamoCountPending, MAX_COUNTED_JOBS } from '@boomerang/core/adapters/dynamo/count-pending.ts';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { aJob, NOW, storeJob } from '../builders.ts';
import { startTables, type Tables } from './database.ts';

let database: Tables;

beforeAll(async () => {
  database = await startTables();
});

afterAll(async () => database.close());

test.each([1, 4])('the pending jobs of a client are counted, over %d shards', async (shardCount) => {
  const table = { client: database.client, tableName: 'JobTable', shardCount };
  const intake = createDynamoJobIntake(table);
  const clientId = uuidv7();
  for (const status of ['PENDING', 'PENDING', 'PENDING', 'COMPLETE', 'FAILED'] as const) {
    await storeJob({ intake }, aJob({ clientId, status }));
  }
  await storeJob({ intake }, aJob({ clientId: uuidv7() }));
  const count = createDynamoCountPending(table);
  expect(await count(clientId)).toEqual({ pendingJobs: 3, isTruncated: false });
  expect(await count(uuidv7())).toEqual({ pendingJobs: 0, isTruncated: false });
});

test('counting reads a limited number of jobs, newest first, and sets isTruncated', async () => {
  const shardCount = MAX_COUNTED_JOBS;
  const table = { client: database.client, tableName: 'JobTable', shardCount: 1 };
  const intake = createDynamoJobIntake(table);
  const clientId = uuidv7();
  for (const [index, status] of (['PENDING', 'COMPLETE', 'PENDING'] as const).entries()) {
    await storeJob({ intake }, aJob({ clientId, status, createdAt: NOW + index }));
  }
  // With as many shards as counted jobs, one entry of each shard is read, and all three jobs are in shard 0.
  const sent: unknown[] = [];
  const client = {
    send: async (command: { input: { ExpressionAttributeValues: { ':shard': { S: string } } } }) => {
      sent.push(command);
      const isFirst = command.input.ExpressionAttributeValues[':shard'].S === `${clientId}#0`;
      return isFirst ? database.client.send(command as never) : { Count: 0 };
    },
  };
  const count = createDynamoCountPending({ client: client as never, tableName: 'JobTable', shardCount });
  expect(await count(clientId)).toEqual({ pendingJobs: 1, isTruncated: true });
  expect(sent).toHaveLength(shardCount);
});
