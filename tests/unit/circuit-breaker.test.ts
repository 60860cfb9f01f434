import {
  isListed,
  isRenewalDue,
  isTripped,
  longestOpenMs,
  newWatch,
  opened,
  providerCircuitKey,
  receiverCircuitKey,
  sampling,
  type ThirdParty,
  type Watch,
  windowAt,
} from '@boomerang/core/domain/circuit.ts';
import { toEpochSeconds } from '@boomerang/core/domain/ttl.ts';
import { type CircuitChange, CircuitOpen, createCircuitBreaker } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { describe, expect, test } from '@jest/globals';
import { aLog, NOW } from '../builders.ts';
import { createFakeCircuits } from '../fakes/third-parties.ts';

const rules = { windowMs: 60_000, minCalls: 10, failureRate: 0.9, openMs: 60_000 };
const GAS: ThirdParty = { key: 'provider#gas', longestCallMs: 10_000 };
/** From the first failure to the start of counting: 5 s, the longest call, and how far two clocks may be apart. */
const DELAY_MS = 19_000;
/** Why a call did not go out, or not to its end. */
const LOST = new Error('lease lost');
/** Failures in a row that open a circuit. */
const ENOUGH = 36;

/** Processes that share a table and a clock, and a third party that is well or not. */
const createWorld = (processes = 1, change: Partial<typeof rules> = {}) => {
  const circuits = createFakeCircuits();
  const changes: CircuitChange[] = [];
  let now = NOW;
  let isUp = true;
  let calls = 0;
  const log = aLog();
  let random = 0.5;
  const operations: string[] = [];
  const recorded = <Operation extends (...args: never[]) => Promise<unknown>>(name: string, operation: Operation) =>
    ((...args) => {
      operations.push(name);
      return operation(...args);
    }) as Operation;
  const { list, find, watch, updateWatch, count, open, move, close } = circuits;
  const port = Object.fromEntries(
    Object.entries({ list, find, watch, updateWatch, count, open, move, close }).map(([name, operation]) => [
      name,
      recorded(name, operation),
    ]),
  ) as Pick<typeof circuits, 'list' | 'find' | 'watch' | 'updateWatch' | 'count' | 'open' | 'move' | 'close'>;
  const createProcess = () =>
    createCircuitBreaker({
      circuits: port,
      rules: { ...rules, ...change },
      log,
      random: () => random,
      now: () => now,
      announce: async (announced) => void changes.push(announced),
    });
  const breakers = Array.from({ length: processes }, createProcess);
  const call = async (party = GAS, process = 0): Promise<'well' | 'failed' | 'deferred'> => {
    const breaker = breakers[process] ?? createProcess();
    try {
      return await breaker.call(
        party,
        async () => {
          calls += 1;
          if (!isUp) throw new Error('down');
          return 'well' as const;
        },
        () => ({ class: 'bad_status', statusCode: 503 }),
      );
    } catch (error) {
      return error instanceof CircuitOpen ? 'deferred' : 'failed';
    }
  };
  const pass = (ms: number) => {
    now += ms;
  };
  const goes = (up: boolean) => {
    isUp = up;
  };
  return {
    circuits,
    log,
    draws: (number: number) => {
      random = number;
    },
    /** Makes a call that ends when it is told to. */
    begins: async (process = 0, party = GAS) => {
      const started = Promise.withResolvers<void>();
      const answer = Promise.withResolvers<void>();
      const ended = breakers[process]?.call(
        party,
        async () => {
          started.resolve();
          return answer.promise;
        },
        (error) => (error === LOST ? 'unknown' : { class: 'timeout' }),
      );
      // One that is deferred is an error here, and not waited for.
      await Promise.race([started.promise, ended]);
      const end = (error?: unknown) => {
        if (error === undefined) answer.resolve();
        else answer.reject(error);
        return ended?.catch(() => {});
      };
      return { end };
    },
    port,
    changes,
    breakers,
    createProcess,
    operations,
    call,
    calls: () => calls,
    pass,
    goes,
    now: () => now,
    /** Opens the circuit, as an outage does. */
    breaks: async (party = GAS) => {
      goes(false);
      await call(party);
      pass(DELAY_MS);
      for (let index = 0; index < ENOUGH; index += 1) expect(await call(party)).toBe('failed');
      expect(await call(party)).toBe('deferred');
    },
  };
};

