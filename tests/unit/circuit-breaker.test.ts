import {
  isProviderCircuit,
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
/** Delay from the first failure to the start of counting: 5 s, the longest call, and the allowed clock skew. */
const DELAY_MS = 19_000;
/** Thrown by a call that was not sent or was cut short. */
const LEASE_LOST = new Error('lease lost');
/** Consecutive failures that open a circuit. */
const FAILURES_TO_OPEN = 36;

/** Processes that share a table and a clock, and a third party that succeeds or fails. */
const createWorld = (processes = 1, change: Partial<typeof rules> = {}) => {
  const circuits = createFakeCircuits();
  const changes: CircuitChange[] = [];
  let now = NOW;
  let isHealthy = true;
  let calls = 0;
  const log = aLog();
  let random = 0.5;
  const operations: string[] = [];
  const recordOperation = <Operation extends (...args: never[]) => Promise<unknown>>(
    name: string,
    operation: Operation,
  ) =>
    ((...args) => {
      operations.push(name);
      return operation(...args);
    }) as Operation;
  const { list, find, watch, updateWatch, count, open, replace, close } = circuits;
  const port = Object.fromEntries(
    Object.entries({ list, find, watch, updateWatch, count, open, replace, close }).map(([name, operation]) => [
      name,
      recordOperation(name, operation),
    ]),
  ) as Pick<typeof circuits, 'list' | 'find' | 'watch' | 'updateWatch' | 'count' | 'open' | 'replace' | 'close'>;
  const createProcess = () =>
    createCircuitBreaker({
      circuits: port,
      rules: { ...rules, ...change },
      log,
      random: () => random,
      now: () => now,
      announce: async (circuitChange) => void changes.push(circuitChange),
    });
  const breakers = Array.from({ length: processes }, createProcess);
  const call = async (party = GAS, process = 0): Promise<'succeeded' | 'failed' | 'deferred'> => {
    const breaker = breakers[process] ?? createProcess();
    try {
      return await breaker.call(
        party,
        async () => {
          calls += 1;
          if (!isHealthy) throw new Error('down');
          return 'succeeded' as const;
        },
        () => ({ class: 'bad_status', statusCode: 503 }),
      );
    } catch (error) {
      return error instanceof CircuitOpen ? 'deferred' : 'failed';
    }
  };
  const advance = (ms: number) => {
    now += ms;
  };
  const setHealthy = (healthy: boolean) => {
    isHealthy = healthy;
  };
  return {
    circuits,
    log,
    setRandom: (number: number) => {
      random = number;
    },
    /** Starts a call; `end` ends it. */
    startCall: async (process = 0, party = GAS) => {
      const start = Promise.withResolvers<void>();
      const response = Promise.withResolvers<void>();
      const result = breakers[process]?.call(
        party,
        async () => {
          start.resolve();
          return response.promise;
        },
        (error) => (error === LEASE_LOST ? 'unknown' : { class: 'timeout' }),
      );
      // A deferred call rejects here, so the race does not wait for it.
      await Promise.race([start.promise, result]);
      const end = (error?: unknown) => {
        if (error === undefined) response.resolve();
        else response.reject(error);
        return result?.catch(() => {});
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
    advance,
    setHealthy,
    now: () => now,
    /** Opens the circuit with failed calls. */
    openCircuit: async (party = GAS) => {
      setHealthy(false);
      await call(party);
      advance(DELAY_MS);
      for (let index = 0; index < FAILURES_TO_OPEN; index += 1) expect(await call(party)).toBe('failed');
      expect(await call(party)).toBe('deferred');
    },
  };
};

describe('a circuit', () => {
  test('of a healthy third party costs no write and one cached read', async () => {
    const { call, operations } = createWorld();
    for (let index = 0; index < 100; index += 1) expect(await call()).toBe('succeeded');
    expect(operations).toEqual(['list']);
  });

  test('is watched from the first failure, and starts counting once every process has read the watch and slow responses have arrived', async () => {
    const { call, setHealthy, advance, operations, circuits, now } = createWorld();
    setHealthy(false);
    for (let index = 0; index < 50; index += 1) await call();
    expect(operations).toEqual(['list', 'watch']);
    expect(circuits.watches.get(GAS.key)).toMatchObject({ since: now(), weight: 1 });
    advance(DELAY_MS - 1);
    await call();
    expect(operations).not.toContain('count');
    advance(1);
    await call();
    setHealthy(true);
    await call();
    // A failed and a successful call cost one write each.
    expect(operations.filter((name) => name === 'count')).toHaveLength(2);
    expect([...circuits.tallies.values()]).toMatchObject([{ calls: 2, failures: 1, samples: 2 }]);
  });

  test('counts at once in a process that has read the watch, and not in a process that has not', async () => {
    const { call, setHealthy, advance, circuits } = createWorld(2);
    await call(GAS, 1);
    advance(4_000);
    setHealthy(false);
    await call(GAS, 0);
    advance(DELAY_MS);
    // A new process reads the watch before its first call; process 1 reads again because its cache has expired.
    await call(GAS, 2);
    await call(GAS, 1);
    expect([...circuits.tallies.values()]).toMatchObject([{ calls: 2 }]);
  });

  test('does not count early in a process whose clock is four seconds ahead of the one that set the watch', async () => {
    const { circuits, call, setHealthy, advance, now, operations } = createWorld();
    await circuits.watch(GAS.key, newWatch(GAS, now() - 4_000, rules), now());
    setHealthy(false);
    advance(14_999);
    await call();
    expect(operations).not.toContain('count');
    advance(1);
    await call();
    expect(operations).toContain('count');
  });

  test('is no longer watched after a window in which no call fails', async () => {
    const { call, setHealthy, advance, operations } = createWorld();
    setHealthy(false);
    await call();
    setHealthy(true);
    const counts = () => operations.filter((name) => name === 'count').length;
    advance(rules.windowMs - 1_000);
    await call();
    expect(counts()).toBe(1);
    advance(2_000);
    await call();
    expect(counts()).toBe(1);
    expect(operations).not.toContain('updateWatch');
  });

  test('stays watched while calls fail, at one write per half window', async () => {
    const { call, setHealthy, advance, operations } = createWorld();
    setHealthy(false);
    for (let second = 0; second < 300; second += 1) {
      setHealthy(second % 10 !== 0);
      await call();
      advance(1_000);
    }
    expect(operations.filter((name) => name === 'watch')).toHaveLength(1);
    expect(operations.filter((name) => name === 'updateWatch').length).toBeLessThanOrEqual(10);
    expect(operations.filter((name) => name === 'count').length).toBeGreaterThan(275);
  });

  test('is watched for a window after the last failure that renewed the watch, and always long enough to be counted', () => {
    const watch = newWatch(GAS, NOW, rules);
    expect(watch.expiresAt).toBe((NOW + rules.windowMs) / 1000);
    expect(isRenewalDue(watch, GAS, NOW + 30_000, rules)).toBe(false);
    expect(isRenewalDue(watch, GAS, NOW + 30_001, rules)).toBe(true);
    // A window shorter than the delay must not end before counting starts.
    expect(newWatch(GAS, NOW, { ...rules, windowMs: 1_000 }).expiresAt * 1000).toBe(NOW + 2 * DELAY_MS);
  });

  test('stays closed in an outage that ends before counting starts', async () => {
    const { call, setHealthy, advance, changes } = createWorld();
    setHealthy(false);
    for (let second = 0; second < 15; second += 1) {
      for (let index = 0; index < 100; index += 1) await call();
      advance(1_000);
    }
    setHealthy(true);
    for (let second = 0; second < 60; second += 1) {
      for (let index = 0; index < 10; index += 1) await call();
      advance(1_000);
    }
    expect(changes).toEqual([]);
  });

  test('keeps the failure that opened it, and passes it to every deferred call', async () => {
    const { openCircuit, circuits, createProcess, changes } = createWorld();
    await openCircuit();
    const lastFailure = { class: 'bad_status', statusCode: 503 };
    expect(circuits.all.get(GAS.key)).toMatchObject({ lastFailure });
    expect(changes).toMatchObject([{ isOpen: true, tally: { calls: FAILURES_TO_OPEN, failures: FAILURES_TO_OPEN } }]);
    const call = createProcess().call(
      GAS,
      async () => {},
      () => 'unknown',
    );
    await expect(call).rejects.toMatchObject({ name: 'CircuitOpen', lastFailure });
  });

  test('blocks almost all calls during an hour of outage, and lets all calls through after recovery', async () => {
    const { call, calls, setHealthy, advance, changes } = createWorld(4);
    setHealthy(false);
    for (let second = 0; second < 3_600; second += 1) {
      for (let process = 0; process < 4; process += 1) await call(GAS, process);
      advance(1_000);
    }
    // The calls before counting starts, the counted calls, and about ten probes.
    expect(calls()).toBeLessThan(20 * 4 + FAILURES_TO_OPEN + 5 * 4 + 12);
    setHealthy(true);
    advance(480_000);
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => call(GAS, index % 4)));
    expect(results.filter((result) => result === 'succeeded')).toHaveLength(1);
    advance(5_000);
    for (let process = 0; process < 4; process += 1) expect(await call(GAS, process)).toBe('succeeded');
    expect(changes.map(({ isOpen }) => isOpen)).toEqual([true, false]);
  });

  test('does not affect other providers, or other clients of the same receiver', async () => {
    const { openCircuit, call, setHealthy } = createWorld();
    const receiverOf = (client: string) => ({
      key: receiverCircuitKey(client, 'https://example.com:8443/path'),
      longestCallMs: 10_000,
    });
    await openCircuit();
    await openCircuit(receiverOf('acme'));
    setHealthy(true);
    expect(await call({ ...GAS, key: 'provider#internet' })).toBe('succeeded');
    expect(await call(receiverOf('other'))).toBe('succeeded');
    expect(await call(receiverOf('acme'))).toBe('deferred');
  });

  test('of a receiver is read by its own key, once every five seconds, and appears in no list', async () => {
    const { call, operations, advance, circuits, setHealthy, now } = createWorld();
    const receiver = { key: receiverCircuitKey('acme', 'https://example.com/'), longestCallMs: 15_000 };
    for (let index = 0; index < 10; index += 1) await call(receiver);
    expect(operations).toEqual(['find']);
    advance(5_000);
    setHealthy(false);
    await call(receiver);
    expect(operations).toEqual(['find', 'find', 'watch']);
    expect((await circuits.list(now())).size).toBe(0);
  });

  test('forgets earlier counts when it closes', async () => {
    const { openCircuit, call, setHealthy, advance, circuits, changes } = createWorld(2, { openMs: 1_000 });
    await openCircuit();
    expect(circuits.tallies.size).toBe(1);
    // The circuit closes within the window in which it opened.
    advance(1_000);
    setHealthy(true);
    expect(await call()).toBe('succeeded');
    expect([circuits.all.size, circuits.watches.size, circuits.tallies.size]).toEqual([0, 0, 0]);
    setHealthy(false);
    for (let index = 0; index < FAILURES_TO_OPEN; index += 1) expect(await call()).toBe('failed');
    expect(changes.map(({ isOpen }) => isOpen)).toEqual([true, false]);
  });

  test('leaves no items in the table once it has closed', async () => {
    const { openCircuit, circuits, advance, now } = createWorld();
    await openCircuit();
    expect(circuits.tallies.size).toBe(1);
    advance(3 * 3_600_000);
    circuits.expire(now());
    expect([circuits.all.size, circuits.watches.size, circuits.tallies.size]).toEqual([0, 0, 0]);
    expect([toEpochSeconds(1_000), toEpochSeconds(1_001)]).toEqual([1, 2]);
  });

  test('allows another probe when the first probe never ends', async () => {
    const { openCircuit, startCall, call, setHealthy, advance } = createWorld(2);
    await openCircuit();
    advance(60_000);
    await startCall();
    advance(29_999);
    expect(await call(GAS, 1)).toBe('deferred');
    advance(1);
    setHealthy(true);
    expect(await call(GAS, 1)).toBe('succeeded');
  });

  test.each<[string, () => 'unknown']>([
    ['was not sent', () => 'unknown'],
    [
      'failed without a verdict',
      () => {
        throw new Error('a bug');
      },
    ],
  ])('frees the probe slot for the next caller when a call %s', async (_case, judge) => {
    const { openCircuit, call, setHealthy, advance, breakers, circuits } = createWorld();
    await openCircuit();
    advance(60_000);
    const loseLease = async () => Promise.reject(new Error('lease lost'));
    await expect(breakers[0]?.call(GAS, loseLease, judge)).rejects.toThrow('lease lost');
    expect(circuits.all.get(GAS.key)).toMatchObject({ halfOpen: false, consecutiveOpens: 1 });
    setHealthy(true);
    expect(await call()).toBe('succeeded');
    expect(circuits.all.size).toBe(0);
  });

  test('doubles its open time after each failed probe, up to eightfold', () => {
    const openMinutes = [1, 2, 3, 4, 5, 6].map((times) => opened(GAS.key, times, 0, rules).openUntil / 60_000);
    expect(openMinutes).toEqual([1, 2, 4, 8, 8, 8]);
    expect([windowAt(59_999, rules), windowAt(60_000, rules)]).toEqual([0, 1]);
  });

  test('opens at the failure rate once it has the minimum number of calls and the odds of an outage are 100,000 to 1', () => {
    const trips = (calls: number, failures: number, change = {}, samples = calls) =>
      isTripped({ calls, failures, samples }, { ...rules, ...change });
    expect([trips(35, 35), trips(36, 36)]).toEqual([false, true]);
    expect([trips(36, 36, { minCalls: 37 }), trips(37, 37, { minCalls: 37 })]).toEqual([false, true]);
    // A success outweighs seven failures.
    expect([trips(43, 42), trips(44, 43)]).toEqual([false, true]);
    expect(trips(1_000, 899)).toBe(false);
    // Other failure rates.
    expect([trips(12, 12, { failureRate: 0.5 }), trips(13, 13, { failureRate: 0.5 })]).toEqual([false, true]);
    expect([trips(54, 54, { failureRate: 1 }), trips(55, 55, { failureRate: 1 })]).toEqual([false, true]);
    expect(trips(1_000, 999, { failureRate: 1 })).toBe(false);
    // Only calls in the sample count towards the minimum.
    expect([trips(280, 280, {}, 35), trips(288, 288, {}, 36)]).toEqual([false, true]);
  });

  test('of a busy third party is sampled while it stays busy, from a window that all processes know', async () => {
    const { call, setHealthy, advance, operations, circuits, now } = createWorld();
    setHealthy(false);
    await call();
    advance(DELAY_MS);
    for (let index = 0; index < 600; index += 1) {
      setHealthy(index % 2 === 0);
      await call();
    }
    const { weight, weightFrom = 0, weightUntil = 0 } = circuits.watches.get(GAS.key) ?? {};
    expect(weight).toBe(8);
    expect(operations.filter((name) => name === 'updateWatch')).toHaveLength(1);
    expect(weightFrom % rules.windowMs).toBe(0);
    expect(weightFrom).toBeGreaterThan(now() + DELAY_MS);
    expect(weightUntil).toBe(weightFrom + 2 * rules.windowMs);
  });

  describe('sampling', () => {
    const start = (windowAt(NOW, rules) + 10) * rules.windowMs;
    const aWatch = (change: Partial<Watch> = {}): Watch => ({ ...newWatch(GAS, start, rules), ...change });
    const sampleAt = (now: number, calls: number, weight = 1, watch = aWatch()) =>
      sampling(watch, { calls, failures: 0, samples: calls }, weight, GAS, now, rules);

    test('starts when a write takes the calls of a window past 500 or a multiple of it', () => {
      expect([499, 500, 501, 1_000].map((calls) => sampleAt(start, calls) !== undefined)).toEqual([
        false,
        true,
        false,
        true,
      ]);
      expect([1_000, 1_007, 1_008].map((calls) => sampleAt(start, calls, 8) !== undefined)).toEqual([
        true,
        true,
        false,
      ]);
    });

    test('begins after all processes know of it, and lasts two windows', () => {
      const samplingAfter = (now: number, count = 1) => ({
        weight: 8,
        weightFrom: start + count * rules.windowMs,
        weightUntil: start + (count + 2) * rules.windowMs,
        now,
      });
      for (const expected of [
        samplingAfter(start),
        samplingAfter(start + rules.windowMs - DELAY_MS - 1),
        samplingAfter(start + rules.windowMs - DELAY_MS, 2),
      ]) {
        const { now, ...change } = expected;
        expect(sampleAt(now, 500)).toEqual(change);
      }
    });

    test('is extended without a gap while the third party stays busy, by one write a window, and restarts after it has ended', () => {
      const until = start + 2 * rules.windowMs;
      const sampledWatch = aWatch({ weight: 8, weightFrom: start, weightUntil: until });
      // No write if sampling already ends later.
      expect(sampleAt(start - rules.windowMs, 504, 8, sampledWatch)).toBeUndefined();
      expect(sampleAt(start, 504, 8, sampledWatch)).toEqual({
        weight: 8,
        weightFrom: start,
        weightUntil: until + rules.windowMs,
      });
      expect(sampleAt(until - 1, 504, 8, sampledWatch)?.weightFrom).toBe(start);
      expect(sampleAt(until, 500, 1, sampledWatch)?.weightFrom).toBe(until + rules.windowMs);
    });
  });

  test('is listed for a provider, and stays open for eight times the first open time at most', () => {
    expect(providerCircuitKey('gas')).toBe(GAS.key);
    expect([
      isProviderCircuit(GAS.key),
      isProviderCircuit(receiverCircuitKey('provider', 'https://example.com/')),
    ]).toEqual([true, false]);
    // The patience for receivers is derived from the longest open time.
    expect(longestOpenMs(rules.openMs)).toBe(opened(GAS.key, 99, 0, rules).openUntil);
  });

  test('forgets counts in the neighbouring windows when it closes, since clocks may be seconds apart', async () => {
    const { openCircuit, call, setHealthy, advance, circuits, now } = createWorld();
    await openCircuit();
    advance(60_000);
    const window = windowAt(now(), rules);
    const tally = { calls: 9, failures: 9, samples: 9 };
    for (const offset of [-2, -1, 0, 1, 2]) await circuits.count(GAS.key, window + offset, tally, now());
    setHealthy(true);
    await call();
    expect([...circuits.tallies.keys()]).toEqual([`${GAS.key} ${window - 2}`, `${GAS.key} ${window + 2}`]);
  });

  test('lets calls through when the table is unavailable', async () => {
    const { call, port, setHealthy, advance } = createWorld();
    const fail = async () => Promise.reject(new Error('down'));
    for (const name of Object.keys(port)) Object.assign(port, { [name]: fail });
    setHealthy(false);
    for (let index = 0; index < 60; index += 1) {
      expect(await call()).toBe('failed');
      advance(1_000);
    }
  });

  test('of a provider is read in one list with all other providers; the circuit of a receiver is read separately', async () => {
    const { call, operations } = createWorld();
    const receiver = { key: receiverCircuitKey('acme', 'https://example.com/'), longestCallMs: 15_000 };
    for (const party of [GAS, { ...GAS, key: 'provider#internet' }, receiver, GAS]) await call(party);
    expect(operations).toEqual(['list', 'find']);
  });

  test('does not count calls that were not sent', async () => {
    const { startCall, operations } = createWorld();
    for (let index = 0; index < 10; index += 1) await (await startCall()).end(LEASE_LOST);
    expect(operations).toEqual(['list']);
  });

  test('does not count calls that began before it opened', async () => {
    const { startCall, openCircuit, operations } = createWorld();
    const slowCall = await startCall();
    await openCircuit();
    const operationsBefore = operations.length;
    await slowCall.end(new Error('down'));
    expect(operations).toHaveLength(operationsBefore);
  });

  test('has its watch renewed by one write, without an extra read', async () => {
    const { call, setHealthy, advance, operations } = createWorld();
    setHealthy(false);
    await call();
    advance(31_000);
    for (let index = 0; index < 5; index += 1) await call();
    expect(operations.filter((name) => name !== 'count')).toEqual(['list', 'watch', 'list', 'updateWatch']);
  });

  test('has a single watch when two processes see the first failures, and the slower process reads it at once', async () => {
    const { call, setHealthy, operations, circuits, advance, now } = createWorld(2);
    await call(GAS, 1);
    setHealthy(false);
    await call(GAS, 0);
    const since = now();
    advance(1_000);
    await call(GAS, 1);
    await call(GAS, 1);
    expect(circuits.watches.get(GAS.key)).toMatchObject({ since });
    expect(operations).toEqual(['list', 'list', 'watch', 'watch', 'list']);
  });

  test('stays sampled when its watch is renewed', async () => {
    const { call, circuits, setRandom, setHealthy, now, advance, operations } = createWorld();
    const weights = { weight: 8, weightFrom: now(), weightUntil: now() + 2 * rules.windowMs };
    await circuits.watch(GAS.key, { ...newWatch(GAS, now(), rules), ...weights }, now());
    advance(31_000);
    setHealthy(false);
    setRandom(0.999);
    for (let index = 0; index < 5; index += 1) await call();
    expect(operations).toEqual(['list', 'updateWatch']);
  });

  test('keeps a tally until its window has ended on every clock, but not much longer', async () => {
    const { call, setHealthy, advance, circuits, now } = createWorld();
    setHealthy(false);
    await call();
    advance(DELAY_MS);
    await call();
    // A tally deleted within its window would lose failures, and the circuit might never open.
    circuits.expire(now() + rules.windowMs + 4_000);
    expect(circuits.tallies.size).toBe(1);
    circuits.expire(now() + 2 * rules.windowMs + 1_000);
    expect(circuits.tallies.size).toBe(0);
  });

  test.each([
    [0, true],
    [0.124, true],
    [0.125, false],
    [0.999, false],
  ])(
    'of a busy third party counts one call in eight, as eight calls (random number %d: %p)',
    async (number, isCounted) => {
      const { call, circuits, setRandom, now, advance } = createWorld();
      const start = now() + DELAY_MS + 1_000;
      const weights = { weight: 8, weightFrom: start, weightUntil: start + 1_000 };
      await circuits.watch(GAS.key, { ...newWatch(GAS, now(), rules), ...weights }, now());
      advance(DELAY_MS + 999);
      setRandom(0.999);
      await call();
      expect([...circuits.tallies.values()]).toMatchObject([{ calls: 1, samples: 1 }]);
      circuits.tallies.clear();
      advance(1);
      setRandom(number);
      await call();
      const tally = { calls: 8, failures: 0, samples: 1 };
      expect([...circuits.tallies.values()]).toMatchObject(isCounted ? [tally] : []);
      // Every call counts again once sampling has ended.
      advance(1_000);
      await call();
      expect([...circuits.tallies.values()]).toMatchObject([isCounted ? { calls: 9, samples: 2 } : { calls: 1 }]);
    },
  );

  test('that is half-open defers other calls by five seconds, or by the time left to the probe if that is shorter', async () => {
    const { openCircuit, startCall, advance, createProcess } = createWorld();
    await openCircuit();
    advance(60_000);
    const deferral = () =>
      createProcess()
        .call(
          GAS,
          async () => {},
          () => 'unknown',
        )
        .catch((error: unknown) => error);
    await startCall();
    expect(await deferral()).toMatchObject({ retryAfterMs: 5_000 });
    advance(26_000);
    expect(await deferral()).toMatchObject({ retryAfterMs: 4_000 });
  });

  test('is probed by one call of a process, and its other calls do not access the table', async () => {
    const { openCircuit, call, setHealthy, advance, operations } = createWorld();
    await openCircuit();
    setHealthy(true);
    advance(60_000);
    const results = await Promise.all(Array.from({ length: 10 }, () => call()));
    expect(results.filter((result) => result === 'succeeded')).toHaveLength(1);
    expect(operations.filter((name) => name === 'replace')).toHaveLength(1);
  });

  test('stays open twice as long after a failed probe, also in the process that sent it', async () => {
    const { openCircuit, call, advance, breakers } = createWorld();
    await openCircuit();
    advance(60_000);
    expect(await call()).toBe('failed');
    const nextCall = breakers[0]?.call(
      GAS,
      async () => {},
      () => 'unknown',
    );
    await expect(nextCall).rejects.toMatchObject({ retryAfterMs: 120_000 });
  });

  test('is read again at once when another process has sent the probe', async () => {
    const { openCircuit, call, setHealthy, advance } = createWorld(2);
    await openCircuit();
    advance(59_999);
    expect(await call(GAS, 1)).toBe('deferred');
    advance(1);
    setHealthy(true);
    expect(await call(GAS, 0)).toBe('succeeded');
    // Process 1 still has the state of a millisecond ago, in which a probe is due.
    expect([await call(GAS, 1), await call(GAS, 1)]).toEqual(['deferred', 'succeeded']);
  });

  test.each<[string, unknown]>([
    ['succeeds', undefined],
    ['fails', new Error('down')],
    ['is not sent', LEASE_LOST],
  ])('takes its state from the next probe, not from a probe that ends too late and %s', async (_case, error) => {
    for (const isHealthy of [true, false]) {
      const { openCircuit, startCall, call, setHealthy, advance, changes, circuits } = createWorld(2);
      await openCircuit();
      advance(60_000);
      const slowCall = await startCall(0);
      // Process 0 reads the state just before process 1 changes it.
      advance(29_999);
      expect(await call(GAS, 0)).toBe('deferred');
      advance(1);
      setHealthy(isHealthy);
      expect(await call(GAS, 1)).toBe(isHealthy ? 'succeeded' : 'failed');
      const stateBefore = circuits.all.get(GAS.key);
      await slowCall.end(error);
      expect(circuits.all.get(GAS.key)).toEqual(stateBefore);
      // The result of the slow probe does not change what process 0 does next.
      expect(await call(GAS, 0)).toBe(isHealthy ? 'succeeded' : 'deferred');
      expect(changes.map(({ isOpen }) => isOpen)).toEqual(isHealthy ? [true, false] : [true]);
    }
  });

  test('reports when it opens, is probed, stays open and closes, with its party and duration', async () => {
    const { openCircuit, call, setHealthy, advance, log } = createWorld();
    await openCircuit();
    advance(60_000);
    await call();
    advance(120_000);
    setHealthy(true);
    await call();
    const cause = { class: 'bad_status', statusCode: 503 };
    const line = (level: string, words: RegExp, data: object = {}) => ({
      level,
      message: expect.stringMatching(words),
      data: { circuit: GAS.key, ...data },
    });
    expect(log.lines).toEqual([
      line('warn', /opened/i, { calls: FAILURES_TO_OPEN, failures: FAILURES_TO_OPEN, cause, openMs: 60_000 }),
      line('info', /probe started/i),
      line('warn', /stays open/i, { consecutiveOpens: 2, openMs: 120_000 }),
      line('info', /probe started/i),
      line('info', /closed/i),
    ]);
  });

  test('reports each failed table operation, and each call without a verdict', async () => {
    const { openCircuit, call, advance, log, port, breakers } = createWorld();
    await openCircuit();
    log.lines.length = 0;
    const error = new Error('down');
    const fail = async () => Promise.reject(error);
    const { list, replace } = port;
    Object.assign(port, { replace: fail });
    advance(60_000);
    // No probe without the table: every instance would send one.
    expect(await call()).toBe('deferred');
    Object.assign(port, { list: fail });
    expect(await call()).toBe('deferred');
    Object.assign(port, { list });
    advance(30_000);
    Object.assign(port, { replace });
    const callWithoutVerdict = breakers[0]?.call(GAS, fail, () => {
      throw error;
    });
    await expect(callWithoutVerdict).rejects.toBe(error);
    advance(1);
    Object.assign(port, { close: fail });
    await breakers[0]?.call(
      GAS,
      async () => {},
      () => 'unknown',
    );
    const line = (level: string, words: RegExp, data: object) => ({
      level,
      message: expect.stringMatching(words),
      data,
    });
    expect(log.lines.filter(({ message }) => !/probe started/i.test(message))).toEqual([
      line('warn', /probe/, { circuit: GAS.key, error }),
      line('warn', /read/, { error }),
      line('error', /verdict/, { error }),
      line('warn', /not recorded/, { circuit: GAS.key, error }),
    ]);
  });

  test('is read at most once every five seconds by a process', async () => {
    const { call, operations, advance } = createWorld();
    await Promise.all(Array.from({ length: 50 }, () => call()));
    advance(4_999);
    await call();
    expect(operations).toEqual(['list']);
    advance(1);
    await call();
    expect(operations).toEqual(['list', 'list']);
  });
});
