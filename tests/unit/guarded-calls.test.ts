import type { HttpAnswer } from '@boomerang/core/ports/http.ts';
import { HttpFailure } from '@boomerang/core/ports/http.ts';
import { CircuitOpen, type Permit } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { describe, expect, test } from '@jest/globals';
import { deliverCallback } from '../../functions/callback-deliver/deliver-callback.ts';
import { fetchProvider } from '../../functions/provider-fetch/fetch-provider.ts';
import { LimitReached } from '../../functions/provider-fetch/limit-calls.ts';
import { aJob, aLog, aWorkedJob, findClient, givenJob, LEASE_MS, NOW, unguarded } from '../builders.ts';
import { createFakeHttp, type ScriptedAnswer } from '../fakes/http.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

/** What the breaker of a call was told: by whom it was entered, and how the other side was said to be. */
const createSpy = (enter: (key: string) => Promise<Permit> = async (key) => ({ key })) => {
  const entered: string[] = [];
  const verdicts: boolean[] = [];
  const breaker = {
    enter: async (key: string) => {
      entered.push(key);
      return enter(key);
    },
    leave: async (_: Permit, isWell: boolean) => void verdicts.push(isWell),
  };
  return { breaker, entered, verdicts };
};
const isOpen = async (): Promise<Permit> => {
  throw new CircuitOpen(42_000);
};
const json = { headers: { 'content-type': 'application/json' }, body: Buffer.from('[]') };

describe('a call to a provider', () => {
  const fetchWith = async (answer: ScriptedAnswer, change: object = {}, spy = createSpy()) => {
    const { send, requests } = createFakeHttp(answer);
    const failures: string[] = [];
    const meter = { ...unguarded.meter, count: (name: string) => void failures.push(name) };
    const provider = { id: 'gas', url: 'https://example.com', timeoutMs: 10_000, maxBytes: 1_000 };
    const deps = {
      ...unguarded,
      ...{ meter, send, breaker: spy.breaker, catalogue: new Map([['gas', provider]]), findSecret: async () => '' },
      ...{
        ...createFakeJobStore(),
        jobs: createFakeJobStore().reader,
        now: () => NOW,
        log: aLog(),
        keptUntil: () => 1,
      },
      ...change,
    };
    const request = { jobId: 'id', claims: 1, leasedUntil: NOW + LEASE_MS, providerId: 'gas' };
    const error = await fetchProvider(deps, request).then(
      () => undefined,
      (reason: Error) => reason,
    );
    return { ...spy, requests, failures, error };
  };

  test.each<[string, ScriptedAnswer, boolean]>([
    ['gives', json, true],
    ['refuses', { statusCode: 404 }, true],
    ['fails', { statusCode: 500 }, false],
    ['asks to wait', { statusCode: 429 }, false],
    ['breaks off', new HttpFailure('connection_broken', 'ECONNRESET', 1), false],
  ])('that %s tells how the provider is', async (_case, answer, isWell) => {
    const { entered, verdicts, failures } = await fetchWith(answer);
    expect(entered).toEqual(['provider#gas']);
    expect(verdicts).toEqual([isWell]);
    expect(failures).toEqual(answer === json ? [] : ['ProviderFailures']);
  });

  test.each<[string, object, string, ReturnType<typeof createSpy>]>([
    ['the circuit is open', {}, 'ProviderCircuitOpen', createSpy(isOpen)],
    ['it is paused', { isPaused: true }, 'Paused', createSpy()],
    [
      'its limit is reached',
      { limitCalls: async () => Promise.reject(new LimitReached()) },
      'ProviderLimitReached',
      createSpy(),
    ],
    ['our own tables fail', { limitCalls: async () => Promise.reject(new Error('down')) }, 'Error', createSpy()],
  ])('is not made when %s, and says nothing of the provider', async (_case, change, name, spy) => {
    const { error, requests, verdicts, failures } = await fetchWith(json, change, spy);
    expect(error?.name).toBe(name);
    expect([requests, verdicts, failures]).toEqual([[], [], []]);
  });

  test('that is put off says when it may be worth it', async () => {
    const { error } = await fetchWith(json, {}, createSpy(isOpen));
    expect(error).toMatchObject({ failure: { class: 'circuit_open', retryAfterMs: 42_000 } });
  });
});

describe('a callback', () => {
  const deliverWith = async (answer: ScriptedAnswer, change: object = {}, spy = createSpy()) => {
    const worked = aWorkedJob({ callbackUrl: 'https://Example.com:8443/path?token=secret' });
    const store = createFakeJobStore();
    await givenJob(store, aJob({ jobId: worked.jobId }));
    const { send, requests } = createFakeHttp(answer);
    const policy = { schedule: { stepsMs: [1_000] as const }, patienceMs: 1, retentionMs: 60_000 };
    const deps = {
      ...unguarded,
      ...store,
      ...{ findClient, send, now: () => NOW, log: aLog(), policy, userAgent: 'test', breaker: spy.breaker },
      ...change,
    };
    const error = await deliverCallback(deps, worked).then(
      () => undefined,
      (reason: Error) => reason,
    );
    return { ...spy, requests, error };
  };

  test.each<[string, ScriptedAnswer, boolean]>([
    ['is taken', {} as Partial<HttpAnswer>, true],
    ['is refused', { statusCode: 404 }, true],
    ['meets a host in trouble', { statusCode: 500 }, false],
    ['is asked to wait', { statusCode: 503 }, false],
  ])('that %s tells how the host is', async (_case, answer, isWell) => {
    const { entered, verdicts } = await deliverWith(answer);
    expect(entered).toEqual(['callback#example.com:8443']);
    expect(verdicts).toEqual([isWell]);
  });

  test.each<[string, object, string, ReturnType<typeof createSpy>]>([
    ['the circuit of its host is open', {}, 'CallbackCircuitOpen', createSpy(isOpen)],
    ['callbacks are paused', { isPaused: true }, 'Paused', createSpy()],
  ])('does not go out when %s', async (_case, change, name, spy) => {
    const { error, requests, verdicts } = await deliverWith({}, change, spy);
    expect(error?.name).toBe(name);
    expect([requests, verdicts]).toEqual([[], []]);
  });
});
