import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { createDynamoRedriveIntake, createDynamoRedriveWork } from '@boomerang/core/adapters/dynamo/redrives.ts';
import { toItem } from '@boomerang/core/adapters/dynamo/table.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import { advanced, newRedrive, postponed, type Redrive, type RedriveQuery } from '@boomerang/core/domain/redrive.ts';
import type { ClaimedRedrive, DueRedrive, Redrives } from '@boomerang/core/ports/redrives.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { NOW } from '../builders.ts';
import { createFakeRedrives } from '../fakes/redrives.ts';
import { inProcessRows, startTables, type Tables } from './database.ts';

let database: Tables;
let client: DynamoDBClient;

beforeAll(async () => {
  database = await startTables();
  client = database.client;
});

afterAll(async () => database.close());

const LEASE_MS = 1_000;
const RETENTION_MS = 60_000;
const query = { status: 'FAILED', from: 0, to: NOW } as const;
const counts = { redriven: 3, skipped: 1, failed: 2 };
const later = { now: NOW + 5, dueAt: NOW + 5, retentionMs: RETENTION_MS };

const createDynamo = (through = client): Redrives => {
  const table = { client: through, tableName: 'JobTable' };
  return { ...createDynamoRedriveIntake(table), ...createDynamoRedriveWork(table) };
};

