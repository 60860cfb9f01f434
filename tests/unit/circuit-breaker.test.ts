import { isTripped, opened, windowAt } from '@boomerang/core/domain/circuit.ts';
import { type CircuitChange, CircuitOpen, createCircuitBreaker } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { describe, expect, test } from '@jest/globals';
import { createCallLimiter, LimitReached } from '../../functions/provider-fetch/limit-calls.ts';
import { aLog, NOW } from '../builders.ts';
import { createFakeCircuits, createFakeLimits } from '../fakes/third-parties.ts';

const rules = { windowMs: 60_000, minCalls: 10, failureRate: 0.9, openMs: 60_000 };
const KEY = 'provider#gas';

/** Processes that share a table and a clock, and a third party that is well or not. */
const createWorld = (processes = 1) => {
  const circuits = createFakeCircuits();
  const changes: CircuitChange[] = [];
  let now = NOW;
  let isUp = true;
  let calls = 0;
  const log = aLog();
  const deps = {
    circuits,
    rules,
    log,
    now: () => now,
    announce: async (change: CircuitChange) => void changes.push(change),
  };
  const breakers = Array.from({ length: processes }, () => createCircuitBreaker(deps));
  const call = async (key = KEY, process = 0): Promise<'well' | 'failed' | 'parked'> => {
    const breaker = breakers[process];
    if (!breaker) throw new Error('no such process');
    try {
      const permit = await breaker.enter(key);
      calls += 1;
      const isWell = isUp;
      await breaker.leave(permit, isWell);
      return isWell ? 'well' : 'failed';
    } catch (error) {
      if (error instanceof CircuitOpen) return 'parked';
      throw error;
    }
  };
  return {
    circuits,
    changes,
    breakers,
    deps,
    call,
    calls: () => calls,
    pass: (ms: number) => {
      now += ms;
    },
    now: () => now,
    goes: (up: boolean) => {
      isUp = up;
    },
  };
};

describe('a circuit', () => {
  test('opens at the failure rate, from so many calls on, and writes nothing for calls that go well', async () => {
    const { call, goes, circuits } = createWorld();
    let writes = 0;
    const { count } = circuits;
    circuits.count = async (...args) => {
      writes += 1;
      return count(...args);
    };
    for (let index = 0; index < 100; index += 1) expect(await call()).toBe('well');
    expect(writes).toBe(0);
    goes(false);
    for (let index = 0; index < 50; index += 1) expect(await call()).toBe('failed');
    expect(circuits.all.size).toBe(0);
    expect(writes).toBeLessThan(10);
  });

  test('leaves a third party in an hour of outage alone, and lets all through again once it is back', async () => {
    const { call, calls, goes, pass, changes } = createWorld(4);
    goes(false);
    for (let second = 0; second < 3_600; second += 1) {
      for (let process = 0; process < 4; process += 1) await call(KEY, process);
      pass(1_000);
    }
    // Those that opened it, one more of each process that did not know yet, and about ten probes.
    expect(calls()).toBeLessThan(40);
    goes(true);
    pass(480_000);
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => call(KEY, index % 4)));
    expect(results.filter((result) => result === 'well')).toHaveLength(1);
    pass(5_000);
    for (let process = 0; process < 4; process += 1) expect(await call(KEY, process)).toBe('well');
    expect(changes.map(({ isOpen }) => isOpen)).toEqual([true, false]);
  });

  test('does not touch others', async () => {
    const { call, goes } = createWorld();
    goes(false);
    for (let index = 0; index < 20; index += 1) await call();
    expect(await call()).toBe('parked');
    goes(true);
    expect(await call('provider#internet')).toBe('well');
  });

  test('lets another probe go when the first one is never heard of again', async () => {
    const { call, goes, pass, breakers } = createWorld(2);
    goes(false);
    for (let index = 0; index < 20; index += 1) await call();
    pass(60_000);
    expect((await breakers[0]?.enter(KEY))?.probe).toBeDefined();
    pass(29_999);
    expect(await call(KEY, 1)).toBe('parked');
    pass(1);
    goes(true);
    expect(await call(KEY, 1)).toBe('well');
  });

  test('stays open twice as long after each probe that fails, up to eight times', () => {
    const open = [1, 2, 3, 4, 5, 6].map((openings) => opened(KEY, openings, 0, rules).openUntil / 60_000);
    expect(open).toEqual([1, 2, 4, 8, 8, 8]);
    expect([windowAt(59_999, rules), windowAt(60_000, rules)]).toEqual([0, 1]);
    expect(isTripped({ calls: 9, failures: 9 }, rules)).toBe(false);
    expect(isTripped({ calls: 10, failures: 9 }, rules)).toBe(true);
    expect(isTripped({ calls: 100, failures: 89 }, rules)).toBe(false);
  });

  test('lets calls through where the table can not be asked', async () => {
    const { call, circuits, goes } = createWorld();
    const down = async () => Promise.reject(new Error('down'));
    Object.assign(circuits, { listOpen: down, count: down, open: down, move: down, close: down });
    goes(false);
    for (let index = 0; index < 30; index += 1) expect(await call()).toBe('failed');
  });

  test('is read once in five seconds, however many calls there are', async () => {
    const { call, circuits, pass } = createWorld();
    let reads = 0;
    const { listOpen } = circuits;
    circuits.listOpen = async (now) => {
      reads += 1;
      return listOpen(now);
    };
    await Promise.all(Array.from({ length: 50 }, () => call()));
    pass(4_999);
    await call();
    expect(reads).toBe(1);
    pass(1);
    await call();
    expect(reads).toBe(2);
  });
});

