import './function-environment.ts';
import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { type CheckHealthDeps, createCheckHealth } from '../../functions/health/check-health.ts';
import { createHandler } from '../../functions/health/handler.ts';
import { healthChecksSchema, healthSchema } from '../../functions/health/schema.ts';
import { reportSweep } from '../../functions/job-claim/report-sweep.ts';
import { aLog, NOW } from '../builders.ts';
import { createFakeCircuits } from '../fakes/third-parties.ts';

const createWorld = (lastSweep: CheckHealthDeps['lastSweep']) => {
  const world = { now: NOW, reads: 0, log: aLog() };
  const checkHealth = createCheckHealth({
    lastSweep: async () => {
      world.reads += 1;
      return lastSweep();
    },
    now: () => world.now,
    log: world.log,
  });
  const handler = createHandler({ log: world.log, checkHealth });
  const getHealth = async (queryStringParameters?: Record<string, string>) => {
    const event = { headers: {}, queryStringParameters, requestContext: { requestId: 'request' } };
    const response = await handler(event as unknown as APIGatewayProxyEventV2, {} as Context);
    return { ...response, body: JSON.parse(response.body ?? '') };
  };
  return { world, getHealth };
};

describe('GET /health', () => {
  test('succeeds without checking anything', async () => {
    const { world, getHealth } = createWorld(async () => Promise.reject(new Error('down')));
    expect(await getHealth()).toMatchObject({ statusCode: 200, body: { status: 'ok' } });
    expect(world.reads).toBe(0);
  });

  test.each([{ deep: '0' }, { deep: '' }, { deeep: '1' }])('rejects other parameters: %j', async (query) => {
    expect(await createWorld(async () => NOW).getHealth(query)).toMatchObject({ statusCode: 422 });
  });
});

describe('GET /health?deep=1', () => {
  test('succeeds while the table responds and sweeps run', async () => {
    const { getHealth } = createWorld(async () => NOW - 299_000);
    const { statusCode, body } = await getHealth({ deep: '1' });
    expect(statusCode).toBe(200);
    expect(healthSchema.parse(body)).toEqual({
      status: 'ok',
      checks: { table: { status: 'ok' }, sweep: { status: 'ok', lastAt: new Date(NOW - 299_000).toISOString() } },
    });
  });

  test.each<[string, CheckHealthDeps['lastSweep'], object]>([
    [
      'no sweep ran for five minutes',
      async () => NOW - 301_000,
      { table: { status: 'ok' }, sweep: { status: 'failed' } },
    ],
    [
      'no sweep ever ran',
      async () => undefined,
      { table: { status: 'ok' }, sweep: { status: 'failed', lastAt: null } },
    ],
    [
      'the table cannot be read',
      async () => Promise.reject(new Error('down')),
      { table: { status: 'failed' }, sweep: { status: 'failed', lastAt: null } },
    ],
  ])('returns a problem that names the failed checks when %s', async (_case, lastSweep, checks) => {
    const { statusCode, headers, body } = await createWorld(lastSweep).getHealth({ deep: '1' });
    expect(statusCode).toBe(503);
    expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '10' });
    expect(body).toMatchObject({ status: 503, title: 'Service Unavailable', instance: 'request', checks });
    expect(healthChecksSchema.safeParse(body.checks).success).toBe(true);
    expect(JSON.stringify(body)).not.toContain('down');
  });

  test('reads the last sweep at most once in ten seconds, however many callers ask', async () => {
    let lastSweepAt: number | undefined;
    const { world, getHealth } = createWorld(async () => lastSweepAt);
    const responses = await Promise.all(Array.from({ length: 20 }, async () => getHealth({ deep: '1' })));
    expect(responses.every(({ statusCode }) => statusCode === 503)).toBe(true);
    lastSweepAt = NOW;
    world.now = NOW + 9_999;
    expect((await getHealth({ deep: '1' })).statusCode).toBe(503);
    expect(world.reads).toBe(1);
    world.now = NOW + 10_000;
    expect((await getHealth({ deep: '1' })).statusCode).toBe(200);
    expect(world.reads).toBe(2);
  });
});

describe('the report of a sweep', () => {
  const report = async (change: object) => {
    const log = aLog();
    const recorded: number[] = [];
    const measured: [string, number][] = [];
    await reportSweep({
      recordSweep: async (now) => void recorded.push(now),
      isPaused: false,
      circuits: createFakeCircuits(),
      gauge: (name, value) => void measured.push([name, value]),
      now: () => NOW,
      log,
      ...change,
    });
    return { log, recorded, measured };
  };

  test('records the sweep, and measures the number of open provider circuits, including 0', async () => {
    const circuits = createFakeCircuits();
    expect(await report({ circuits })).toMatchObject({ recorded: [NOW], measured: [['OpenCircuits', 0]] });
    const watch = { since: NOW, expiresAt: NOW / 1000 + 60, weight: 1, weightFrom: 0, weightUntil: 0 };
    await circuits.watch('provider#internet', watch, NOW);
    await circuits.open({ key: 'provider#gas', openUntil: NOW + 1, consecutiveOpens: 1, halfOpen: true }, NOW);
    expect((await report({ circuits })).measured).toEqual([['OpenCircuits', 1]]);
  });

  test('never throws, and measures nothing when reads fail', async () => {
    const down = async () => Promise.reject(new Error('down'));
    const { measured, log } = await report({ recordSweep: down, circuits: { list: down } });
    expect(measured).toEqual([]);
    expect(log.lines).toMatchObject([{ level: 'warn' }, { level: 'warn' }]);
  });
});
