import {
  BatchGetItemCommand,
  DynamoDBClient,
  GetItemCommand,
  ProvisionedThroughputExceededException,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { createDynamoCircuits, createDynamoTallies } from '@boomerang/core/adapters/dynamo/circuits.ts';
import { createDynamoClientRates } from '@boomerang/core/adapters/dynamo/client-rates.ts';
import { createDynamoLimits } from '@boomerang/core/adapters/dynamo/limits.ts';
import { type OpenCircuit, receiverCircuitKey, type Watch } from '@boomerang/core/domain/circuit.ts';
import type { Circuits, Tallies } from '@boomerang/core/ports/circuits.ts';
import type { ClientRates } from '@boomerang/core/ports/client-rates.ts';
import type { Limits } from '@boomerang/core/ports/limits.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { v7 as uuidv7 } from 'uuid';
import { NOW } from '../builders.ts';
import { createFakeClientRates } from '../fakes/client-rates.ts';
import { createFakeCircuits, createFakeLimits } from '../fakes/third-parties.ts';
import { inProcessRows, startTables, type Tables } from './database.ts';

let database: Tables;
let client: DynamoDBClient;

beforeAll(async () => {
  database = await startTables();
  client = database.client;
});

afterAll(async () => database.close());

const aCircuit = (change: Partial<OpenCircuit> = {}): OpenCircuit => ({
  key: `provider#${uuidv7()}`,
  openUntil: NOW + 60_000,
  consecutiveOpens: 1,
  halfOpen: false,
  ...change,
});
const aWatch = (change: Partial<Watch> = {}): Watch => ({
  since: NOW,
  expiresAt: NOW / 1000 + 60,
  weight: 1,
  weightFrom: 0,
  weightUntil: 0,
  ...change,
});
const aReceiver = () => receiverCircuitKey(uuidv7(), 'https://example.com/');
const ten = Array.from({ length: 10 }, (_, index) => index);
const countTrue = async (results: Promise<boolean>[]) => (await Promise.all(results)).filter(Boolean).length;

describe.each<[string, () => Circuits]>([
  ['the fake', createFakeCircuits],
  ['DynamoDB', () => createDynamoCircuits({ client, tableName: 'JobTable' })],
  ...inProcessRows<[string, () => Circuits]>([
    'DynamoDB in process',
    () => createDynamoCircuits({ client: database.inProcess, tableName: 'JobTable' }),
  ]),
])('circuits, %s', (_name, create) => {
  test('are listed from opening to closing', async () => {
    const circuits = create();
    const circuit = aCircuit({ lastFailure: { class: 'bad_status', statusCode: 503 } });
    expect(await circuits.open(circuit, NOW)).toBe(true);
    expect((await circuits.list(NOW)).get(circuit.key)).toEqual({ open: circuit });
    expect(await circuits.close(circuit, [])).toBe(true);
    expect((await circuits.list(NOW)).has(circuit.key)).toBe(false);
  });

  test('are opened and replaced by exactly one of many concurrent callers, and closed only if unchanged', async () => {
    const circuits = create();
    const circuit = aCircuit();
    expect(await countTrue(ten.map((index) => circuits.open({ ...circuit, openUntil: NOW + 1 + index }, NOW)))).toBe(1);
    const { open: read } = (await circuits.list(NOW)).get(circuit.key) ?? {};
    if (!read) throw new Error('the circuit is not listed as open');
    expect(await countTrue(ten.map((index) => circuits.replace(read, { ...read, openUntil: NOW + 100 + index })))).toBe(
      1,
    );
    expect(await circuits.close(read, [])).toBe(false);
    expect(await circuits.replace(read, { ...read, openUntil: NOW })).toBe(false);
  });

  test('of receivers are found by key, but not listed', async () => {
    const circuits = create();
    const key = aReceiver();
    const circuit = aCircuit({ key });
    await circuits.watch(key, aWatch(), NOW);
    await circuits.open(circuit, NOW);
    expect(await circuits.find(key, NOW)).toEqual({ open: circuit, watch: aWatch() });
    expect(await circuits.find(aReceiver(), NOW)).toEqual({});
    expect((await circuits.list(NOW)).has(key)).toBe(false);
    await circuits.close(circuit, []);
    expect(await circuits.find(key, NOW)).toEqual({});
  });

  test.each([
    ['a provider', () => aCircuit().key],
    ['a receiver', aReceiver],
  ])('of %s have one watch, and only that watch can be updated', async (_party, aKey) => {
    const circuits = create();
    const key = aKey();
    const read = async (now = NOW) =>
      (await circuits.list(now)).get(key)?.watch ?? (await circuits.find(key, now)).watch;
    expect(await countTrue(ten.map((index) => circuits.watch(key, aWatch({ since: NOW + index }), NOW)))).toBe(1);
    const { since = 0 } = (await read()) ?? {};
    expect(await circuits.updateWatch(key, since - 1, { expiresAt: 0 })).toBe(false);
    expect(await circuits.updateWatch(key, since, { expiresAt: NOW / 1000 + 90 })).toBe(true);
    const sampling = { weight: 8, weightFrom: NOW + 1, weightUntil: NOW + 2 };
    expect(await circuits.updateWatch(key, since, sampling)).toBe(true);
    expect(await read()).toEqual({ since, expiresAt: NOW / 1000 + 90, ...sampling });
    // After the watch has expired, another can begin.
    const later = NOW + 90_000;
    expect(await read(later)).toBeUndefined();
    expect(await circuits.watch(key, aWatch({ since: later, expiresAt: later / 1000 + 60 }), later)).toBe(true);
    expect(await read(later)).toMatchObject({ since: later });
  });

  test('count calls by third party and window', async () => {
    const circuits = create();
    const { key } = aCircuit();
    const tally = { calls: 8, failures: 8, samples: 1 };
    const count = (window: number, other = key) => circuits.count(other, window, tally, NOW / 1000 + 120);
    await Promise.all([count(1), count(1), count(2), count(1, `${key}-other`)]);
    // The result has no attributes of the table.
    expect(await count(1)).toEqual({ calls: 24, failures: 24, samples: 3 });
  });

  test.each([
    ['a provider', () => aCircuit().key],
    ['a receiver', aReceiver],
  ])('of %s expire an hour after their open time if not probed, and can then open again', async (_party, aKey) => {
    const circuits = create();
    const circuit = aCircuit({ key: aKey(), openUntil: NOW + 1, consecutiveOpens: 4, halfOpen: true });
    const read = async (now: number) =>
      (await circuits.list(now)).get(circuit.key)?.open ?? (await circuits.find(circuit.key, now)).open;
    await circuits.open(circuit, NOW);
    // Expiry is rounded up to a whole second.
    const last = NOW + 3_600_999;
    expect(await read(last)).toEqual({ ...circuit, lastFailure: undefined });
    expect(await circuits.open({ ...circuit, consecutiveOpens: 1 }, last)).toBe(false);
    expect(await read(last + 1)).toBeUndefined();
    expect(await circuits.open({ ...circuit, consecutiveOpens: 1 }, last + 1)).toBe(true);
  });

  test('have a watch until the millisecond in which it expires', async () => {
    const circuits = create();
    const { key } = aCircuit();
    const expiresAt = NOW / 1000 + 60;
    await circuits.watch(key, aWatch({ expiresAt }), NOW);
    const last = expiresAt * 1000 - 1;
    expect((await circuits.list(last)).get(key)?.watch).toMatchObject({ expiresAt });
    expect(await circuits.watch(key, aWatch({ since: last }), last)).toBe(false);
    expect((await circuits.list(last + 1)).has(key)).toBe(false);
    expect(await circuits.watch(key, aWatch({ since: last + 1, expiresAt: expiresAt + 60 }), last + 1)).toBe(true);
  });

  test('keep counting in an expired window that is not deleted yet, because windows are numbered', async () => {
    const circuits = create();
    const { key } = aCircuit();
    const tally = { calls: 1, failures: 1, samples: 1 };
    await circuits.count(key, 1, tally, NOW / 1000 - 1);
    expect(await circuits.count(key, 1, tally, NOW / 1000 + 120)).toEqual({ calls: 2, failures: 2, samples: 2 });
  });

  test('lose their watch and counts when they close', async () => {
    const circuits = create();
    const circuit = aCircuit();
    const tally = { calls: 1, failures: 1, samples: 1 };
    await circuits.watch(circuit.key, aWatch(), NOW);
    for (const window of [1, 2, 3]) await circuits.count(circuit.key, window, tally, NOW / 1000 + 120);
    await circuits.open(circuit, NOW);
    expect(await circuits.close(circuit, [1, 2])).toBe(true);
    expect((await circuits.list(NOW)).has(circuit.key)).toBe(false);
    const counted = await Promise.all(
      [1, 2, 3].map((window) => circuits.count(circuit.key, window, tally, NOW / 1000 + 120)),
    );
    expect(counted.map(({ calls }) => calls)).toEqual([1, 1, 2]);
  });
});

const tallied = (table: () => DynamoDBClient) => (): Circuits & Tallies => ({
  ...createDynamoCircuits({ client: table(), tableName: 'JobTable' }),
  ...createDynamoTallies({ client: table(), tableName: 'JobTable' }),
});

describe.each<[string, () => Circuits & Tallies]>([
  ['the fake', createFakeCircuits],
  ['DynamoDB', tallied(() => client)],
  ...inProcessRows<[string, () => Circuits & Tallies]>(['DynamoDB in process', tallied(() => database.inProcess)]),
])('tallies, %s', (_name, create) => {
  test('are added up over some windows, for each circuit that has any', async () => {
    const circuits = create();
    const [busy, quiet, late] = [aCircuit().key, aCircuit().key, aCircuit().key];
    const count = (key: string, window: number, calls: number, failures: number) =>
      circuits.count(key, window, { calls, failures, samples: 1 }, NOW / 1000 + 120);
    await count(busy, 1, 100, 100);
    await count(busy, 2, 8, 8);
    await count(busy, 3, 1, 0);
    await count(late, 3, 2, 1);
    expect(await circuits.sum([busy, quiet, late], [2, 3])).toEqual(
      new Map([
        [busy, { calls: 9, failures: 8 }],
        [late, { calls: 2, failures: 1 }],
      ]),
    );
  });

  test('of more circuits than one request can read are read in several', async () => {
    const circuits = create();
    const keys = Array.from({ length: 101 }, () => aCircuit().key);
    const [first = '', last = ''] = [keys[0], keys[100]];
    for (const key of [first, last]) {
      await circuits.count(key, 2, { calls: 2, failures: 1, samples: 1 }, NOW / 1000 + 120);
    }
    const sum = { calls: 2, failures: 1 };
    expect(await circuits.sum(keys, [1, 2])).toEqual(
      new Map([
        [first, sum],
        [last, sum],
      ]),
    );
  });
});

test('tallies that a throttled table left unread are an error instead of a count that is too low', async () => {
  const busy = mockClient(DynamoDBClient);
  const keys = { JobTable: { Keys: [{ jobId: { S: 'TALLY#provider#gas' }, itemId: { S: 'WINDOW#1' } }] } };
  busy.on(BatchGetItemCommand).resolves({ Responses: { JobTable: [] }, UnprocessedKeys: keys });
  const mocked = new DynamoDBClient({ region: 'us-east-1' });
  const { sum } = createDynamoTallies({ client: mocked, tableName: 'JobTable' });
  await expect(sum(['provider#gas'], [1])).rejects.toThrow('1 tallies were not read');
  busy.restore();
});

test('provider circuits are listed from all pages of their partition', async () => {
  const circuits = createDynamoCircuits({ client, tableName: 'JobTable' });
  const filler = 'x'.repeat(300_000);
  const put = (itemId: string) =>
    client.send(
      new PutItemCommand({
        TableName: 'JobTable',
        Item: { jobId: { S: 'CIRCUITS' }, itemId: { S: itemId }, filler: { S: filler }, expiresAt: { N: '0' } },
      }),
    );
  // More than a page of items, all sorted before the circuit.
  await Promise.all(ten.map((index) => put(`provider#0-${index}`)));
  const last = aCircuit({ key: 'provider#zzz' });
  await circuits.open(last, NOW);
  await circuits.watch(last.key, aWatch(), NOW);
  expect((await circuits.list(NOW)).get(last.key)).toEqual({ open: last, watch: aWatch() });
});

test('every item about third parties has a TTL in epoch seconds', async () => {
  const circuits = createDynamoCircuits({ client, tableName: 'JobTable' });
  const limits = createDynamoLimits({ client, tableName: 'JobTable', random: Math.random });
  const rates = createDynamoClientRates({ client, tableName: 'JobTable' });
  const circuit = aCircuit();
  const key = uuidv7();
  await circuits.open(circuit, NOW);
  await circuits.watch(circuit.key, aWatch(), NOW);
  await circuits.count(circuit.key, 1, { calls: 1, failures: 1, samples: 1 }, NOW / 1000 + 120);
  await rates.count(key, 1, 1, NOW / 1000 + 60);
  await rates.limit(key, NOW + 60_000);
  await limits.reserveCall(key, 0, NOW / 1000, 1);
  const slot = await limits.acquireSlot(key, 0, NOW, NOW + 1_000);
  if (slot) await limits.releaseSlot(slot);
  const keys = [
    ['CIRCUITS', circuit.key],
    ['CIRCUITS', `${circuit.key}#watch`],
    [`TALLY#${circuit.key}`, 'WINDOW#1'],
    [`CLIENT_RATE#${key}`, 'WINDOW#1'],
    ['CIRCUITS', `client#${key}`],
    [`RATE#${key}`, `SECOND#${NOW / 1000}`],
    [`SLOTS#${key}`, 'SLOT#0'],
  ] as const;
  for (const [jobId, itemId] of keys) {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: 'JobTable', Key: { jobId: { S: jobId }, itemId: { S: itemId } } }),
    );
    const expiresAt = Number(Item?.expiresAt?.N);
    expect(expiresAt).toBeGreaterThan(NOW / 1000);
    expect(expiresAt).toBeLessThan(NOW / 1000 + 4_000);
  }
});

