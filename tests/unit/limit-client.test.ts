import { clientRateAt } from '@boomerang/core/domain/client-rate.ts';
import { seededRandom } from '@boomerang/core/domain/random.ts';
import { createLimitClient } from '@boomerang/core/use-cases/limit-client.ts';
import { describe, expect, test } from '@jest/globals';
import { aLog, CLIENT_ID, NOW } from '../builders.ts';
import { createFakeClientRates } from '../fakes/client-rates.ts';

const MINUTE = 60_000;

const createWorld = (defaultRatePerSecond: number) => {
  const rates = createFakeClientRates();
  const nextRandom = seededRandom(7);
  let fixedRandom: number | undefined;
  const random = () => fixedRandom ?? nextRandom();
  const log = aLog();
  const operations: string[] = [];
  let now = NOW;
  const port = {
    count: async (...args: Parameters<typeof rates.count>) => {
      operations.push('count');
      return rates.count(...args);
    },
    limit: async (...args: Parameters<typeof rates.limit>) => {
      operations.push('limit');
      return rates.limit(...args);
    },
    listLimited: async (...args: Parameters<typeof rates.listLimited>) => {
      operations.push('listLimited');
      return rates.listLimited(...args);
    },
  };
  const createProcess = () => createLimitClient({ rates: port, defaultRatePerSecond, now: () => now, random, log });
  const post = async (
    limitClient = createProcess(),
    caller: { clientId: string; ratePerSecond?: number } = { clientId: CLIENT_ID },
  ) =>
    limitClient(caller).then(
      () => 202,
      () => 429,
    );
  return {
    port,
    log,
    /** Fixes the random number. */
    setRandom: (number: number) => {
      fixedRandom = number;
    },
    operations,
    createProcess,
    post,
    advance: (ms: number) => {
      now += ms;
    },
  };
};