const createRedrive = async (redrives: Redrives, clientId: string = uuidv7()): Promise<Redrive> => {
  const { isNew, redrive } = await redrives.create(newRedrive(uuidv7(), clientId, query, NOW), NOW);
  expect(isNew).toBe(true);
  return redrive;
};
/** Claims a redrive. Other tests leave due redrives behind, so this claims due redrives until it finds the wanted one. */
const claimDue = async (redrives: Redrives, { redriveId }: Redrive, now: number): Promise<ClaimedRedrive> => {
  for (const entry of await redrives.findDue(now)) {
    const claimed = await redrives.claim(entry, now, LEASE_MS);
    if (claimed?.redriveId === redriveId) return claimed;
  }
  throw new Error(`redrive ${redriveId} is not due at ${now}`);
};
/** A time at which all earlier leases have expired. */
let afterLeases = NOW + 1_000_000;
const complete = async (redrives: Redrives, redrive: Redrive): Promise<ClaimedRedrive> => {
  afterLeases += 2 * LEASE_MS;
  const done = advanced(await claimDue(redrives, redrive, afterLeases), counts, undefined, later);
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

  test('are due until they are claimed, and again when the lease has expired', async () => {
    const redrives = create();
    const redrive = await createRedrive(redrives);
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

  test.each<RedriveQuery>([
    { status: ['FAILED', 'PARTIAL'], from: 0, to: NOW },
    { status: 'FAILED', providerId: 'gas', failureCode: 'CALLBACK_GONE', from: 0, to: NOW },
    { inTrouble: true, from: 0, to: NOW },
  ])('store their filters %j', async (filters) => {
    const redrives = create();
    const clientId = uuidv7();
    const { redrive } = await redrives.create(newRedrive(uuidv7(), clientId, filters, NOW), NOW);
    const claimed = await claimDue(redrives, redrive, NOW);
    expect(claimed.query).toEqual(filters);
    await redrives.save(advanced(claimed, counts, 'cursor', later));
    const done = advanced(await claimDue(redrives, redrive, NOW + 5), counts, undefined, later);
    await redrives.save(done);
    await createRedrive(redrives, clientId).then((next) => complete(redrives, next));
    // The client's next redrive has moved the first one to an item of its own.
    expect((await redrives.get(clientId, redrive.redriveId, NOW))?.query).toEqual(filters);
  });

  test('store the progress that their holder saves, and are hidden when they expire', async () => {
    const redrives = create();
    const redrive = await createRedrive(redrives);
    const { clientId, redriveId } = redrive;
    const get = (now = NOW) => redrives.get(clientId, redriveId, now);
    const first = await claimDue(redrives, redrive, NOW);
    const half = advanced(first, counts, 'cursor', later);
    await redrives.save(half);
    const { key, ...stored } = half;
    expect(await get()).toEqual(stored);
    expect(await entryOf(redrives, key, NOW + 5)).toMatchObject({ isStalled: false });
    const second = await claimDue(redrives, redrive, NOW + 5);
    expect(second).toMatchObject({ ...counts, cursor: 'cursor', claims: 2 });
    await expect(redrives.save(half)).rejects.toThrow(StaleClaim);
    const whole = advanced(second, counts, undefined, later);
    await redrives.save(whole);
    const { key: _, cursor: __, dueAt: ___, ...kept } = whole;
    expect(await get()).toEqual({ ...kept, redriven: 6, skipped: 2, failed: 4 });
    expect(await entryOf(redrives, key, Number.MAX_SAFE_INTEGER)).toBeUndefined();
    await expect(redrives.save(whole)).rejects.toThrow(StaleClaim);
    // The expiry is the end plus the retention, in whole seconds. An expired redrive is hidden even before it is deleted.
    const expiry = NOW + RETENTION_MS + 1_000;
    expect(whole.expiresAt).toBe(expiry / 1000);
    expect((await get(expiry - 1))?.redriveId).toBe(redriveId);
    expect(await get(expiry)).toBeUndefined();
    expect(await redrives.get(clientId, uuidv7(), NOW)).toBeUndefined();
  });

  test('are visible only to their client', async () => {
    const redrives = create();
    const [mine, other] = [await createRedrive(redrives), await createRedrive(redrives)];
    expect(await redrives.get(other.clientId, mine.redriveId, NOW)).toBeUndefined();
    for (const redrive of [mine, other]) await complete(redrives, redrive);
    const next = await createRedrive(redrives, mine.clientId);
    for (const { redriveId } of [mine, next]) {
      expect(await redrives.get(other.clientId, redriveId, NOW)).toBeUndefined();
      expect(await redrives.get(mine.clientId, redriveId, NOW)).toMatchObject({ redriveId });
    }
    await complete(redrives, next);
  });

  test('are limited to one running redrive for each client: one of many concurrent requests is new', async () => {
    const redrives = create();
    const clientId = uuidv7();
    const requests = Array.from({ length: 20 }, () => newRedrive(uuidv7(), clientId, query, NOW));
    const results = await Promise.all(requests.map((request) => redrives.create(request, NOW)));
    const [open, ...more] = results.filter(({ isNew }) => isNew);
    expect(more).toEqual([]);
    expect(new Set(results.map(({ redrive }) => redrive.redriveId))).toEqual(new Set([open?.redrive.redriveId]));
    for (const { redriveId } of requests) {
      const exists = (await redrives.get(clientId, redriveId, NOW)) !== undefined;
      expect(exists).toBe(redriveId === open?.redrive.redriveId);
    }
    // Another client can start its own redrive.
    const other = await createRedrive(redrives);
    await complete(redrives, other);
    await complete(redrives, open?.redrive as Redrive);
  });

  test('that are requested again after a lost response are new both times, even if already complete', async () => {
    const redrives = create();
    const redrive = await createRedrive(redrives);
    expect(await redrives.create(redrive, NOW)).toEqual({ isNew: true, redrive });
    await complete(redrives, redrive);
    const repeated = await redrives.create(redrive, NOW);
    expect(repeated).toMatchObject({ isNew: true, redrive: { status: 'COMPLETE', ...counts } });
  });

  test('allow the next redrive when complete, and stay readable until they expire', async () => {
    const redrives = create();
    const clientId = uuidv7();
    const before: Redrive[] = [];
    for (let index = 0; index < 3; index += 1) {
      const next = await createRedrive(redrives, clientId);
      for (const { redriveId } of before) {
        expect(await redrives.get(clientId, redriveId, NOW)).toMatchObject({
          redriveId,
          status: 'COMPLETE',
          ...counts,
        });
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

  test('are listed newest first, page by page, without those of other clients', async () => {
    const redrives = create();
    const clientId = uuidv7();
    const list = (limit: number, after?: string, now = NOW) => redrives.list({ clientId, limit, after, now });
    expect(await list(1)).toEqual({ redrives: [] });
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const next = await createRedrive(redrives, clientId);
      ids.unshift(next.redriveId);
      if (index < 4) await complete(redrives, next);
    }
    const other = await createRedrive(redrives);
    const whole = await list(5);
    expect(whole).not.toHaveProperty('cursor');
    expect(whole.redrives.map(({ redriveId }) => redriveId)).toEqual(ids);
    expect(whole.redrives.map(({ status }) => status)).toEqual(['RUNNING', ...Array(4).fill('COMPLETE')]);
    for (const redrive of whole.redrives) expect(redrive).toEqual(await redrives.get(clientId, redrive.redriveId, NOW));
    for (const limit of [1, 2, 3, 4, 100]) {
      const listed: string[] = [];
      let after: string | undefined;
      do {
        const page = await list(limit, after);
        expect(page.redrives).toHaveLength(Math.min(limit, ids.length - listed.length));
        listed.push(...page.redrives.map(({ redriveId }) => redriveId));
        after = page.cursor;
      } while (after !== undefined);
      expect(listed).toEqual(ids);
    }
    // The running redrive never expires.
    const expired = await list(5, undefined, NOW + RETENTION_MS + 1_006);
    expect(expired).toEqual({ redrives: [whole.redrives[0]] });
    await complete(redrives, whole.redrives[0] as Redrive);
    await complete(redrives, other);
  });

  test("refuse progress from holders of the client's previous redrive", async () => {
    const redrives = create();
    const clientId = uuidv7();
    const first = await createRedrive(redrives, clientId);
    const stale = await claimDue(redrives, first, NOW);
    const done = await complete(redrives, first);
    const second = await createRedrive(redrives, clientId);
    // If claim counts restarted at 0, a stale claim would match again.
    for (let claims = 0; claims < 3; claims += 1) {
      for (const holder of [stale, done]) await expect(redrives.save(holder)).rejects.toThrow(StaleClaim);
      const claimed = await claimDue(redrives, second, NOW + 10 + claims);
      await redrives.save(postponed(claimed, { now: NOW, dueAt: NOW }));
    }
    expect(await redrives.get(clientId, second.redriveId, NOW)).toMatchObject({ status: 'RUNNING', redriven: 0 });
    await complete(redrives, second);
  });

  test('reserve a pass for one of many concurrent requests, and for none while a pass is reserved', async () => {
    const redrives = create();
    await redrives.extendPass(0);
    const reserved = await Promise.all(Array.from({ length: 10 }, () => redrives.reservePass(NOW, NOW + 10)));
    expect(reserved.filter((isReserved) => isReserved)).toHaveLength(1);
    expect(await redrives.reservePass(NOW + 9, NOW + 19)).toBe(false);
    expect(await redrives.reservePass(NOW + 10, NOW + 20)).toBe(true);
    await redrives.extendPass(NOW + 100);
    expect(await redrives.reservePass(NOW + 99, NOW + 200)).toBe(false);
    await redrives.extendPass(0);
    expect(await redrives.reservePass(NOW + 99, NOW + 200)).toBe(true);
  });
});

test('an open redrive stored by an earlier version can be claimed and completed', async () => {
  const redrives = createDynamo();
  const redriveId = uuidv7();
  const clientId = uuidv7();
  const { redriveId: _, stalls: __, ...stored } = newRedrive(redriveId, clientId, query, NOW);
  const Item = toItem({ ...stored, jobId: redriveId, itemId: 'REDRIVE', dueShard: -1 });
  await client.send(new PutItemCommand({ TableName: 'JobTable', Item }));
  expect(await redrives.get(clientId, redriveId, NOW)).toMatchObject({ redriveId, status: 'RUNNING' });
  const claimed = await claimDue(redrives, newRedrive(redriveId, clientId, query, NOW), NOW);
  expect(claimed).toMatchObject({ redriveId, claims: 1, stalls: 1 });
  await redrives.save(advanced(claimed, counts, undefined, later));
  expect(await redrives.get(clientId, redriveId, NOW)).toMatchObject({ status: 'COMPLETE', ...counts });
});

test('a process that dies between the two writes of a request blocks no client and loses no redrive', async () => {
  const redrives = createDynamo();
  const clientId = uuidv7();
  const former = await createRedrive(redrives, clientId);
  await complete(redrives, former);
  const failing = {
    send: async (command: { input: { ConditionExpression?: string } }) => {
      if (command.input.ConditionExpression !== undefined) throw new Error('died');
      return client.send(command as GetItemCommand);
    },
  } as unknown as DynamoDBClient;
  const intake = createDynamoRedriveIntake({ client: failing, tableName: 'JobTable' });
  await expect(intake.create(newRedrive(uuidv7(), clientId, query, NOW), NOW)).rejects.toThrow('died');
  expect(await redrives.get(clientId, former.redriveId, NOW)).toMatchObject({ status: 'COMPLETE', ...counts });
  // The former redrive is stored twice now.
  for (const limit of [1, 2]) {
    const listed = await redrives.list({ clientId, limit, now: NOW });
    expect(listed).toEqual({ redrives: [expect.objectContaining({ redriveId: former.redriveId, ...counts })] });
  }
  const next = await createRedrive(redrives, clientId);
  expect(await redrives.get(clientId, former.redriveId, NOW)).toMatchObject({ status: 'COMPLETE', ...counts });
  const listed = await redrives.list({ clientId, limit: 2, now: NOW });
  expect(listed.redrives.map(({ redriveId }) => redriveId)).toEqual([next.redriveId, former.redriveId]);
  await complete(redrives, next);
});

test('a former redrive stored by an earlier version stays readable by its id', async () => {
  const redrives = createDynamo();
  const [redriveId, clientId] = [uuidv7(), uuidv7()];
  const { dueAt: _, ...former } = newRedrive(redriveId, clientId, query, NOW);
  const Item = toItem({ ...former, status: 'COMPLETE', jobId: redriveId, itemId: 'REDRIVE' });
  await client.send(new PutItemCommand({ TableName: 'JobTable', Item }));
  const newest = await createRedrive(redrives, clientId);
  expect(await redrives.get(clientId, redriveId, NOW)).toEqual({ ...former, status: 'COMPLETE' });
  await complete(redrives, newest);
});

test('earlier versions fail to read a redrive with filters, instead of redriving too many jobs', async () => {
  const stored = async (filters: RedriveQuery) => {
    const clientId = uuidv7();
    const redrives = createDynamo();
    const { redrive } = await redrives.create(newRedrive(uuidv7(), clientId, filters, NOW), NOW);
    const Key = toItem({ jobId: `REDRIVES#${clientId}`, itemId: 'REDRIVE' });
    const { Item = {} } = await client.send(new GetItemCommand({ TableName: 'JobTable', Key }));
    await complete(redrives, redrive);
    return Object.keys(Item).filter((name) => name === 'query' || name === 'filters');
  };
  expect(await stored(query)).toEqual(['query']);
  expect(await stored({ ...query, providerId: undefined })).toEqual(['query']);
  expect(await stored({ ...query, providerId: 'gas' })).toEqual(['filters']);
  expect(await stored({ ...query, status: ['FAILED', 'PARTIAL'] })).toEqual(['filters']);
  expect(await stored({ inTrouble: true, from: 0, to: NOW })).toEqual(['filters']);
});
