import { describe, expect, test } from '@jest/globals';
import {
  CALLS_PER_SECOND,
  type CircuitCase,
  LIMITS,
  MIN_FAILURES,
  runCircuits,
  SLOTS,
  shortOutage,
  steady,
  usedShare,
} from './cases.ts';
import { runCircuit } from './circuit-statistics.ts';
import { runLimit } from './limit-statistics.ts';

/** A sample of the table that `npm run test:statistics` prints, with fewer runs. */

const withTitles = (cases: CircuitCase[]) =>
  cases.map(
    (run) => [`${run.name}, ${run.instances} instances, ${run.callsPerSecond} calls/s, ${run.speed}`, run] as const,
  );

describe('a circuit at a threshold of 90 %', () => {
  const slow = steady(0.7).filter(({ callsPerSecond }) => callsPerSecond === 10);
  test.each(withTitles(slow))(
    'never opens in ten minutes at %s',
    async (_title, run) => {
      expect(await runCircuits(run, 5)).toMatchObject({ opened: 0 });
    },
    60_000,
  );

  test.each(withTitles(steady(0.5).filter(({ callsPerSecond }) => callsPerSecond === 1)))(
    'never opens in ten minutes at %s',
    async (_title, run) => {
      expect(await runCircuits(run, 20)).toMatchObject({ opened: 0 });
    },
    60_000,
  );

  const busy = steady(0.7).filter(({ callsPerSecond }) => callsPerSecond === CALLS_PER_SECOND.at(-1));
  test.each(withTitles(busy))(
    'never opens in the first 45 seconds at %s',
    async (_title, run) => {
      // This includes the start of counting, when a wrong decision is most likely.
      expect(await runCircuits({ ...run, durationMs: 45_000 }, 2)).toMatchObject({ opened: 0 });
    },
    60_000,
  );

  test.each(withTitles(steady(1)))(
    'opens after at most 60 counted calls above the minimum at %s',
    async (_title, run) => {
      const { opened, runs, mostCounted } = await runCircuits(run, run.callsPerSecond > 100 ? 2 : 10);
      expect(opened).toBe(runs);
      expect(mostCounted).toBeLessThanOrEqual(MIN_FAILURES + 60);
    },
    60_000,
  );

  test.each(withTitles(shortOutage().filter(({ callsPerSecond }) => callsPerSecond > 1)))(
    'stays closed through an outage of %s',
    async (_title, run) => {
      // The outage lasts from 20 s to 34.5 s. If it opened the circuit, that would happen before 60 s.
      expect(await runCircuits({ ...run, durationMs: 60_000 }, 3)).toMatchObject({ opened: 0 });
    },
    60_000,
  );

  test('opens within two windows when a provider that failed half of its calls fails all of them', async () => {
    const downAt = 400_000;
    const run = { instances: 50, callsPerSecond: 30, successMs: 200, failureMs: 200, durationMs: downAt + 120_000 };
    const failureRate = (atMs: number) => (atMs < downAt ? 0.5 : 1);
    const { openedAt = 0 } = await runCircuit({ ...run, failureRate, seed: 1 });
    expect(openedAt).toBeGreaterThan(downAt);
  }, 60_000);

  test('of a healthy provider costs no writes, and one read per process every five seconds', async () => {
    const run = { instances: 50, callsPerSecond: 50, successMs: 200, failureMs: 200, durationMs: 60_000 };
    const { writes, reads } = await runCircuit({ ...run, failureRate: () => 0, seed: 1 });
    expect(writes).toBe(0);
    expect(reads).toBeLessThanOrEqual(50 * 12);
  });

  test('of a busy provider samples calls: 30 calls per second with 20 % failures cost fewer than 0.35 writes each', async () => {
    const run = { instances: 50, callsPerSecond: 30, successMs: 200, failureMs: 200, durationMs: 600_000 };
    const { writes, calls } = await runCircuit({ ...run, failureRate: () => 0.2, seed: 1 });
    expect(writes / calls).toBeLessThan(0.35);
  }, 60_000);
});

describe('a limit', () => {
  test.each(LIMITS.filter(({ requestsPerSecond }) => ![3_000, 1_000].includes(requestsPerSecond)))(
    'of $ratePerSecond calls per second is kept and used when $requestsPerSecond new instances per second request one call each',
    async ({ minUsedShare, ...limit }) => {
      const result = await runLimit({ ...limit, seed: 1 });
      const used = usedShare(result, limit.ratePerSecond ?? 0);
      expect(used).toBeGreaterThanOrEqual(minUsedShare);
      expect(used).toBeLessThanOrEqual(1);
      expect(result.mostRequests).toBeLessThanOrEqual(5);
    },
    60_000,
  );

  test.each(SLOTS)('of $concurrency concurrent calls is kept, and all slots are free afterwards', async (limit) => {
    const result = await runLimit({ ...limit, seed: 1 });
    expect(result.mostAtOnce).toBe(limit.concurrency);
    expect(result.mostRequests).toBeLessThanOrEqual(5);
    expect(result.slotsHeldAfterwards).toBe(0);
  });
});
