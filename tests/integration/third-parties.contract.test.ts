import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoCircuits } from '@boomerang/core/adapters/dynamo/circuits.ts';
import { createDynamoLimits } from '@boomerang/core/adapters/dynamo/limits.ts';
import type { Circuits } from '@boomerang/core/ports/circuits.ts';
import type { Limits } from '@boomerang/core/ports/limits.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { NOW } from '../builders.ts';
import { createFakeCircuits, createFakeLimits } from '../fakes/third-parties.ts';
import { startTables } from './database.ts';

let database: Awaited<ReturnType<typeof startTables>>;
let client: DynamoDBClient;

beforeAll(async () => {
  database = await startTables();
  client = database.client;
});

afterAll(async () => database.close());

describe.each<[string, () => Circuits]>([
  ['the fake', createFakeCircuits],
  ['DynamoDB', () => createDynamoCircuits({ client, tableName: 'JobTable' })],
])('circuits, %s', (_name, create) => {
  const aCircuit = () => ({ key: `provider#${uuidv7()}`, openUntil: NOW + 60_000, openings: 1, isProbed: false });

  test('are there from their opening to their closing', async () => {
    const circuits = create();
    const circuit = aCircuit();
    expect(await circuits.open(circuit, NOW)).toBe(true);
    expect(await circuits.listOpen(NOW)).toContainEqual(circuit);
    expect(await circuits.close(circuit)).toBe(true);
    expect(await circuits.listOpen(NOW)).not.toContainEqual(circuit);
  });

  test('are opened, moved and closed by one of many', async () => {
    const circuits = create();
    const circuit = aCircuit();
    const won = async (tries: Promise<boolean>[]) => (await Promise.all(tries)).filter(Boolean).length;
    const ten = Array.from({ length: 10 }, (_, index) => index);
    expect(await won(ten.map((index) => circuits.open({ ...circuit, openUntil: NOW + 1 + index }, NOW)))).toBe(1);
    const [read] = (await circuits.listOpen(NOW)).filter(({ key }) => key === circuit.key);
    if (!read) throw new Error('it is open');
    expect(await won(ten.map((index) => circuits.move(read, { ...read, openUntil: NOW + 100 + index })))).toBe(1);
    expect(await circuits.close(read)).toBe(false);
    expect(await circuits.move(read, { ...read, openUntil: NOW })).toBe(false);
  });

  test('count the calls of all, by third party and window', async () => {
    const circuits = create();
    const { key } = aCircuit();
    const count = (window: number, other = key) => circuits.count(other, window, { calls: 3, failures: 2 }, NOW / 1000);
    await Promise.all([count(1), count(1), count(2), count(1, `${key}-other`)]);
    expect(await count(1)).toMatchObject({ calls: 9, failures: 6 });
  });
});

test('a circuit that nobody probed for long is forgotten, and opens anew', async () => {
  const circuits = createDynamoCircuits({ client, tableName: 'JobTable' });
  const circuit = { key: 'provider#forgotten', openUntil: NOW, openings: 4, isProbed: true };
  await circuits.open(circuit, NOW);
  const later = NOW + 3_601_000;
  expect(await circuits.listOpen(later)).not.toContainEqual(circuit);
  expect(await circuits.open({ ...circuit, openings: 1 }, later)).toBe(true);
});

describe.each<[string, () => Limits]>([
  ['the fake', createFakeLimits],
  ['DynamoDB', () => createDynamoLimits({ client, tableName: 'JobTable', random: Math.random })],
])('limits, %s', (_name, create) => {
  test('give as many calls of a second as there are, whole slices only', async () => {
    const limits = create();
    const key = uuidv7();
    const taken = await Promise.all(Array.from({ length: 10 }, () => limits.takeCalls(key, 1, 3, 10)));
    expect(taken.filter(Boolean)).toHaveLength(3);
    expect(await limits.takeCalls(key, 1, 1, 10)).toBe(true);
    expect(await limits.takeCalls(key, 1, 1, 10)).toBe(false);
    expect(await limits.takeCalls(key, 2, 3, 10)).toBe(true);
  });

  test('give no place to two, and a place again once it is free or its time is up', async () => {
    const limits = create();
    const key = uuidv7();
    const take = (now = NOW) => limits.takeSlot(key, 3, now, now + 1_000);
    const slots = [await take(), await take(), await take()];
    expect(new Set(slots.map((slot) => slot?.number)).size).toBe(3);
    expect(await take()).toBeUndefined();
    if (slots[1]) await limits.freeSlot(slots[1]);
    expect((await take())?.number).toBe(slots[1]?.number);
    expect(await take(NOW + 1_000)).toBeDefined();
  });

  test('take nothing from whoever has a place that one has lost', async () => {
    const limits = create();
    const key = uuidv7();
    const lost = await limits.takeSlot(key, 1, NOW, NOW + 10);
    const mine = await limits.takeSlot(key, 1, NOW + 10, NOW + 1_000);
    if (!lost || !mine) throw new Error('both had it');
    await limits.freeSlot(lost);
    expect(await limits.takeSlot(key, 1, NOW + 20, NOW + 2_000)).toBeUndefined();
  });
});