describe('the limits of a provider', () => {
  const aProvider = (change: object) => ({
    id: 'gas',
    url: 'https://example.com',
    timeoutMs: 10_000,
    maxBytes: 1,
    ...change,
  });
  const createLimited = (processes = 1) => {
    let now = NOW;
    const limits = createFakeLimits();
    const sleep = async (ms: number) => {
      now += ms;
    };
    const limiters = Array.from({ length: processes }, () =>
      createCallLimiter({ limits, now: () => now, sleep, log: aLog() }),
    );
    return { limits, limiters, now: () => now, limit: limiters[0] as (typeof limiters)[number] };
  };

  test('are kept in every second of the clock, over all processes', async () => {
    const { limiters, now } = createLimited(3);
    const seconds = new Map<number, number>();
    for (let index = 0; index < 60; index += 1) {
      const limit = limiters[index % 3] as (typeof limiters)[number];
      await limit(aProvider({ ratePerSecond: 25 }), async () => {
        const second = Math.floor(now() / 1000);
        seconds.set(second, (seconds.get(second) ?? 0) + 1);
      }).catch((error: unknown) => expect(error).toBeInstanceOf(LimitReached));
    }
    const most = Math.max(...seconds.values());
    expect(most).toBeLessThanOrEqual(25);
    expect(most).toBeGreaterThan(20);
  });

  test('let so many go at once, and no more', async () => {
    const { limit } = createLimited();
    let under = 0;
    let most = 0;
    const gate = Promise.withResolvers<void>();
    const calls = Array.from({ length: 5 }, () =>
      limit(aProvider({ concurrency: 2 }), async () => {
        under += 1;
        most = Math.max(most, under);
        await gate.promise;
        under -= 1;
      }),
    );
    setImmediate(() => gate.resolve());
    const settled = await Promise.allSettled(calls);
    expect(most).toBe(2);
    const reasons = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(reasons).toHaveLength(3);
    for (const reason of reasons) expect(reason).toBeInstanceOf(LimitReached);
  });

  test('give a place back when the call fails, and cost nothing where none are stated', async () => {
    const { limit, limits } = createLimited();
    const fails = async () => Promise.reject(new Error('broken'));
    for (let index = 0; index < 3; index += 1) {
      await expect(limit(aProvider({ concurrency: 1 }), fails)).rejects.toThrow('broken');
    }
    const untouched = async () => Promise.reject(new Error('must not be asked'));
    Object.assign(limits, { takeCalls: untouched, takeSlot: untouched });
    expect(await limit(aProvider({}), async () => 'given')).toBe('given');
  });
});
