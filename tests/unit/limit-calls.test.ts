import { describe, expect, test } from '@jest/globals';
import { countersOf, createCallLimiter, LimitReached } from '../../functions/provider-fetch/limit-calls.ts';
import { aLog, NOW } from '../builders.ts';
import { createFakeLimits } from '../fakes/third-parties.ts';

describe('the limits of a provider', () => {
  const aProvider = (change: object) => ({
    id: 'gas',
    url: 'https://example.com',
    timeoutMs: 10_000,
    maxBytes: 1,
    ...change,
  });
  const createWorld = (processes = 1, { random = 0.5, startsAt = NOW } = {}) => {
    let now = startsAt;
    const sleeps: number[] = [];
    const log = aLog();
    const limits = createFakeLimits();
    const sleep = async (ms: number) => {
      sleeps.push(ms);
      now += ms;
    };
    const limiters = Array.from({ length: processes }, () =>
      createCallLimiter({ limits, now: () => now, random: () => random, sleep, log }),
    );
    return { limits, limiters, sleeps, log, now: () => now, limit: limiters[0] as (typeof limiters)[number] };
  };

  test('apply to each second of the clock, across all processes', async () => {
    const { limiters, now } = createWorld(3);
    const seconds = new Map<number, number>();
    for (let index = 0; index < 60; index += 1) {
      const limit = limiters[index % 3] as (typeof limiters)[number];
      await limit(aProvider({ ratePerSecond: 25 }), async () => {
        const second = Math.floor(now() / 1000);
        seconds.set(second, (seconds.get(second) ?? 0) + 1);
      }).catch((error: unknown) => expect(error).toBeInstanceOf(LimitReached));
    }
    const maxPerSecond = Math.max(...seconds.values());
    expect(maxPerSecond).toBeLessThanOrEqual(25);
    expect(maxPerSecond).toBeGreaterThan(20);
  });

  test('allow at most the declared number of concurrent calls', async () => {
    const { limit } = createWorld();
    let active = 0;
    let maxActive = 0;
    const gate = Promise.withResolvers<void>();
    const calls = Array.from({ length: 5 }, () =>
      limit(aProvider({ concurrency: 2 }), async () => {
        active += 1;
        maxActive = Math.max(maxActive, active);
        await gate.promise;
        active -= 1;
      }),
    );
    setImmediate(() => gate.resolve());
    const outcomes = await Promise.allSettled(calls);
    expect(maxActive).toBe(2);
    const reasons = outcomes.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(reasons).toHaveLength(3);
    for (const reason of reasons) expect(reason).toBeInstanceOf(LimitReached);
  });

  test('of high rates are spread over counters of at most 250 calls a second, which add up to the rate', () => {
    expect(countersOf(250)).toEqual([250]);
    expect(countersOf(1_000)).toEqual([250, 250, 250, 250]);
    for (const rate of [1, 251, 999, 10_000]) expect(countersOf(rate).reduce((sum, limit) => sum + limit)).toBe(rate);
  });

  test('of ten thousand calls a second use at most three counters and five requests', async () => {
    const { limit, limits } = createWorld();
    const counters: number[] = [];
    limits.reserveCall = async (_key, part) => {
      counters.push(part);
      return false;
    };
    await expect(limit(aProvider({ ratePerSecond: 10_000 }), async () => 'called')).rejects.toBeInstanceOf(
      LimitReached,
    );
    expect(counters).toHaveLength(5);
    expect(new Set(counters).size).toBe(3);
  });

  test('that are used up are tried at most five times, each in another second', async () => {
    const { limit, limits, now } = createWorld();
    const seconds: number[] = [];
    limits.reserveCall = async () => {
      seconds.push(Math.floor(now() / 1_000));
      return false;
    };
    await expect(limit(aProvider({ ratePerSecond: 10 }), async () => 'called')).rejects.toBeInstanceOf(LimitReached);
    expect(new Set(seconds).size).toBe(seconds.length);
    expect(seconds.length).toBeLessThanOrEqual(5);
    expect(seconds.length).toBeGreaterThan(2);
  });

  test('free the slot when the call fails, and send no table request if no limit is declared', async () => {
    const { limit, limits } = createWorld();
    const failingCall = async () => Promise.reject(new Error('broken'));
    for (let index = 0; index < 3; index += 1) {
      await expect(limit(aProvider({ concurrency: 1 }), failingCall)).rejects.toThrow('broken');
    }
    const mustNotBeCalled = async () => Promise.reject(new Error('must not be called'));
    Object.assign(limits, {
      reserveCall: mustNotBeCalled,
      findFreeSlots: mustNotBeCalled,
      acquireSlot: mustNotBeCalled,
    });
    expect(await limit(aProvider({}), async () => 'called')).toBe('called');
  });

  const limitReached = { name: 'LimitReached' };
  const call = async () => 'called';

  test('that are used up are tried again at a random time in each of the next four seconds', async () => {
    const { limit, limits, sleeps } = createWorld(1, { startsAt: NOW + 300 });
    const seconds: number[] = [];
    limits.reserveCall = async (_key, _part, second) => {
      seconds.push(second - NOW / 1_000);
      return false;
    };
    await expect(limit(aProvider({ ratePerSecond: 10 }), call)).rejects.toMatchObject(limitReached);
    expect(seconds).toEqual([0, 1, 2, 3, 4]);
    // No wait follows the last attempt, because no request is left.
    expect(sleeps).toEqual([1_200, 1_000, 1_000, 1_000]);
  });

  test.each([
    // Waiting and calling may take 15 s together. These calls leave at most one second for waiting.
    [14_000, [1_000]],
    [14_299, [701]],
    // No time is left when the next second begins, so the limiter does not wait.
    [14_300, []],
    [15_000, []],
  ])('with a call timeout of %i ms cause waits of %j ms', async (timeoutMs, expected) => {
    const { limit, limits, sleeps } = createWorld(1, { startsAt: NOW + 300 });
    limits.reserveCall = async () => false;
    await expect(limit(aProvider({ ratePerSecond: 10, timeoutMs }), call)).rejects.toMatchObject(limitReached);
    expect(sleeps).toEqual(expected);
  });

  test.each([
    [0, [1, 2, 3]],
    [0.999, [0, 1, 2]],
  ])('of a high rate start at a random counter (for random %d, counters %j)', async (random, expected) => {
    const { limit, limits } = createWorld(1, { random });
    const counters: number[] = [];
    limits.reserveCall = async (_key, part, _second, limit) => {
      expect(limit).toBe(250);
      counters.push(part);
      return counters.length === 3;
    };
    expect(await limit(aProvider({ ratePerSecond: 10_000 }), call)).toBe('called');
    expect(counters).toEqual(expected);
  });

  test('hold a slot for longer than its call may take, but not forever, since the process may crash', async () => {
    const { limit, limits } = createWorld();
    const slotTimes: [number, number][] = [];
    const { acquireSlot } = limits;
    limits.acquireSlot = async (key, number, now, heldUntil) => {
      slotTimes.push([now, heldUntil]);
      return acquireSlot(key, number, now, heldUntil);
    };
    await limit(aProvider({ concurrency: 1, timeoutMs: 10_000 }), call);
    // 5 s for the wait for the rate, 10 s for the call, and a margin of 5 s.
    expect(slotTimes).toEqual([[NOW, NOW + 20_000]]);
  });

  /** Counts the table requests of one call. */
  const requestsOf = async (declaredLimits: object, replaced: Partial<ReturnType<typeof createFakeLimits>>) => {
    const { limit, limits } = createWorld();
    const requests: string[] = [];
    for (const name of ['reserveCall', 'findFreeSlots', 'acquireSlot', 'releaseSlot'] as const) {
      const operation = (replaced[name] ?? limits[name]) as (...args: unknown[]) => Promise<unknown>;
      Object.assign(limits, {
        [name]: (...args: unknown[]) => {
          requests.push(name);
          return operation(...args);
        },
      });
    }
    const outcome = await limit(aProvider(declaredLimits), call).catch(({ name }: Error) => name);
    return [outcome, ...requests];
  };
  const repeat = (count: number, name: string) => Array.from({ length: count }, () => name);
  const rateUsedUp = { reserveCall: async () => false };
  const noFreeSlot = { findFreeSlots: async () => [] };
  const slotsAlwaysTaken = { findFreeSlots: async () => [0, 1, 2, 3, 4, 5, 6, 7], acquireSlot: async () => undefined };

  test.each<[string, object, Parameters<typeof requestsOf>[1], string[]]>([
    ['a rate', { ratePerSecond: 1 }, {}, ['called', 'reserveCall']],
    ['slots', { concurrency: 1 }, {}, ['called', 'findFreeSlots', 'acquireSlot', 'releaseSlot']],
    [
      'a rate and slots',
      { concurrency: 1, ratePerSecond: 1 },
      {},
      ['called', 'findFreeSlots', 'acquireSlot', 'reserveCall', 'releaseSlot'],
    ],
    ['a rate used up', { ratePerSecond: 1 }, rateUsedUp, ['LimitReached', ...repeat(5, 'reserveCall')]],
    // One request is reserved for freeing the slot, one for the rate.
    ['no free slot', { concurrency: 1 }, noFreeSlot, ['LimitReached', ...repeat(4, 'findFreeSlots')]],
    [
      'no free slot, and a rate',
      { concurrency: 1, ratePerSecond: 1 },
      noFreeSlot,
      ['LimitReached', ...repeat(3, 'findFreeSlots')],
    ],
    [
      'slots that other callers acquire first',
      { concurrency: 8 },
      slotsAlwaysTaken,
      ['LimitReached', 'findFreeSlots', ...repeat(3, 'acquireSlot')],
    ],
    [
      'a slot, and a rate used up',
      { concurrency: 1, ratePerSecond: 1 },
      rateUsedUp,
      ['LimitReached', 'findFreeSlots', 'acquireSlot', ...repeat(2, 'reserveCall'), 'releaseSlot'],
    ],
  ])('send at most five table requests with %s', async (_case, limits, replaced, expected) => {
    expect(await requestsOf(limits, replaced)).toEqual(expected);
  });

  test('do not fail the call when its slot cannot be freed, and log a warning', async () => {
    const { limit, limits, log } = createWorld();
    const error = new Error('down');
    limits.releaseSlot = async () => Promise.reject(error);
    expect(await limit(aProvider({ concurrency: 1 }), call)).toBe('called');
    const message = 'Slot not freed, held until it expires';
    expect(log.lines).toEqual([{ level: 'warn', message, data: { providerId: 'gas', error } }]);
  });
});