describe('the job rate of a client', () => {
  test('is unlimited and costs no table operation unless configured', async () => {
    const { post, operations, createProcess } = createWorld(0);
    for (let index = 0; index < 1_000; index += 1) expect(await post()).toBe(202);
    expect(await post(createProcess(), { clientId: CLIENT_ID, ratePerSecond: 0 })).toBe(202);
    expect(operations).toEqual([]);
  });

  test.each([0.5, 1, 3])('is exact at %d jobs a second, with each job in another process', async (rate) => {
    const { post, advance } = createWorld(rate);
    for (let minute = 0; minute < 3; minute += 1) {
      let accepted = 0;
      for (let index = 0; index < 300; index += 1) {
        if ((await post()) === 202) accepted += 1;
        advance(MINUTE / 300);
      }
      expect(accepted).toBe(rate * 60);
    }
  });

  test('is sampled above 200 a minute: at 50 jobs a second, at most one write per eight jobs', async () => {
    expect(clientRateAt(NOW, 50)).toMatchObject({ limit: 3_000, weight: 15 });
    expect([200 / 60, 201 / 60].map((rate) => clientRateAt(NOW, rate + 1e-9).weight)).toEqual([1, 2]);
    const { post, advance, operations, createProcess } = createWorld(60);
    const processes = Array.from({ length: 20 }, createProcess);
    for (let index = 0; index < 3_000; index += 1) {
      expect(await post(processes[index % processes.length])).toBe(202);
      advance(MINUTE / 3_000);
    }
    expect(operations.filter((name) => name === 'count').length).toBeLessThan(3_000 / 8);
  });

  test('is accurate to a fifth of the limit when sampled, with each job in another process', async () => {
    const { post, advance } = createWorld(50);
    for (let minute = 0; minute < 5; minute += 1) {
      let accepted = 0;
      for (let index = 0; index < 6_000; index += 1) {
        if ((await post()) === 202) accepted += 1;
        advance(10);
      }
      expect(accepted).toBeGreaterThan(3_000 * 0.8);
      expect(accepted).toBeLessThan(3_000 * 1.2);
    }
  });

  test('applies in all processes within five seconds, and in new processes at once, without another write', async () => {
    const { post, advance, operations, createProcess } = createWorld(1);
    const idleProcess = createProcess();
    const busyProcess = createProcess();
    expect(await post(idleProcess)).toBe(202);
    for (let index = 0; index < 59; index += 1) expect(await post(busyProcess)).toBe(202);
    expect(await post(busyProcess)).toBe(429);
    advance(5_000);
    const writes = () => operations.filter((name) => name !== 'listLimited').length;
    const before = writes();
    for (const limitClient of [idleProcess, busyProcess, createProcess()]) expect(await post(limitClient)).toBe(429);
    expect(writes()).toBe(before);
    // Other clients are not limited, and this client is accepted again in the next minute.
    expect(await post(idleProcess, { clientId: 'another' })).toBe(202);
    advance(MINUTE);
    expect(await post(idleProcess)).toBe(202);
  });

  test('is reported when exceeded, with the delay until the next minute', async () => {
    const { createProcess } = createWorld(1);
    const limitClient = createProcess();
    const caller = { clientId: CLIENT_ID, ratePerSecond: 1 / 60 };
    await limitClient(caller);
    const error = await limitClient(caller).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'ClientRateExceeded',
      message: 'the client rate is exceeded',
      ratePerSecond: 1 / 60,
    });
    expect((error as { retryAfterMs: number }).retryAfterMs).toBe(MINUTE - (NOW % MINUTE));
  });

  test('allows jobs again from the millisecond in which the limit ends', async () => {
    const { post, advance, createProcess } = createWorld(1 / 60);
    const limitClient = createProcess();
    advance(MINUTE - (NOW % MINUTE));
    expect([await post(limitClient), await post(limitClient)]).toEqual([202, 429]);
    advance(MINUTE - 1);
    expect(await post(limitClient)).toBe(429);
    advance(1);
    expect(await post(limitClient)).toBe(202);
  });

  test('is counted from a random sample of requests', async () => {
    const { post, setRandom, operations } = createWorld(201 / 60 + 1e-9);
    const isCounted = async (number: number) => {
      setRandom(number);
      operations.length = 0;
      await post();
      return operations.includes('count');
    };
    expect([await isCounted(0), await isCounted(0.499)]).toEqual([true, true]);
    expect([await isCounted(0.5), await isCounted(0.999)]).toEqual([false, false]);
  });

  test('is read at most once every five seconds by a process', async () => {
    const { post, advance, operations, createProcess } = createWorld(1);
    const limitClient = createProcess();
    const reads = () => operations.filter((name) => name === 'listLimited').length;
    await Promise.all(Array.from({ length: 20 }, () => post(limitClient)));
    advance(4_999);
    await post(limitClient);
    expect(reads()).toBe(1);
    advance(1);
    await post(limitClient);
    expect(reads()).toBe(2);
  });

  test('is logged when exceeded, as is each failed table operation', async () => {
    const { post, port, log, createProcess } = createWorld(1 / 60);
    const error = new Error('down');
    const fail = async () => Promise.reject(error);
    const { count } = port;
    Object.assign(port, { listLimited: fail, count: fail, limit: fail });
    const limitClient = createProcess();
    await post(limitClient);
    Object.assign(port, { count });
    await post(limitClient);
    await post(limitClient);
    const line = (words: RegExp, data: object) => ({
      level: 'warn',
      message: expect.stringMatching(words),
      data,
    });
    expect(log.lines).toEqual([
      line(/read/, { error }),
      line(/count/, { clientId: CLIENT_ID, error }),
      line(/rate exceeded/, { clientId: CLIENT_ID, ratePerSecond: 1 / 60 }),
      line(/not published/, { clientId: CLIENT_ID, error }),
    ]);
  });

  test('is not enforced when the table is unavailable', async () => {
    const { port, post } = createWorld(1 / 60);
    const fail = async () => Promise.reject(new Error('down'));
    Object.assign(port, { count: fail, limit: fail, listLimited: fail });
    for (let index = 0; index < 3; index += 1) expect(await post()).toBe(202);
  });

  test('is enforced in its process even if it cannot be stored for others', async () => {
    const { port, post, advance, createProcess, operations } = createWorld(1 / 60);
    port.limit = async () => Promise.reject(new Error('down'));
    const limitClient = createProcess();
    expect([await post(limitClient), await post(limitClient), await post(limitClient)]).toEqual([202, 429, 429]);
    // The process keeps its limit when the list that it reads lacks it.
    advance(5_000);
    expect(await post(limitClient)).toBe(429);
    // The process that reached the limit does not count again.
    expect(operations.filter((name) => name === 'count')).toHaveLength(2);
  });

  test('is counted in items with a TTL at the end of their minute, in epoch seconds', async () => {
    const { port, post } = createWorld(1);
    const expiries: number[] = [];
    port.count = async (_client, _window, _jobs, expiresAt) => expiries.push(expiresAt);
    await post();
    expect(expiries).toEqual([NOW / 1000 + 60 - ((NOW / 1000) % 60)]);
  });
});
