import { describe, expect, test } from '@jest/globals';
import {
  CALLS_PER_SECOND,
  type CircuitCase,
  LIMITS,
  MINIMUM,
  runCircuits,
  runLimit,
  SLOTS,
  shortOutage,
  steady,
  usedShare,
} from './cases.ts';
import { runCircuit } from './circuit-statistics.ts';

/** A part of the table that `npm run test:statistics` prints: each of its columns, with runs enough to see what went wrong. */

const titled = (cases: CircuitCase[]) =>
  cases.map(
    (one) => [`${one.name}, ${one.instances} instances, ${one.callsPerSecond} calls/s, ${one.speed}`, one] as const,
  );

describe('a circuit at a threshold of 90 %', () => {
  const slowly = steady(0.7).filter(({ callsPerSecond }) => callsPerSecond === 10);
  test.each(titled(slowly))(
    'never opens in ten minutes at %s',
    async (_title, one) => {
      expect(await runCircuits(one, 5)).toMatchObject({ opened: 0 });
    },
    60_000,
  );

  test.each(titled(steady(0.5).filter(({ callsPerSecond }) => callsPerSecond === 1)))(
    'never opens in ten minutes at %s',
    async (_title, one) => {
      expect(await runCircuits(one, 20)).toMatchObject({ opened: 0 });
    },
    60_000,
  );

  const quickly = steady(0.7).filter(({ callsPerSecond }) => callsPerSecond === CALLS_PER_SECOND.at(-1));
  test.each(titled(quickly))(
    'never opens while it is watched, at %s',
    async (_title, one) => {
      // A minute holds the start of counting, which is the delicate part.
      expect(await runCircuits({ ...one, durationMs: 45_000 }, 2)).toMatchObject({ opened: 0 });
    },
    60_000,
  );

  test.each(titled(steady(1)))(
    'opens within 60 counted calls after the minimum at %s',
    async (_title, one) => {
      const { opened, runs, mostCounted } = await runCircuits(one, one.callsPerSecond > 100 ? 2 : 10);
      expect(opened).toBe(runs);
      expect(mostCounted).toBeLessThanOrEqual(MINIMUM + 60);
    },
    60_000,
  );

  test.each(titled(shortOutage().filter(({ callsPerSecond }) => callsPerSecond > 1)))(
    'is not opened by %s',
    async (_title, one) => {
      // It begins after 20 s; what it could open is open a minute later.
      expect(await runCircuits({ ...one, durationMs: 60_000 }, 3)).toMatchObject({ opened: 0 });
    },
    60_000,
  );

  test('opens within two windows when a provider in partial trouble, watched and sampled, goes down', async () => {
    const downAt = 400_000;
    const run = { instances: 50, callsPerSecond: 30, successMs: 200, failureMs: 200, durationMs: downAt + 120_000 };
    const failureRate = (atMs: number) => (atMs < downAt ? 0.5 : 1);
    const { openedAt = 0 } = await runCircuit({ ...run, failureRate, seed: 1 });
    expect(openedAt).toBeGreaterThan(downAt);
  }, 60_000);

  test('costs no write while a provider is healthy, and one read by a process in five seconds', async () => {
    const run = { instances: 50, callsPerSecond: 50, successMs: 200, failureMs: 200, durationMs: 60_000 };
    const { writes, reads } = await runCircuit({ ...run, failureRate: () => 0, seed: 1 });
    expect(writes).toBe(0);
    expect(reads).toBeLessThanOrEqual(50 * 12);
  });

  test('is sampled on a busy provider: at 30 calls a second that fail now and then, a write for five calls', async () => {
    const run = { instances: 50, callsPerSecond: 30, successMs: 200, failureMs: 200, durationMs: 600_000 };
    const { writes, calls } = await runCircuit({ ...run, failureRate: () => 0.2, seed: 1 });
    expect(writes / calls).toBeLessThan(0.35);
  }, 60_000);
});

describe('a limit', () => {
  test.each(LIMITS.filter(({ asksPerSecond }) => ![3_000, 1_000].includes(asksPerSecond)))(
    'of $ratePerSecond a second is kept and used up when $asksPerSecond fresh instances a second ask once each',
    async ({ atLeast, ...limit }) => {
      const result = await runLimit({ ...limit, seed: 1 });
      const used = usedShare(result, limit.ratePerSecond ?? 0);
      expect(used).toBeGreaterThanOrEqual(atLeast);
      expect(used).toBeLessThanOrEqual(1);
      expect(result.mostRequests).toBeLessThanOrEqual(5);
    },
    60_000,
  );

  test.each(SLOTS)('of $concurrency at once is kept, and all slots are free afterwards', async (limit) => {
    const result = await runLimit({ ...limit, seed: 1 });
    expect(result.mostAtOnce).toBe(limit.concurrency);
    expect(result.mostRequests).toBeLessThanOrEqual(5);
    expect(result.slotsHeldAfterwards).toBe(0);
  });
});
