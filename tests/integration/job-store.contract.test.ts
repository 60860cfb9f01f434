import { randomBytes } from 'node:crypto';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  paginateScan,
} from '@aws-sdk/client-dynamodb';
import { createDynamoDueJobs } from '@boomerang/core/adapters/dynamo/due-jobs.ts';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { createDynamoJobOutcomes } from '@boomerang/core/adapters/dynamo/job-outcomes.ts';
import { createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { createDynamoResultStore } from '@boomerang/core/adapters/dynamo/result-store.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import type { Job } from '@boomerang/core/domain/job.ts';
import type { Settlement } from '@boomerang/core/domain/settle.ts';
import type { DueEntry } from '@boomerang/core/ports/jobs.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import dynalite from 'dynalite';
import { type Listening, listen } from '../../local/http-server.ts';
import { createResolver, readTemplate } from '../../local/template.ts';
import { aJob, LEASE_MS, NOW } from '../builders.ts';
import { createFakeJobStore, type JobStore } from '../fakes/job-store.ts';

const SHARDS = 3;

let database: Listening;
let client: DynamoDBClient;

beforeAll(async () => {
  database = await listen(dynalite({ createTableMs: 0 }), 0);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  client = new DynamoDBClient({ endpoint: database.url, region: 'us-east-1', credentials });
  const template = readTemplate('template.yaml');
  const resolve = createResolver(template, { parameters: {}, ref: String, getAtt: String });
  const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, BillingMode } = resolve(
    template.Resources.JobTable?.Properties,
  ) as CreateTableCommandInput;
  await client.send(
    new CreateTableCommand({
      TableName: 'JobTable',
      AttributeDefinitions,
      KeySchema,
      GlobalSecondaryIndexes,
      BillingMode,
    }),
  );
});

afterAll(async () => {
  client.destroy();
  await database.close();
});

const createDynamo = (): JobStore => {
  const table = { client, tableName: 'JobTable', shardCount: SHARDS };
  return {
    intake: createDynamoJobIntake(table),
    due: createDynamoDueJobs(table),
    outcomes: createDynamoJobOutcomes(table),
    results: createDynamoResultStore(table),
    reader: createDynamoJobReader(table),
  };
};

const aSettlement = (change: Partial<Settlement> = {}): Settlement => ({
  status: 'PENDING',
  phase: 'FETCHING',
  results: [],
  attempt: { number: 1, trigger: 'immediate', endedAt: NOW, fetches: [] },
  fetchAttempts: 1,
  callbackAttempts: 0,
  updatedAt: NOW,
  dueAt: NOW + 1_000,
  ...change,
});

const { dueAt: _, ...over } = aSettlement({ status: 'COMPLETE', expiresAt: NOW / 1000 + 60 });

