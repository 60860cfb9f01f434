import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoRedriveIntake, createDynamoRedriveWork } from '@boomerang/core/adapters/dynamo/redrives.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import { advanced, newRedrive, type Redrive } from '@boomerang/core/domain/redrive.ts';
import type { Redrives } from '@boomerang/core/ports/redrives.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { NOW } from '../builders.ts';
import { createFakeRedrives } from '../fakes/redrives.ts';
import { startTables } from './database.ts';

let database: Awaited<ReturnType<typeof startTables>>;
let client: DynamoDBClient;

beforeAll(async () => {
  database = await startTables();
  client = database.client;
});

afterAll(async () => database.close());

const LEASE_MS = 1_000;
const query = { status: 'FAILED', from: 0, to: NOW } as const;

const createDynamo = (): Redrives => {
  const table = { client, tableName: 'JobTable' };
  return { ...createDynamoRedriveIntake(table), ...createDynamoRedriveWork(table) };
};

describe.each<[string, () => Redrives]>([
  ['the fake', createFakeRedrives],
  ['DynamoDB', createDynamo],
])('redrives, %s', (_name, create) => {
  const born = async (redrives: Redrives): Promise<Redrive> => {
    const redrive = newRedrive(uuidv7(), 'client', query, NOW);
    await redrives.create(redrive);
    return redrive;
  };
  const dueIds = async (redrives: Redrives, now: number) =>
    (await redrives.findDue(now)).map(({ redriveId }) => redriveId);
  const page = { redriven: 3, skipped: 1, failed: 2 };

  test('are due until they are taken, and again when the lease has run out', async () => {
    const redrives = create();
    const redrive = await born(redrives);
    const { redriveId } = redrive;
    expect(await redrives.get(redriveId, NOW)).toEqual(redrive);
    expect(await dueIds(redrives, NOW - 1)).not.toContain(redriveId);
    expect(await dueIds(redrives, NOW)).toContain(redriveId);
    const taken = await Promise.all(Array.from({ length: 10 }, () => redrives.claim(redrive, NOW, LEASE_MS)));
    expect(taken.filter((one) => one !== undefined)).toEqual([{ ...redrive, claims: 1, dueAt: NOW + LEASE_MS }]);
    expect(await dueIds(redrives, NOW + LEASE_MS - 1)).not.toContain(redriveId);
    expect(await dueIds(redrives, NOW + LEASE_MS)).toContain(redriveId);
  });

  test('keep how far they came, by their holder only, and are forgotten when they expire', async () => {
    const redrives = create();
    const { redriveId } = await born(redrives);
    const first = (await redrives.claim({ redriveId, claims: 0 }, NOW, LEASE_MS)) as Redrive;
    const later = { now: NOW + 5, dueAt: NOW + 5, retentionMs: 60_000 };
    const half = advanced(first, page, 'cursor', later);
    await redrives.save(half);
    expect(await redrives.get(redriveId, NOW)).toEqual(half);
    const second = (await redrives.claim({ redriveId, claims: 1 }, NOW + 5, LEASE_MS)) as Redrive;
    expect(second).toMatchObject({ ...page, cursor: 'cursor', claims: 2 });
    await expect(redrives.save(half)).rejects.toThrow(StaleClaim);
    const whole = advanced(second, page, undefined, later);
    await redrives.save(whole);
    const { cursor: _, dueAt: __, ...kept } = whole;
    expect(await redrives.get(redriveId, NOW)).toEqual({ ...kept, redriven: 6, skipped: 2, failed: 4 });
    expect(await dueIds(redrives, Number.MAX_SAFE_INTEGER)).not.toContain(redriveId);
    await expect(redrives.save(whole)).rejects.toThrow(StaleClaim);
    expect(await redrives.get(redriveId, NOW + 70_000)).toBeUndefined();
    expect(await redrives.get(uuidv7(), NOW)).toBeUndefined();
  });
});
