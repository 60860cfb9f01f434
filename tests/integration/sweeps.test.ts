import '../unit/function-environment.ts';
import { createDynamoJobAudit } from '@boomerang/core/adapters/dynamo/job-audit.ts';
import {
  createDynamoLastPause,
  createDynamoLastSweep,
  createDynamoSweepRecorder,
} from '@boomerang/core/adapters/dynamo/sweeps.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHandler } from '../../functions/job-claim/handler.ts';
import { aLog, findClient, LEASE_MS, NOW, withoutNotifications } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';
import { startTables, type Tables } from './database.ts';

let database: Tables;
beforeAll(async () => {
  database = await startTables();
});
afterAll(async () => database.close());

const table = () => ({ client: database.client, tableName: 'JobTable' });

describe('the record of the last sweep', () => {
  test('is absent before the first sweep, then holds the time of the last', async () => {
    const last = createDynamoLastSweep(table());
    const record = createDynamoSweepRecorder(table());
    expect(await last()).toBeUndefined();
    await record(NOW, false);
    await record(NOW + 60_000, false);
    expect(await last()).toBe(NOW + 60_000);
  });

  test('holds the time of the last paused sweep', async () => {
    const lastPause = createDynamoLastPause(table());
    const record = createDynamoSweepRecorder(table());
    expect(await lastPause()).toBeUndefined();
    await record(NOW, true);
    await record(NOW + 60_000, true);
    await record(NOW + 120_000, false);
    expect([await lastPause(), await createDynamoLastSweep(table())()]).toEqual([NOW + 60_000, NOW + 120_000]);
  });

  test('is not read as a job by the audit', async () => {
    await createDynamoSweepRecorder(table())(NOW, false);
    const found: unknown[] = [];
    for await (const { jobs } of createDynamoJobAudit(table()).readAll()) found.push(...jobs);
    expect(found).toEqual([]);
  });

  const sweep = async (claimed: number, change: object = {}) => {
    const { due, outcomes } = createFakeJobStore();
    let records = 0;
    const deps = {
      ...withoutNotifications,
      due,
      outcomes,
      findClient,
      lastPause: async () => undefined,
      now: () => NOW,
      random: () => 0,
      log: aLog(),
      isPaused: false,
      leaseMs: LEASE_MS,
      shardCount: 1,
      maxJobsPerSweep: 10,
      ...change,
      policy: { schedule: { stepsMs: [1_000] as [number] }, patienceMs: 1, retentionMs: 1 },
    };
    const handler = createHandler(deps, async () => {
      records += 1;
    });
    await handler({ claimed }).catch(() => {});
    return records;
  };

  test('is written once for each sweep, also when paused, but not if reading due jobs fails', async () => {
    expect(await sweep(0)).toBe(1);
    expect(await sweep(40)).toBe(0);
    expect(await sweep(0, { isPaused: true })).toBe(1);
    const find = () => {
      throw new Error('down');
    };
    const due = { find, claim: async () => undefined };
    expect(await sweep(0, { due })).toBe(0);
  });
});