describe.each<[string, () => JobStore]>([
  ['the fake', createFakeJobStore],
  ['DynamoDB', createDynamo],
])('a job store, %s', (_name, create) => {
  const born = async (store: JobStore, change: Partial<Job> = {}): Promise<Job> => {
    const job = aJob(change);
    await store.intake.create(job);
    return job;
  };
  const dueEntries = async (store: JobStore, now: number): Promise<DueEntry[]> => {
    const entries: DueEntry[] = [];
    for (let shard = 0; shard < SHARDS; shard += 1) {
      for await (const page of store.due.find(shard, now)) entries.push(...page);
    }
    return entries;
  };
  const dueIds = async (store: JobStore, now: number) => (await dueEntries(store, now)).map((entry) => entry.jobId);

  test('gives back a job as it was stored', async () => {
    const store = create();
    const job = await born(store);
    expect(await store.reader.get(job.jobId, NOW)).toEqual(job);
    expect(await store.reader.get('01a20b4c-cf47-716b-85d8-000000000000', NOW)).toBeUndefined();
  });

  test('shows a job as due when its lease has run out, and not before', async () => {
    const store = create();
    const { jobId } = await born(store);
    expect(await dueIds(store, NOW + LEASE_MS - 1)).not.toContain(jobId);
    expect(await dueIds(store, NOW + LEASE_MS)).toContain(jobId);
  });

  test('lets one of many take a due job', async () => {
    const store = create();
    const { jobId } = await born(store, { dueAt: NOW });
    const taken = await Promise.all(
      Array.from({ length: 10 }, () => store.due.claim({ jobId, claims: 1 }, NOW, LEASE_MS)),
    );
    const winners = taken.filter((job) => job !== undefined);
    expect(winners).toHaveLength(1);
    expect(winners[0]).toMatchObject({ claims: 2, unsettled: 2, dueAt: NOW + LEASE_MS, leasedUntil: NOW + LEASE_MS });
  });

  test('does not let a job be taken before it is due', async () => {
    const store = create();
    const { jobId } = await born(store);
    expect(await store.due.claim({ jobId, claims: 1 }, NOW, LEASE_MS)).toBeUndefined();
  });

  test('makes a released job due at once, for its holder only', async () => {
    const store = create();
    const { jobId } = await born(store);
    await expect(store.intake.release(jobId, 2, NOW)).rejects.toThrow(StaleClaim);
    await store.intake.release(jobId, 1, NOW);
    expect(await dueIds(store, NOW)).toContain(jobId);
    expect((await store.reader.get(jobId, NOW))?.leasedUntil).toBeUndefined();
  });

  test('takes one outcome a claim, from its holder only', async () => {
    const store = create();
    const { jobId } = await born(store, { dueAt: NOW });
    await store.due.claim({ jobId, claims: 1 }, NOW, LEASE_MS);
    await expect(store.outcomes.save(jobId, 1, aSettlement())).rejects.toThrow(StaleClaim);
    await store.outcomes.save(jobId, 2, aSettlement());
    await expect(store.outcomes.save(jobId, 2, aSettlement())).rejects.toThrow(StaleClaim);
    const job = await store.reader.get(jobId, NOW);
    expect(job).toMatchObject({ fetchAttempts: 1, unsettled: 0, dueAt: NOW + 1_000, attemptLog: [{ number: 1 }] });
    expect(job?.leasedUntil).toBeUndefined();
  });

  test('never shows a job as due again once it is over, and forgets it when it expires', async () => {
    const store = create();
    const { jobId } = await born(store);
    await store.outcomes.save(jobId, 1, over, [{ providerId: 'gas', fetchedAt: NOW, bytes: 4, json: 'null' }]);
    expect(await dueIds(store, Number.MAX_SAFE_INTEGER)).not.toContain(jobId);
    expect((await store.reader.get(jobId, NOW))?.status).toBe('COMPLETE');
    expect(await store.reader.get(jobId, NOW + 60_000)).toBeUndefined();
  });

  test('keeps the last twenty attempts', async () => {
    const store = create();
    const { jobId } = await born(store, { dueAt: NOW });
    for (let claims = 1; claims <= 24; claims += 1) {
      if (claims > 1) await store.due.claim({ jobId, claims: claims - 1 }, NOW, LEASE_MS);
      const attempt = { number: claims, trigger: 'scheduled' as const, endedAt: NOW, fetches: [] };
      await store.outcomes.save(jobId, claims, aSettlement({ attempt, dueAt: NOW }));
    }
    const numbers = (await store.reader.get(jobId, NOW))?.attemptLog.map((attempt) => attempt.number);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => index + 5));
  });

  test.each([10, 20_000, 1_048_576])('keeps a result of %i bytes to the last byte', async (bytes) => {
    const store = create();
    const { jobId } = await born(store);
    const json = JSON.stringify(
      randomBytes(bytes)
        .toString('base64')
        .slice(0, bytes - 2),
    );
    const result = { providerId: 'gas', fetchedAt: NOW, bytes, json };
    await store.results.save(jobId, 1, result, NOW);
    const loaded = await store.results.load(jobId);
    expect(loaded?.job.jobId).toBe(jobId);
    expect(loaded?.results).toHaveLength(1);
    expect(loaded?.results[0]?.json === json).toBe(true);
  });

  test('does not let a stale claim replace a newer result', async () => {
    const store = create();
    const { jobId } = await born(store);
    const result = (json: string) => ({ providerId: 'gas', fetchedAt: NOW, bytes: json.length, json });
    await store.results.save(jobId, 2, result('"new"'), NOW);
    await expect(store.results.save(jobId, 1, result('"old"'), NOW)).rejects.toThrow(StaleClaim);
    expect((await store.results.load(jobId))?.results[0]?.json).toBe('"new"');
  });

  test('lists each job of a client once, newest first, whatever the page and the status', async () => {
    const store = create();
    const clientId = `client-${randomBytes(4).toString('hex')}`;
    const ids: string[] = [];
    for (let index = 0; index < 30; index += 1) {
      // Pairs are born in the same millisecond.
      const { jobId } = await born(store, { clientId, createdAt: NOW + Math.floor(index / 2) });
      if (index % 10 === 0) await store.outcomes.save(jobId, 1, { ...over, status: 'FAILED' });
      ids.push(jobId);
    }
    const listAll = async (limit: number, status?: 'FAILED' | 'PENDING') => {
      const listed: string[] = [];
      for (let after: string | undefined, more = true; more; ) {
        const page = await store.reader.list({ clientId, status, limit, after, now: NOW });
        expect(page.jobs.length).toBeLessThanOrEqual(limit);
        listed.push(...page.jobs.map((job) => job.jobId));
        after = page.cursor;
        more = after !== undefined;
      }
      return listed;
    };
    for (const limit of [1, 4, 100]) {
      expect(await listAll(limit)).toEqual([...ids].sort().reverse());
      expect((await listAll(limit, 'FAILED')).sort()).toEqual([0, 10, 20].map((index) => ids[index]).sort());
      expect(await listAll(limit, 'PENDING')).toHaveLength(27);
    }
  });
});

test('the indexes hold just the jobs they are for', async () => {
  const store = createDynamo();
  const failed = aJob();
  await store.intake.create(failed);
  await store.outcomes.save(failed.jobId, 1, { ...over, status: 'FAILED' });
  const has = async (IndexName: string) => {
    for await (const { Items = [] } of paginateScan({ client }, { TableName: 'JobTable', IndexName })) {
      if (Items.some((item) => item.jobId?.S === failed.jobId)) return true;
    }
    return false;
  };
  expect([await has('DueIndex'), await has('ClientIndex'), await has('UndeliveredIndex')]).toEqual([false, true, true]);
});