describe.each<[string, () => Limits]>([
  ['the fake', () => createFakeLimits()],
  ['DynamoDB', () => createDynamoLimits({ client, tableName: 'JobTable', random: Math.random })],
  ...inProcessRows<[string, () => Limits]>([
    'DynamoDB in process',
    () => createDynamoLimits({ client: database.inProcess, tableName: 'JobTable', random: Math.random }),
  ]),
])('limits, %s', (_name, create) => {
  test('allow the configured number of calls per second for each counter', async () => {
    const limits = create();
    const key = uuidv7();
    expect(await countTrue(ten.map(() => limits.reserveCall(key, 0, 1, 7)))).toBe(7);
    expect(await limits.reserveCall(key, 0, 1, 7)).toBe(false);
    expect(await limits.reserveCall(key, 1, 1, 7)).toBe(true);
    expect(await limits.reserveCall(key, 0, 2, 7)).toBe(true);
  });

  test('give a slot to one caller at a time, and again once it is released or expired', async () => {
    const limits = create();
    const key = uuidv7();
    const acquire = (now = NOW) => limits.acquireSlot(key, 1, now, now + 1_000);
    const slots = (await Promise.all(ten.map(() => acquire()))).filter((slot) => slot !== undefined);
    expect(slots).toHaveLength(1);
    expect(await limits.findFreeSlots(key, 3, NOW)).toEqual([0, 2]);
    if (slots[0]) await limits.releaseSlot(slots[0]);
    expect(await limits.findFreeSlots(key, 3, NOW)).toEqual([0, 1, 2]);
    expect(await acquire()).toMatchObject({ key, number: 1 });
    expect(await acquire(NOW + 999)).toBeUndefined();
    expect(await acquire(NOW + 1_000)).toBeDefined();
  });

  test('ignore the release of an expired slot that has a new holder', async () => {
    const limits = create();
    const key = uuidv7();
    const expired = await limits.acquireSlot(key, 0, NOW, NOW + 10);
    const current = await limits.acquireSlot(key, 0, NOW + 10, NOW + 1_000);
    if (!expired || !current) throw new Error('a slot was not acquired');
    await limits.releaseSlot(expired);
    expect(await limits.acquireSlot(key, 0, NOW + 20, NOW + 2_000)).toBeUndefined();
  });
});

