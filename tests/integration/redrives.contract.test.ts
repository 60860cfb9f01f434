import { type DynamoDBClient, type GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { createDynamoRedriveIntake, createDynamoRedriveWork } from '@boomerang/core/adapters/dynamo/redrives.ts';
import { toItem } from '@boomerang/core/adapters/dynamo/table.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import { advanced, newRedrive, postponed, type Redrive } from '@boomerang/core/domain/redrive.ts';
import type { ClaimedRedrive, DueRedrive, Redrives } from '@boomerang/core/ports/redrives.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { NOW } from '../builders.ts';
import { createFakeRedrives } from '../fakes/redrives.ts';
import { inProcessRows, startTables } from './database.ts';

let database: Awaited<ReturnType<typeof startTables>>;
let client: DynamoDBClient;

beforeAll(async () => {
  database = await startTables();
  client = database.client;
});

afterAll(async () => database.close());

const LEASE_MS = 1_000;
const RETENTION_MS = 60_000;
const query = { status: 'FAILED', from: 0, to: NOW } as const;
const page = { redriven: 3, skipped: 1, failed: 2 };
const later = { now: NOW + 5, dueAt: NOW + 5, retentionMs: RETENTION_MS };

const createDynamo = (through = client): Redrives => {
  const table = { client: through, tableName: 'JobTable' };
  return { ...createDynamoRedriveIntake(table), ...createDynamoRedriveWork(table) };
};

const born = async (redrives: Redrives, clientId: string = uuidv7()): Promise<Redrive> => {
  const { isNew, redrive } = await redrives.create(newRedrive(uuidv7(), clientId, query, NOW), NOW);
  expect(isNew).toBe(true);
  return redrive;
};
/** The entry of a redrive among those that are due. Others' tests leave some, too: it is found by claiming it. */
const claimDue = async (redrives: Redrives, { redriveId }: Redrive, now: number): Promise<ClaimedRedrive> => {
  for (const entry of await redrives.findDue(now)) {
    const claimed = await redrives.claim(entry, now, LEASE_MS);
    if (claimed?.redriveId === redriveId) return claimed;
  }
  throw new Error('it is not due');
};
/** A time when all leases of before have run out. */
let longAfter = NOW + 1_000_000;
const complete = async (redrives: Redrives, redrive: Redrive): Promise<ClaimedRedrive> => {
  longAfter += 2 * LEASE_MS;
  const done = advanced(await claimDue(redrives, redrive, longAfter), page, undefined, later);
  await redrives.save(done);
  return done;
};

describe.each<[string, () => Redrives]>([
  ['the fake', createFakeRedrives],
  ['DynamoDB', createDynamo],
  ...inProcessRows<[string, () => Redrives]>(['DynamoDB in process', () => createDynamo(database.inProcess)]),
])('redrives, %s', (_name, create) => {
  const entryOf = async (redrives: Redrives, key: string, now: number): Promise<DueRedrive | undefined> =>
    (await redrives.findDue(now)).find((entry) => entry.key === key);

  test('are due until they are claimed, and again when the lease has run out', async () => {
    const redrives = create();
    const redrive = await born(redrives);
    const { clientId, redriveId } = redrive;
    expect(await redrives.get(clientId, redriveId, NOW)).toEqual(redrive);
    expect(await redrives.findDue(NOW - 1)).toEqual([]);
    const { key } = await claimDue(redrives, redrive, NOW);
    const entry = { key, claims: 1 };
    expect(await entryOf(redrives, key, NOW + LEASE_MS - 1)).toBeUndefined();
    expect(await entryOf(redrives, key, NOW + LEASE_MS)).toMatchObject({ ...entry, isStalled: true });
    const at = NOW + LEASE_MS;
    const claimed = await Promise.all(Array.from({ length: 10 }, () => redrives.claim(entry, at, LEASE_MS)));
    expect(claimed.filter((one) => one !== undefined)).toEqual([
      { ...redrive, key, claims: 2, stalls: 2, dueAt: at + LEASE_MS },
    ]);
    const held = claimed.find((one) => one !== undefined) as ClaimedRedrive;
    await redrives.save({ ...held, stalls: 0.5, dueAt: at });
    expect(await entryOf(redrives, key, at)).toMatchObject({ claims: 2, isStalled: true });
    const again = (await redrives.claim({ key, claims: 2 }, at, LEASE_MS)) as ClaimedRedrive;
    await redrives.save({ ...again, stalls: 0, dueAt: at });
    expect(await entryOf(redrives, key, at)).toMatchObject({ claims: 3, isStalled: false });
    await complete(redrives, redrive);
  });

  test('keep how far they came, by their holder only, and are forgotten when they expire', async () => {
    const redrives = create();
    const redrive = await born(redrives);
    const { clientId, redriveId } = redrive;
    const get = (now = NOW) => redrives.get(clientId, redriveId, now);
    const first = await claimDue(redrives, redrive, NOW);
    const half = advanced(first, page, 'cursor', later);
    await redrives.save(half);
    const { key, ...stored } = half;
    expect(await get()).toEqual(stored);
    expect(await entryOf(redrives, key, NOW + 5)).toMatchObject({ isStalled: false });
    const second = await claimDue(redrives, redrive, NOW + 5);
    expect(second).toMatchObject({ ...page, cursor: 'cursor', claims: 2 });
    await expect(redrives.save(half)).rejects.toThrow(StaleClaim);
    const whole = advanced(second, page, undefined, later);
    await redrives.save(whole);
    const { key: _, cursor: __, dueAt: ___, ...kept } = whole;
    expect(await get()).toEqual({ ...kept, redriven: 6, skipped: 2, failed: 4 });
    expect(await entryOf(redrives, key, Number.MAX_SAFE_INTEGER)).toBeUndefined();
    await expect(redrives.save(whole)).rejects.toThrow(StaleClaim);
    // Kept for the retention from its end on, in whole seconds; from then on it is absent, deleted or not.
    const expiry = NOW + RETENTION_MS + 1_000;
    expect(whole.expiresAt).toBe(expiry / 1000);
    expect((await get(expiry - 1))?.redriveId).toBe(redriveId);
    expect(await get(expiry)).toBeUndefined();
    expect(await redrives.get(clientId, uuidv7(), NOW)).toBeUndefined();
  });

  test('are seen by their client alone', async () => {
    const redrives = create();
    const [mine, other] = [await born(redrives), await born(redrives)];
    expect(await redrives.get(other.clientId, mine.redriveId, NOW)).toBeUndefined();
    for (const redrive of [mine, other]) await complete(redrives, redrive);
    const next = await born(redrives, mine.clientId);
    for (const { redriveId } of [mine, next]) {
      expect(await redrives.get(other.clientId, redriveId, NOW)).toBeUndefined();
      expect(await redrives.get(mine.clientId, redriveId, NOW)).toMatchObject({ redriveId });
    }
    await complete(redrives, next);
  });

  test('are one a client while it is running: of many requests at the same time, one is new', async () => {
    const redrives = create();
    const clientId = uuidv7();
    const requests = Array.from({ length: 20 }, () => newRedrive(uuidv7(), clientId, query, NOW));
    const answers = await Promise.all(requests.map((request) => redrives.create(request, NOW)));
    const [open, ...more] = answers.filter(({ isNew }) => isNew);
    expect(more).toEqual([]);
    expect(new Set(answers.map(({ redrive }) => redrive.redriveId))).toEqual(new Set([open?.redrive.redriveId]));
    for (const { redriveId } of requests) {
      const isThere = (await redrives.get(clientId, redriveId, NOW)) !== undefined;
      expect(isThere).toBe(redriveId === open?.redrive.redriveId);
    }
    // Another client is not in the way.
    const other = await born(redrives);
    await complete(redrives, other);
    await complete(redrives, open?.redrive as Redrive);
  });

  test('that are requested twice, for a lost answer, are new both times, even when they are complete already', async () => {
    const redrives = create();
    const redrive = await born(redrives);
    expect(await redrives.create(redrive, NOW)).toEqual({ isNew: true, redrive });
    await complete(redrives, redrive);
    const repeated = await redrives.create(redrive, NOW);
    expect(repeated).toMatchObject({ isNew: true, redrive: { status: 'COMPLETE', ...page } });
  });

  test('make way for the next when they are complete, and can be read beside it until they expire', async () => {
    const redrives = create();
    const clientId = uuidv7();
    const before: Redrive[] = [];
    for (let index = 0; index < 3; index += 1) {
      const next = await born(redrives, clientId);
      for (const { redriveId } of before) {
        expect(await redrives.get(clientId, redriveId, NOW)).toMatchObject({ redriveId, status: 'COMPLETE', ...page });
        expect(await redrives.get(clientId, redriveId, NOW + RETENTION_MS + 1_006)).toBeUndefined();
      }
      expect(await redrives.get(clientId, next.redriveId, NOW)).toMatchObject({ status: 'RUNNING', redriven: 0 });
      await complete(redrives, next);
      before.push(next);
    }
    const late = NOW + RETENTION_MS + 1_006;
    const { isNew, redrive } = await redrives.create(newRedrive(uuidv7(), clientId, query, late), late);
    expect(isNew).toBe(true);
    await complete(redrives, redrive);
  });

  test('take nothing from a holder of the one before', async () => {
    const redrives = create();
    const clientId = uuidv7();
    const first = await born(redrives, clientId);
    const stale = await claimDue(redrives, first, NOW);
    const done = await complete(redrives, first);
    const second = await born(redrives, clientId);
    // The stale claim's number comes again, if they don't count on.
    for (let claims = 0; claims < 3; claims += 1) {
      for (const holder of [stale, done]) await expect(redrives.save(holder)).rejects.toThrow(StaleClaim);
      const claimed = await claimDue(redrives, second, NOW + 10 + claims);
      await redrives.save(postponed(claimed, { now: NOW, dueAt: NOW }));
    }
    expect(await redrives.get(clientId, second.redriveId, NOW)).toMatchObject({ status: 'RUNNING', redriven: 0 });
    await complete(redrives, second);
  });

  test('have a pass that one of many requests starts, and none while one is announced', async () => {
    const redrives = create();
    await redrives.announcePass(0);
    const reserved = await Promise.all(Array.from({ length: 10 }, () => redrives.reservePass(NOW, NOW + 10)));
    expect(reserved.filter((isReserved) => isReserved)).toHaveLength(1);
    expect(await redrives.reservePass(NOW + 9, NOW + 19)).toBe(false);
    expect(await redrives.reservePass(NOW + 10, NOW + 20)).toBe(true);
    await redrives.announcePass(NOW + 100);
    expect(await redrives.reservePass(NOW + 99, NOW + 200)).toBe(false);
    await redrives.announcePass(0);
    expect(await redrives.reservePass(NOW + 99, NOW + 200)).toBe(true);
  });
});

test('a redrive that an earlier version left open is worked off where it is stored', async () => {
  const redrives = createDynamo();
  const redriveId = uuidv7();
  const clientId = uuidv7();
  const { redriveId: _, stalls: __, ...stored } = newRedrive(redriveId, clientId, query, NOW);
  const Item = toItem({ ...stored, jobId: redriveId, itemId: 'REDRIVE', dueShard: -1 });
  await client.send(new PutItemCommand({ TableName: 'JobTable', Item }));
  expect(await redrives.get(clientId, redriveId, NOW)).toMatchObject({ redriveId, status: 'RUNNING' });
  const claimed = await claimDue(redrives, newRedrive(redriveId, clientId, query, NOW), NOW);
  expect(claimed).toMatchObject({ redriveId, claims: 1, stalls: 1 });
  await redrives.save(advanced(claimed, page, undefined, later));
  expect(await redrives.get(clientId, redriveId, NOW)).toMatchObject({ status: 'COMPLETE', ...page });
});

test('a process that dies between the two writes of a request locks no client out, and loses no redrive', async () => {
  const redrives = createDynamo();
  const clientId = uuidv7();
  const former = await born(redrives, clientId);
  await complete(redrives, former);
  const dying = {
    send: async (command: { input: { ConditionExpression?: string } }) => {
      if (command.input.ConditionExpression !== undefined) throw new Error('died');
      return client.send(command as GetItemCommand);
    },
  } as unknown as DynamoDBClient;
  const intake = createDynamoRedriveIntake({ client: dying, tableName: 'JobTable' });
  await expect(intake.create(newRedrive(uuidv7(), clientId, query, NOW), NOW)).rejects.toThrow('died');
  expect(await redrives.get(clientId, former.redriveId, NOW)).toMatchObject({ status: 'COMPLETE', ...page });
  const next = await born(redrives, clientId);
  expect(await redrives.get(clientId, former.redriveId, NOW)).toMatchObject({ status: 'COMPLETE', ...page });
  await complete(redrives, next);
});