describe('a circuit', () => {
  test('of a healthy third party costs no write, and one cached read', async () => {
    const { call, operations } = createWorld();
    for (let index = 0; index < 100; index += 1) expect(await call()).toBe('well');
    expect(operations).toEqual(['list']);
  });

  test('is watched from the first failure on, and counted once every process knows and slow answers have come', async () => {
    const { call, goes, pass, operations, circuits, now } = createWorld();
    goes(false);
    for (let index = 0; index < 50; index += 1) await call();
    expect(operations).toEqual(['list', 'watch']);
    expect(circuits.watches.get(GAS.key)).toMatchObject({ since: now(), weight: 1 });
    pass(DELAY_MS - 1);
    await call();
    expect(operations).not.toContain('count');
    pass(1);
    await call();
    goes(true);
    await call();
    // Both kinds, one write each.
    expect(operations.filter((name) => name === 'count')).toHaveLength(2);
    expect([...circuits.tallies.values()]).toMatchObject([{ calls: 2, failures: 1, samples: 2 }]);
  });

  test('is counted by a fresh process at once, by one that does not know the watch not at all', async () => {
    const { call, goes, pass, circuits } = createWorld(2);
    await call(GAS, 1);
    pass(4_000);
    goes(false);
    await call(GAS, 0);
    pass(DELAY_MS);
    // It reads before its first call; the call of process 1 reads again, too.
    await call(GAS, 2);
    await call(GAS, 1);
    expect([...circuits.tallies.values()]).toMatchObject([{ calls: 2 }]);
  });

  test('is counted no sooner than that by a process whose clock is four seconds ahead of the one that set the watch', async () => {
    const { circuits, call, goes, pass, now, operations } = createWorld();
    await circuits.watch(GAS.key, newWatch(GAS, now() - 4_000, rules), now());
    goes(false);
    pass(14_999);
    await call();
    expect(operations).not.toContain('count');
    pass(1);
    await call();
    expect(operations).toContain('count');
  });

  test('is no longer watched after a window without failures, however many calls succeed in it', async () => {
    const { call, goes, pass, operations } = createWorld();
    goes(false);
    await call();
    goes(true);
    const counts = () => operations.filter((name) => name === 'count').length;
    pass(rules.windowMs - 1_000);
    await call();
    expect(counts()).toBe(1);
    pass(2_000);
    await call();
    expect(counts()).toBe(1);
    expect(operations).not.toContain('updateWatch');
  });

  test('stays watched while there are failures, at a write for each half window', async () => {
    const { call, goes, pass, operations } = createWorld();
    goes(false);
    for (let second = 0; second < 300; second += 1) {
      goes(second % 10 !== 0);
      await call();
      pass(1_000);
    }
    expect(operations.filter((name) => name === 'watch')).toHaveLength(1);
    expect(operations.filter((name) => name === 'updateWatch').length).toBeLessThanOrEqual(10);
    expect(operations.filter((name) => name === 'count').length).toBeGreaterThan(275);
  });

  test('lasts a window from the last failure that renewed it, and always long enough to be counted', () => {
    const watch = newWatch(GAS, NOW, rules);
    expect(watch.expiresAt).toBe((NOW + rules.windowMs) / 1000);
    expect(isRenewalDue(watch, GAS, NOW + 30_000, rules)).toBe(false);
    expect(isRenewalDue(watch, GAS, NOW + 30_001, rules)).toBe(true);
    // A window that is shorter than the delay must not end before anything is counted.
    expect(newWatch(GAS, NOW, { ...rules, windowMs: 1_000 }).expiresAt * 1000).toBe(NOW + 2 * DELAY_MS);
  });

  test('is not opened by an outage that is over before counting begins', async () => {
    const { call, goes, pass, changes } = createWorld();
    goes(false);
    for (let second = 0; second < 15; second += 1) {
      for (let index = 0; index < 100; index += 1) await call();
      pass(1_000);
    }
    goes(true);
    for (let second = 0; second < 60; second += 1) {
      for (let index = 0; index < 10; index += 1) await call();
      pass(1_000);
    }
    expect(changes).toEqual([]);
  });

  test('keeps what opened it, and tells it to every call that it defers', async () => {
    const { breaks, circuits, createProcess, changes } = createWorld();
    await breaks();
    const lastFailure = { class: 'bad_status', statusCode: 503 };
    expect(circuits.all.get(GAS.key)).toMatchObject({ lastFailure });
    expect(changes).toMatchObject([{ isOpen: true, tally: { calls: ENOUGH, failures: ENOUGH } }]);
    const call = createProcess().call(
      GAS,
      async () => {},
      () => 'unknown',
    );
    await expect(call).rejects.toMatchObject({ name: 'CircuitOpen', lastFailure });
  });

  test('leaves a third party in an hour of outage alone, and lets all through again once it is back', async () => {
    const { call, calls, goes, pass, changes } = createWorld(4);
    goes(false);
    for (let second = 0; second < 3_600; second += 1) {
      for (let process = 0; process < 4; process += 1) await call(GAS, process);
      pass(1_000);
    }
    // Those before counting, those that were counted, and about ten probes.
    expect(calls()).toBeLessThan(20 * 4 + ENOUGH + 5 * 4 + 12);
    goes(true);
    pass(480_000);
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => call(GAS, index % 4)));
    expect(results.filter((result) => result === 'well')).toHaveLength(1);
    pass(5_000);
    for (let process = 0; process < 4; process += 1) expect(await call(GAS, process)).toBe('well');
    expect(changes.map(({ isOpen }) => isOpen)).toEqual([true, false]);
  });

  test('does not touch other providers, or other clients of the same receiver', async () => {
    const { breaks, call, goes } = createWorld();
    const receiverOf = (client: string) => ({
      key: receiverCircuitKey(client, 'https://example.com:8443/path'),
      longestCallMs: 10_000,
    });
    await breaks();
    await breaks(receiverOf('acme'));
    goes(true);
    expect(await call({ ...GAS, key: 'provider#internet' })).toBe('well');
    expect(await call(receiverOf('other'))).toBe('well');
    expect(await call(receiverOf('acme'))).toBe('deferred');
  });

  test('of a receiver is read by its own key, once in five seconds, and is in no list', async () => {
    const { call, operations, pass, circuits, goes, now } = createWorld();
    const receiver = { key: receiverCircuitKey('acme', 'https://example.com/'), longestCallMs: 15_000 };
    for (let index = 0; index < 10; index += 1) await call(receiver);
    expect(operations).toEqual(['find']);
    pass(5_000);
    goes(false);
    await call(receiver);
    expect(operations).toEqual(['find', 'find', 'watch']);
    expect((await circuits.list(now())).size).toBe(0);
  });

  test('that closes forgets what was counted before it opened', async () => {
    const { breaks, call, goes, pass, circuits, changes } = createWorld(2, { openMs: 1_000 });
    await breaks();
    expect(circuits.tallies.size).toBe(1);
    // Within the same window.
    pass(1_000);
    goes(true);
    expect(await call()).toBe('well');
    expect([circuits.all.size, circuits.watches.size, circuits.tallies.size]).toEqual([0, 0, 0]);
    goes(false);
    for (let index = 0; index < ENOUGH; index += 1) expect(await call()).toBe('failed');
    expect(changes.map(({ isOpen }) => isOpen)).toEqual([true, false]);
  });

  test('leaves nothing in the table once it is over', async () => {
    const { breaks, circuits, pass, now } = createWorld();
    await breaks();
    expect(circuits.tallies.size).toBe(1);
    pass(3 * 3_600_000);
    circuits.expire(now());
    expect([circuits.all.size, circuits.watches.size, circuits.tallies.size]).toEqual([0, 0, 0]);
    expect([toEpochSeconds(1_000), toEpochSeconds(1_001)]).toEqual([1, 2]);
  });

  test('lets another probe go when the first one is never heard of again', async () => {
    const { breaks, begins, call, goes, pass } = createWorld(2);
    await breaks();
    pass(60_000);
    await begins();
    pass(29_999);
    expect(await call(GAS, 1)).toBe('deferred');
    pass(1);
    goes(true);
    expect(await call(GAS, 1)).toBe('well');
  });

  test.each<[string, () => 'unknown']>([
    ['did not go out', () => 'unknown'],
    [
      'could not be judged',
      () => {
        throw new Error('a bug');
      },
    ],
  ])('gives the probe to the next caller at once when a call %s', async (_case, judge) => {
    const { breaks, call, goes, pass, breakers, circuits } = createWorld();
    await breaks();
    pass(60_000);
    const lost = async () => Promise.reject(new Error('lease lost'));
    await expect(breakers[0]?.call(GAS, lost, judge)).rejects.toThrow('lease lost');
    expect(circuits.all.get(GAS.key)).toMatchObject({ halfOpen: false, consecutiveOpens: 1 });
    goes(true);
    expect(await call()).toBe('well');
    expect(circuits.all.size).toBe(0);
  });

  test('stays open twice as long after each probe that fails, up to eight times', () => {
    const open = [1, 2, 3, 4, 5, 6].map((times) => opened(GAS.key, times, 0, rules).openUntil / 60_000);
    expect(open).toEqual([1, 2, 4, 8, 8, 8]);
    expect([windowAt(59_999, rules), windowAt(60_000, rules)]).toEqual([0, 1]);
  });

  test('opens when the calls favour "dead" by 100,000 to 1, at the threshold, from the minimum on', () => {
    const trips = (calls: number, failures: number, change = {}, samples = calls) =>
      isTripped({ calls, failures, samples }, { ...rules, ...change });
    expect([trips(35, 35), trips(36, 36)]).toEqual([false, true]);
    expect([trips(36, 36, { minCalls: 37 }), trips(37, 37, { minCalls: 37 })]).toEqual([false, true]);
    // A success weighs as much as seven failures.
    expect([trips(43, 42), trips(44, 43)]).toEqual([false, true]);
    expect(trips(1_000, 899)).toBe(false);
    // Other thresholds: 0.3 and 0.75; 0.8 and as good as 1.
    expect([trips(12, 12, { failureRate: 0.5 }), trips(13, 13, { failureRate: 0.5 })]).toEqual([false, true]);
    expect([trips(54, 54, { failureRate: 1 }), trips(55, 55, { failureRate: 1 })]).toEqual([false, true]);
    expect(trips(1_000, 999, { failureRate: 1 })).toBe(false);
    // Of sampled calls those count that were seen.
    expect([trips(280, 280, {}, 35), trips(288, 288, {}, 36)]).toEqual([false, true]);
  });

  test('of a busy third party is sampled, from a window that all processes know of, while it is busy', async () => {
    const { call, goes, pass, operations, circuits, now } = createWorld();
    goes(false);
    await call();
    pass(DELAY_MS);
    for (let index = 0; index < 600; index += 1) {
      goes(index % 2 === 0);
      await call();
    }
    const { weight, weightFrom = 0, weightUntil = 0 } = circuits.watches.get(GAS.key) ?? {};
    expect(weight).toBe(8);
    expect(operations.filter((name) => name === 'updateWatch')).toHaveLength(1);
    expect(weightFrom % rules.windowMs).toBe(0);
    expect(weightFrom).toBeGreaterThan(now() + DELAY_MS);
    expect(weightUntil).toBe(weightFrom + 2 * rules.windowMs);
  });

  describe('that is sampled', () => {
    const start = (windowAt(NOW, rules) + 10) * rules.windowMs;
    const aWatch = (change: Partial<Watch> = {}): Watch => ({ ...newWatch(GAS, start, rules), ...change });
    const at = (now: number, calls: number, weight = 1, watch = aWatch()) =>
      sampling(watch, { calls, failures: 0, samples: calls }, weight, GAS, now, rules);

    test('begins when a write takes the calls of a window past 500, or a multiple', () => {
      expect([499, 500, 501, 1_000].map((calls) => at(start, calls) !== undefined)).toEqual([false, true, false, true]);
      expect([1_000, 1_007, 1_008].map((calls) => at(start, calls, 8) !== undefined)).toEqual([true, true, false]);
    });

    test('begins with the first window that starts when all processes know of it, and lasts two', () => {
      const of = (now: number, count = 1) => ({
        weight: 8,
        weightFrom: start + count * rules.windowMs,
        weightUntil: start + (count + 2) * rules.windowMs,
        now,
      });
      for (const expected of [
        of(start),
        of(start + rules.windowMs - DELAY_MS - 1),
        of(start + rules.windowMs - DELAY_MS, 2),
      ]) {
        const { now, ...change } = expected;
        expect(at(now, 500)).toEqual(change);
      }
    });

    test('is prolonged without a gap while it is busy, by one write a window, and begins anew once it has ended', () => {
      const until = start + 2 * rules.windowMs;
      const sampled = aWatch({ weight: 8, weightFrom: start, weightUntil: until });
      // Where it is to end later already, nothing is written.
      expect(at(start - rules.windowMs, 504, 8, sampled)).toBeUndefined();
      expect(at(start, 504, 8, sampled)).toEqual({ weight: 8, weightFrom: start, weightUntil: until + rules.windowMs });
      expect(at(until - 1, 504, 8, sampled)?.weightFrom).toBe(start);
      expect(at(until, 500, 1, sampled)?.weightFrom).toBe(until + rules.windowMs);
    });
  });

  test('of a provider is one of a list, and stays open for eight times the first open time at most', () => {
    expect(providerCircuitKey('gas')).toBe(GAS.key);
    expect([isListed(GAS.key), isListed(receiverCircuitKey('provider', 'https://example.com/'))]).toEqual([
      true,
      false,
    ]);
    // Patience with receivers is derived from it.
    expect(longestOpenMs(rules.openMs)).toBe(opened(GAS.key, 99, 0, rules).openUntil);
  });

  test('that closes forgets what clocks seconds apart may have counted in the windows beside its own', async () => {
    const { breaks, call, goes, pass, circuits, now } = createWorld();
    await breaks();
    pass(60_000);
    const window = windowAt(now(), rules);
    const own = { calls: 9, failures: 9, samples: 9 };
    for (const other of [-2, -1, 0, 1, 2]) await circuits.count(GAS.key, window + other, own, now());
    goes(true);
    await call();
    expect([...circuits.tallies.keys()]).toEqual([`${GAS.key} ${window - 2}`, `${GAS.key} ${window + 2}`]);
  });

  test('lets calls through where the table can not be asked', async () => {
    const { call, port, goes, pass } = createWorld();
    const down = async () => Promise.reject(new Error('down'));
    for (const name of Object.keys(port)) Object.assign(port, { [name]: down });
    goes(false);
    for (let index = 0; index < 60; index += 1) {
      expect(await call()).toBe('failed');
      pass(1_000);
    }
  });

  test('is read with those of all other providers, but apart from those of receivers', async () => {
    const { call, operations } = createWorld();
    const receiver = { key: receiverCircuitKey('acme', 'https://example.com/'), longestCallMs: 15_000 };
    for (const party of [GAS, { ...GAS, key: 'provider#internet' }, receiver, GAS]) await call(party);
    expect(operations).toEqual(['list', 'find']);
  });

  test('costs nothing for calls that did not go out: they say nothing of the third party', async () => {
    const { begins, operations } = createWorld();
    for (let index = 0; index < 10; index += 1) await (await begins()).end(LOST);
    expect(operations).toEqual(['list']);
  });

  test('that has opened meanwhile is not counted for calls that began before', async () => {
    const { begins, breaks, operations } = createWorld();
    const slow = await begins();
    await breaks();
    const before = operations.length;
    await slow.end(new Error('down'));
    expect(operations).toHaveLength(before);
  });

  test('is renewed by one write, which the process need not read', async () => {
    const { call, goes, pass, operations } = createWorld();
    goes(false);
    await call();
    pass(31_000);
    for (let index = 0; index < 5; index += 1) await call();
    expect(operations.filter((name) => name !== 'count')).toEqual(['list', 'watch', 'list', 'updateWatch']);
  });

  test('whose first failures two processes meet has one watch, which the slower one reads at once', async () => {
    const { call, goes, operations, circuits, pass, now } = createWorld(2);
    await call(GAS, 1);
    goes(false);
    await call(GAS, 0);
    const since = now();
    pass(1_000);
    await call(GAS, 1);
    await call(GAS, 1);
    expect(circuits.watches.get(GAS.key)).toMatchObject({ since });
    expect(operations).toEqual(['list', 'list', 'watch', 'watch', 'list']);
  });

  test('that is sampled stays so when its watch is renewed', async () => {
    const { call, circuits, draws, goes, now, pass, operations } = createWorld();
    const weights = { weight: 8, weightFrom: now(), weightUntil: now() + 2 * rules.windowMs };
    await circuits.watch(GAS.key, { ...newWatch(GAS, now(), rules), ...weights }, now());
    pass(31_000);
    goes(false);
    draws(0.999);
    for (let index = 0; index < 5; index += 1) await call();
    expect(operations).toEqual(['list', 'updateWatch']);
  });

  test('counts in a tally that outlives its window on every clock, and not much more', async () => {
    const { call, goes, pass, circuits, now } = createWorld();
    goes(false);
    await call();
    pass(DELAY_MS);
    await call();
    // Deleted within its window it would forget failures, and the circuit might never open.
    circuits.expire(now() + rules.windowMs + 4_000);
    expect(circuits.tallies.size).toBe(1);
    circuits.expire(now() + 2 * rules.windowMs + 1_000);
    expect(circuits.tallies.size).toBe(0);
  });

  test.each([
    [0, 1],
    [0.124, 1],
    [0.125, 0],
    [0.999, 0],
  ])('of a busy third party counts one call of eight, for eight: drawing %d, %i', async (number, counted) => {
    const { call, circuits, draws, now, pass } = createWorld();
    const start = now() + DELAY_MS + 1_000;
    const weights = { weight: 8, weightFrom: start, weightUntil: start + 1_000 };
    await circuits.watch(GAS.key, { ...newWatch(GAS, now(), rules), ...weights }, now());
    pass(DELAY_MS + 999);
    draws(0.999);
    await call();
    expect([...circuits.tallies.values()]).toMatchObject([{ calls: 1, samples: 1 }]);
    circuits.tallies.clear();
    pass(1);
    draws(number);
    await call();
    const tally = { calls: 8, failures: 0, samples: 1 };
    expect([...circuits.tallies.values()]).toMatchObject(counted === 1 ? [tally] : []);
    // Every call is counted again when that is over.
    pass(1_000);
    await call();
    expect([...circuits.tallies.values()]).toMatchObject([counted === 1 ? { calls: 9, samples: 2 } : { calls: 1 }]);
  });

  test('being probed defers other calls by five seconds, or by what is left of the probe', async () => {
    const { breaks, begins, pass, createProcess } = createWorld();
    await breaks();
    pass(60_000);
    const deferral = () =>
      createProcess()
        .call(
          GAS,
          async () => {},
          () => 'unknown',
        )
        .catch((error: unknown) => error);
    await begins();
    expect(await deferral()).toMatchObject({ retryAfterMs: 5_000 });
    pass(26_000);
    expect(await deferral()).toMatchObject({ retryAfterMs: 4_000 });
  });

  test('is probed by one call of a process, without asking the table for the others', async () => {
    const { breaks, call, goes, pass, operations } = createWorld();
    await breaks();
    goes(true);
    pass(60_000);
    const results = await Promise.all(Array.from({ length: 10 }, () => call()));
    expect(results.filter((result) => result === 'well')).toHaveLength(1);
    expect(operations.filter((name) => name === 'move')).toHaveLength(1);
  });

  test('whose probe failed is open for twice as long, also to the process that knows it best', async () => {
    const { breaks, call, pass, breakers } = createWorld();
    await breaks();
    pass(60_000);
    expect(await call()).toBe('failed');
    const again = breakers[0]?.call(
      GAS,
      async () => {},
      () => 'unknown',
    );
    await expect(again).rejects.toMatchObject({ retryAfterMs: 120_000 });
  });

  test('whose probe another process won is read again at once', async () => {
    const { breaks, call, goes, pass } = createWorld(2);
    await breaks();
    pass(59_999);
    expect(await call(GAS, 1)).toBe('deferred');
    pass(1);
    goes(true);
    expect(await call(GAS, 0)).toBe('well');
    // What process 1 read a millisecond ago says that it is to be probed.
    expect([await call(GAS, 1), await call(GAS, 1)]).toEqual(['deferred', 'well']);
  });

  test.each<[string, unknown]>([
    ['succeeds', undefined],
    ['fails', new Error('down')],
    ['did not go out', LOST],
  ])('is what the next probe made of it, whatever a probe says that took too long and %s', async (_case, error) => {
    for (const isUp of [true, false]) {
      const { breaks, begins, call, goes, pass, changes, circuits } = createWorld(2);
      await breaks();
      pass(60_000);
      const slow = await begins(0);
      // What process 0 knows is as new as can be, and wrong all the same.
      pass(29_999);
      expect(await call(GAS, 0)).toBe('deferred');
      pass(1);
      goes(isUp);
      expect(await call(GAS, 1)).toBe(isUp ? 'well' : 'failed');
      const before = circuits.all.get(GAS.key);
      await slow.end(error);
      expect(circuits.all.get(GAS.key)).toEqual(before);
      // The process does not go by its own probe.
      expect(await call(GAS, 0)).toBe(isUp ? 'well' : 'deferred');
      expect(changes.map(({ isOpen }) => isOpen)).toEqual(isUp ? [true, false] : [true]);
    }
  });

  test('tells operators when it opens, is probed, stays open and closes, whose it is and for how long', async () => {
    const { breaks, call, goes, pass, log } = createWorld();
    await breaks();
    pass(60_000);
    await call();
    pass(120_000);
    goes(true);
    await call();
    const cause = { class: 'bad_status', statusCode: 503 };
    const told = (level: string, words: RegExp, data: object = {}) => ({
      level,
      message: expect.stringMatching(words),
      data: { circuit: GAS.key, ...data },
    });
    expect(log.lines).toEqual([
      told('warn', /opened/i, { calls: ENOUGH, failures: ENOUGH, cause, openMs: 60_000 }),
      told('info', /probe started/i),
      told('warn', /stays open/i, { consecutiveOpens: 2, openMs: 120_000 }),
      told('info', /probe started/i),
      told('info', /closed/i),
    ]);
  });

  test('tells operators of each operation that the table refused, and of a call that could not be judged', async () => {
    const { breaks, call, pass, log, port, breakers } = createWorld();
    await breaks();
    log.lines.length = 0;
    const error = new Error('down');
    const down = async () => Promise.reject(error);
    const { list, move } = port;
    Object.assign(port, { move: down });
    pass(60_000);
    // No probe without the table: all instances would send one.
    expect(await call()).toBe('deferred');
    Object.assign(port, { list: down });
    expect(await call()).toBe('deferred');
    Object.assign(port, { list });
    pass(30_000);
    Object.assign(port, { move });
    const judging = breakers[0]?.call(GAS, down, () => {
      throw error;
    });
    await expect(judging).rejects.toBe(error);
    pass(1);
    Object.assign(port, { close: down });
    await breakers[0]?.call(
      GAS,
      async () => {},
      () => 'unknown',
    );
    const of = (level: string, words: RegExp, data: object) => ({ level, message: expect.stringMatching(words), data });
    expect(log.lines.filter(({ message }) => !/probe started/i.test(message))).toEqual([
      of('warn', /probe/, { circuit: GAS.key, error }),
      of('warn', /read/, { error }),
      of('error', /verdict/, { error }),
      of('warn', /not recorded/, { circuit: GAS.key, error }),
    ]);
  });

  test('is read once in five seconds, however many calls there are', async () => {
    const { call, operations, pass } = createWorld();
    await Promise.all(Array.from({ length: 50 }, () => call()));
    pass(4_999);
    await call();
    expect(operations).toEqual(['list']);
    pass(1);
    await call();
    expect(operations).toEqual(['list', 'list']);
  });
});