test('a throttled counter or slot is unavailable, without an error', async () => {
  const busy = mockClient(DynamoDBClient);
  busy.rejects(new ProvisionedThroughputExceededException({ message: 'busy', $metadata: {} }));
  const mocked = new DynamoDBClient({ region: 'us-east-1' });
  const limits = createDynamoLimits({ client: mocked, tableName: 'JobTable', random: Math.random });
  expect(await limits.reserveCall('gas', 0, 1, 10)).toBe(false);
  expect(await limits.findFreeSlots('gas', 10, NOW)).toEqual([]);
  expect(await limits.acquireSlot('gas', 0, NOW, NOW + 1)).toBeUndefined();
  busy.rejects(new Error('down'));
  await expect(limits.reserveCall('gas', 0, 1, 10)).rejects.toThrow('down');
  busy.restore();
});

test('a repeated request for a slot, as when the SDK retries after a lost response, gets the same slot', async () => {
  const limits = createDynamoLimits({ client, tableName: 'JobTable', random: () => 0.5 });
  const key = uuidv7();
  const first = await limits.acquireSlot(key, 0, NOW, NOW + 1_000);
  expect(await limits.acquireSlot(key, 0, NOW, NOW + 1_000)).toEqual(first);
});

describe.each<[string, () => ClientRates]>([
  ['the fake', createFakeClientRates],
  ['DynamoDB', () => createDynamoClientRates({ client, tableName: 'JobTable' })],
  ...inProcessRows<[string, () => ClientRates]>([
    'DynamoDB in process',
    () => createDynamoClientRates({ client: database.inProcess, tableName: 'JobTable' }),
  ]),
])('client rates, %s', (_name, create) => {
  test('count the requests of a client by window', async () => {
    const rates = create();
    const clientId = uuidv7();
    await Promise.all(ten.map(() => rates.count(clientId, 1, 3, NOW / 1000)));
    expect(await rates.count(clientId, 1, 3, NOW / 1000)).toBe(33);
    expect(await rates.count(clientId, 2, 3, NOW / 1000)).toBe(3);
    expect(await rates.count(uuidv7(), 1, 1, NOW / 1000)).toBe(1);
  });

  test('list clients until their limit ends, separately from circuits', async () => {
    const rates = create();
    const clientId = uuidv7();
    const circuits = createDynamoCircuits({ client, tableName: 'JobTable' });
    await circuits.open(aCircuit(), NOW);
    await Promise.all(ten.map(() => rates.limit(clientId, NOW + 10)));
    expect((await rates.listLimited(NOW)).get(clientId)).toBe(NOW + 10);
    expect([...(await rates.listLimited(NOW)).keys()].filter((key) => key.includes('#'))).toEqual([]);
    expect([...(await circuits.list(NOW)).keys()].filter((key) => key.includes(clientId))).toEqual([]);
    expect((await rates.listLimited(NOW + 9)).has(clientId)).toBe(true);
    expect((await rates.listLimited(NOW + 10)).has(clientId)).toBe(false);
  });

  test('keep counting in an expired window that is not deleted yet', async () => {
    const rates = create();
    const clientId = uuidv7();
    await rates.count(clientId, 1, 3, NOW / 1000 - 1);
    expect(await rates.count(clientId, 1, 3, NOW / 1000)).toBe(6);
  });
});
