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
  const createLimited = (processes = 1, { random = 0.5, startsAt = NOW } = {}) => {
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

  test('hold for every second of the clock, over all processes', async () => {
    const { limiters, now } = createLimited(3);
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

  test('allow as many concurrent calls as declared, and no more', async () => {
    const { limit } = createLimited();
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
    const settled = await Promise.allSettled(calls);
    expect(maxActive).toBe(2);
    const reasons = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(reasons).toHaveLength(3);
    for (const reason of reasons) expect(reason).toBeInstanceOf(LimitReached);
  });

  test('of high rates are spread over counters of at most 250 calls a second, which add up to the rate', () => {
    expect(countersOf(250)).toEqual([250]);
    expect(countersOf(1_000)).toEqual([250, 250, 250, 250]);
    for (const rate of [1, 251, 999, 10_000]) expect(countersOf(rate).reduce((sum, limit) => sum + limit)).toBe(rate);
  });

  test('of ten thousand calls a second use at most three counters and five requests', async () => {
    const { limit, limits } = createLimited();
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

  test('are tried again only in the next second, five times at most', async () => {
    const { limit, limits, now } = createLimited();
    const triedAt: number[] = [];
    limits.reserveCall = async () => {
      triedAt.push(Math.floor(now() / 1_000));
      return false;
    };
    await expect(limit(aProvider({ ratePerSecond: 10 }), async () => 'called')).rejects.toBeInstanceOf(LimitReached);
    expect(new Set(triedAt).size).toBe(triedAt.length);
    expect(triedAt.length).toBeLessThanOrEqual(5);
    expect(triedAt.length).toBeGreaterThan(2);
  });

  test('free the slot when the call fails, and cost nothing if none are declared', async () => {
    const { limit, limits } = createLimited();
    const fails = async () => Promise.reject(new Error('broken'));
    for (let index = 0; index < 3; index += 1) {
      await expect(limit(aProvider({ concurrency: 1 }), fails)).rejects.toThrow('broken');
    }
    const mustNotBeCalled = async () => Promise.reject(new Error('must not be called'));
    Object.assign(limits, {
      reserveCall: mustNotBeCalled,
      findFreeSlots: mustNotBeCalled,
      acquireSlot: mustNotBeCalled,
    });
    expect(await limit(aProvider({}), async () => 'given')).toBe('given');
  });

  const reached = { name: 'LimitReached' };
  const call = async () => 'called';

  test('that are used up are tried again at a random time in each following second, four times at most', async () => {
    const { limit, limits, sleeps } = createLimited(1, { startsAt: NOW + 300 });
    const seconds: number[] = [];
    limits.reserveCall = async (_key, _part, second) => {
      seconds.push(second - NOW / 1_000);
      return false;
    };
    await expect(limit(aProvider({ ratePerSecond: 10 }), call)).rejects.toMatchObject(reached);
    expect(seconds).toEqual([0, 1, 2, 3, 4]);
    // It does not wait after the last attempt, because no request is left.
    expect(sleeps).toEqual([1_200, 1_000, 1_000, 1_000]);
  });

  test.each([
    // Waiting and calling may take 15 s together. These calls leave at most one second for waiting.
    [14_000, [1_000]],
    [14_299, [701]],
    // No time is left when the next second begins, so waiting is pointless.
    [14_300, []],
    [15_000, []],
  ])('are waited for as long as a call of %i ms leaves time', async (timeoutMs, expected) => {
    const { limit, limits, sleeps } = createLimited(1, { startsAt: NOW + 300 });
    limits.reserveCall = async () => false;
    await expect(limit(aProvider({ ratePerSecond: 10, timeoutMs }), call)).rejects.toMatchObject(reached);
    expect(sleeps).toEqual(expected);
  });

  test.each([
    [0, [1, 2, 3]],
    [0.999, [0, 1, 2]],
  ])('of a high rate start at a random counter: for random %d, they use counters %j', async (random, expected) => {
    const { limit, limits } = createLimited(1, { random });
    const counters: number[] = [];
    limits.reserveCall = async (_key, part, _second, limit) => {
      expect(limit).toBe(250);
      counters.push(part);
      return counters.length === 3;
    };
    expect(await limit(aProvider({ ratePerSecond: 10_000 }), call)).toBe('called');
    expect(counters).toEqual(expected);
  });

  test('hold a slot for longer than its call may take, but not forever, because the process may die', async () => {
    const { limit, limits } = createLimited();
    const holds: [number, number][] = [];
    const { acquireSlot } = limits;
    limits.acquireSlot = async (key, number, now, heldUntil) => {
      holds.push([now, heldUntil]);
      return acquireSlot(key, number, now, heldUntil);
    };
    await limit(aProvider({ concurrency: 1, timeoutMs: 10_000 }), call);
    // Five seconds of waiting for the rate, ten of calling, five of reserve.
    expect(holds).toEqual([[NOW, NOW + 20_000]]);
  });

  /** Counts the table requests of one call. */
  const requestsOf = async (declared: object, answers: Partial<ReturnType<typeof createFakeLimits>>) => {
    const { limit, limits } = createLimited();
    const requests: string[] = [];
    for (const name of ['reserveCall', 'findFreeSlots', 'acquireSlot', 'releaseSlot'] as const) {
      const operation = (answers[name] ?? limits[name]) as (...args: unknown[]) => Promise<unknown>;
      Object.assign(limits, {
        [name]: (...args: unknown[]) => {
          requests.push(name);
          return operation(...args);
        },
      });
    }
    const outcome = await limit(aProvider(declared), call).catch(({ name }: Error) => name);
    return [outcome, ...requests];
  };
  const times = (count: number, name: string) => Array.from({ length: count }, () => name);
  const refuses = { reserveCall: async () => false };
  const full = { findFreeSlots: async () => [] };
  const contended = { findFreeSlots: async () => [0, 1, 2, 3, 4, 5, 6, 7], acquireSlot: async () => undefined };

  test.each<[string, object, Parameters<typeof requestsOf>[1], string[]]>([
    ['a rate', { ratePerSecond: 1 }, {}, ['called', 'reserveCall']],
    ['slots', { concurrency: 1 }, {}, ['called', 'findFreeSlots', 'acquireSlot', 'releaseSlot']],
    [
      'both',
      { concurrency: 1, ratePerSecond: 1 },
      {},
      ['called', 'findFreeSlots', 'acquireSlot', 'reserveCall', 'releaseSlot'],
    ],
    ['a rate used up', { ratePerSecond: 1 }, refuses, ['LimitReached', ...times(5, 'reserveCall')]],
    // One request is reserved for freeing the slot, one for the rate.
    ['no free slot', { concurrency: 1 }, full, ['LimitReached', ...times(4, 'findFreeSlots')]],
    [
      'no free slot, and a rate',
      { concurrency: 1, ratePerSecond: 1 },
      full,
      ['LimitReached', ...times(3, 'findFreeSlots')],
    ],
    [
      'slots that other callers acquire first',
      { concurrency: 8 },
      contended,
      ['LimitReached', 'findFreeSlots', ...times(3, 'acquireSlot')],
    ],
    [
      'a slot, and a rate used up',
      { concurrency: 1, ratePerSecond: 1 },
      refuses,
      ['LimitReached', 'findFreeSlots', 'acquireSlot', ...times(2, 'reserveCall'), 'releaseSlot'],
    ],
  ])('cost five requests at most: %s', async (_case, declared, answers, expected) => {
    expect(await requestsOf(declared, answers)).toEqual(expected);
  });

  test('do not fail the call when its slot cannot be freed, and report why the slot is held', async () => {
    const { limit, limits, log } = createLimited();
    const error = new Error('down');
    limits.releaseSlot = async () => Promise.reject(error);
    expect(await limit(aProvider({ concurrency: 1 }), call)).toBe('called');
    const message = 'Slot not freed, held until it expires';
    expect(log.lines).toEqual([{ level: 'warn', message, data: { providerId: 'gas', error } }]);
  });
});
