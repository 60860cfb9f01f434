import { clientRateAt } from '@boomerang/core/domain/client-rate.ts';
import { seededRandom } from '@boomerang/core/domain/random.ts';
import { createLimitClient } from '@boomerang/core/use-cases/limit-client.ts';
import { describe, expect, test } from '@jest/globals';
import { aLog, CLIENT_ID, NOW } from '../builders.ts';
import { createFakeClientRates } from '../fakes/client-rates.ts';

const MINUTE = 60_000;

const createWorld = (defaultRatePerSecond: number) => {
  const rates = createFakeClientRates();
  const seeded = seededRandom(7);
  let drawn: number | undefined;
  const random = () => drawn ?? seeded();
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
    /** Sets the random number from now on. */
    draws: (number: number) => {
      drawn = number;
    },
    operations,
    createProcess,
    post,
    pass: (ms: number) => {
      now += ms;
    },
  };
};

describe('the job rate of a client', () => {
  test('is unlimited and free of cost unless configured', async () => {
    const { post, operations, createProcess } = createWorld(0);
    for (let index = 0; index < 1_000; index += 1) expect(await post()).toBe(202);
    expect(await post(createProcess(), { clientId: CLIENT_ID, ratePerSecond: 0 })).toBe(202);
    expect(operations).toEqual([]);
  });

  test.each([0.5, 1, 3])('is exact at %d jobs a second, with each job in another process', async (rate) => {
    const { post, pass } = createWorld(rate);
    for (let minute = 0; minute < 3; minute += 1) {
      let accepted = 0;
      for (let index = 0; index < 300; index += 1) {
        if ((await post()) === 202) accepted += 1;
        pass(MINUTE / 300);
      }
      expect(accepted).toBe(rate * 60);
    }
  });

  test('is sampled above 200 a minute: at 50 jobs a second, at most one write for eight jobs', async () => {
    expect(clientRateAt(NOW, 50)).toMatchObject({ limit: 3_000, weight: 15 });
    expect([200 / 60, 201 / 60].map((rate) => clientRateAt(NOW, rate + 1e-9).weight)).toEqual([1, 2]);
    const { post, pass, operations, createProcess } = createWorld(60);
    const warm = Array.from({ length: 20 }, createProcess);
    for (let index = 0; index < 3_000; index += 1) {
      expect(await post(warm[index % warm.length])).toBe(202);
      pass(MINUTE / 3_000);
    }
    expect(operations.filter((name) => name === 'count').length).toBeLessThan(3_000 / 8);
  });

  test('is within a fifth of the limit when sampled, with each job in another process', async () => {
    const { post, pass } = createWorld(50);
    for (let minute = 0; minute < 5; minute += 1) {
      let accepted = 0;
      for (let index = 0; index < 6_000; index += 1) {
        if ((await post()) === 202) accepted += 1;
        pass(10);
      }
      expect(accepted).toBeGreaterThan(3_000 * 0.8);
      expect(accepted).toBeLessThan(3_000 * 1.2);
    }
  });

  test('applies in all processes within five seconds, and in fresh ones at once, without another write', async () => {
    const { post, pass, operations, createProcess } = createWorld(1);
    const warm = createProcess();
    const busy = createProcess();
    expect(await post(warm)).toBe(202);
    for (let index = 0; index < 59; index += 1) expect(await post(busy)).toBe(202);
    expect(await post(busy)).toBe(429);
    pass(5_000);
    const writes = () => operations.filter((name) => name !== 'listLimited').length;
    const before = writes();
    for (const limitClient of [warm, busy, createProcess()]) expect(await post(limitClient)).toBe(429);
    expect(writes()).toBe(before);
    // Other clients may go on, and this one may in the next minute.
    expect(await post(warm, { clientId: 'another' })).toBe(202);
    pass(MINUTE);
    expect(await post(warm)).toBe(202);
  });

  test('is reported when exceeded, with the time of the next attempt', async () => {
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
    const { post, pass, createProcess } = createWorld(1 / 60);
    const limitClient = createProcess();
    pass(MINUTE - (NOW % MINUTE));
    expect([await post(limitClient), await post(limitClient)]).toEqual([202, 429]);
    pass(MINUTE - 1);
    expect(await post(limitClient)).toBe(429);
    pass(1);
    expect(await post(limitClient)).toBe(202);
  });

  test('counts a random sample of requests, each as several', async () => {
    const { post, draws, operations } = createWorld(201 / 60 + 1e-9);
    const counted = async (number: number) => {
      draws(number);
      operations.length = 0;
      await post();
      return operations.includes('count');
    };
    expect([await counted(0), await counted(0.499), await counted(0.5), await counted(0.999)]).toEqual([
      ...[true, true],
      ...[false, false],
    ]);
  });

  test('is read once in five seconds, however many requests there are', async () => {
    const { post, pass, operations, createProcess } = createWorld(1);
    const limitClient = createProcess();
    const reads = () => operations.filter((name) => name === 'listLimited').length;
    await Promise.all(Array.from({ length: 20 }, () => post(limitClient)));
    pass(4_999);
    await post(limitClient);
    expect(reads()).toBe(1);
    pass(1);
    await post(limitClient);
    expect(reads()).toBe(2);
  });

  test('is reported to operators when exceeded, as is each failed table operation', async () => {
    const { post, port, log, createProcess } = createWorld(1 / 60);
    const error = new Error('down');
    const down = async () => Promise.reject(error);
    const { count } = port;
    Object.assign(port, { listLimited: down, count: down, limit: down });
    const limitClient = createProcess();
    await post(limitClient);
    Object.assign(port, { count });
    await post(limitClient);
    await post(limitClient);
    const logged = (words: RegExp, data: object) => ({
      level: 'warn',
      message: expect.stringMatching(words),
      data,
    });
    expect(log.lines).toEqual([
      logged(/read/, { error }),
      logged(/count/, { clientId: CLIENT_ID, error }),
      logged(/rate exceeded/, { clientId: CLIENT_ID, ratePerSecond: 1 / 60 }),
      logged(/not published/, { clientId: CLIENT_ID, error }),
    ]);
  });

  test('is not enforced when the table is unavailable', async () => {
    const { port, post } = createWorld(1 / 60);
    const down = async () => Promise.reject(new Error('down'));
    Object.assign(port, { count: down, limit: down, listLimited: down });
    for (let index = 0; index < 3; index += 1) expect(await post()).toBe(202);
  });

  test('is enforced even if other processes cannot be informed', async () => {
    const { port, post, pass, createProcess, operations } = createWorld(1 / 60);
    port.limit = async () => Promise.reject(new Error('down'));
    const limitClient = createProcess();
    expect([await post(limitClient), await post(limitClient), await post(limitClient)]).toEqual([202, 429, 429]);
    // The limit survives the next read of the list, which lacks it.
    pass(5_000);
    expect(await post(limitClient)).toBe(429);
    // The process that found the limit need not read again.
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
