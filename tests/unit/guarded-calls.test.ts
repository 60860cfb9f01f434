import type { ThirdParty } from '@boomerang/core/domain/circuit.ts';
import type { HttpResponse } from '@boomerang/core/ports/http.ts';
import { HttpFailure } from '@boomerang/core/ports/http.ts';
import { type CircuitBreaker, CircuitOpen, type Verdict } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { describe, expect, test } from '@jest/globals';
import { deliverCallback } from '../../functions/callback-deliver/deliver-callback.ts';
import { fetchProvider } from '../../functions/provider-fetch/fetch-provider.ts';
import { LimitReached } from '../../functions/provider-fetch/limit-calls.ts';
import { aJob, aLog, aProvider, aWorkedJob, findClient, LEASE_MS, NOW, storeJob, unguarded } from '../builders.ts';
import { createFakeHttp, type ScriptedResponse } from '../fakes/http.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

/** Records the third party of each call, and the verdicts on the calls. An open circuit allows none. */
const createSpy = (open?: CircuitOpen) => {
  const parties: ThirdParty[] = [];
  const verdicts: Verdict[] = [];
  const breaker: CircuitBreaker = {
    call: async (party, run, judge) => {
      parties.push(party);
      if (open) throw open;
      try {
        const result = await run();
        verdicts.push('succeeded');
        return result;
      } catch (error) {
        verdicts.push(judge(error));
        throw error;
      }
    },
  };
  return { breaker, parties, verdicts };
};
const openSpy = () => createSpy(new CircuitOpen(42_000, { class: 'bad_status', statusCode: 503 }));
const DEFERRED = {
  failure: { class: 'circuit_open', retryAfterMs: 42_000, cause: { class: 'bad_status', statusCode: 503 } },
};
/** A clock that advances once, after its first reading. */
const clockAdvancing = (ms: number) => {
  let readings = 0;
  return () => {
    readings += 1;
    return readings === 1 ? NOW : NOW + ms;
  };
};
const JSON_RESPONSE = { headers: { 'content-type': 'application/json' }, body: Buffer.from('[]') };

const policy = { schedule: { stepsMs: [1_000] as const }, patienceMs: 1, retentionMs: 60_000 };

describe('a call to a provider', () => {
  const fetchWith = async (response: ScriptedResponse, change: object = {}, spy = createSpy()) => {
    const { send, requests } = createFakeHttp(response);
    const countedMetrics: string[] = [];
    const metrics = { ...unguarded.metrics, count: (name: string) => void countedMetrics.push(name) };
    const provider = aProvider({ maxBytes: 1_000 });
    const deps = {
      ...unguarded,
      metrics,
      send,
      breaker: spy.breaker,
      catalogue: new Map([['gas', provider]]),
      findSecret: async () => '',
      ...createFakeJobStore(),
      jobs: createFakeJobStore().reader,
      now: () => NOW,
      log: aLog(),
      fetchDeadlineMs: 86_400_000,
      policy,
      ...change,
    };
    const request = { jobId: 'id', claims: 1, leasedUntil: NOW + LEASE_MS, providerId: 'gas' };
    const error = await fetchProvider(deps, request).then(
      () => undefined,
      (reason: Error) => reason,
    );
    return { ...spy, requests, countedMetrics, error };
  };

  test.each<[string, ScriptedResponse, Verdict]>([
    ['succeeds', JSON_RESPONSE, 'succeeded'],
    ['is refused', { statusCode: 404 }, 'succeeded'],
    ['fails', { statusCode: 500 }, { class: 'bad_status', statusCode: 500 }],
    ['is throttled', { statusCode: 429 }, { class: 'bad_status', statusCode: 429 }],
    ['loses its connection', new HttpFailure('connection_broken', 'ECONNRESET', 1), { class: 'connection_broken' }],
  ])('that %s reports its verdict to the circuit', async (_case, response, verdict) => {
    const { parties, verdicts, countedMetrics } = await fetchWith(response);
    expect(parties).toEqual([{ key: 'provider#gas', longestCallMs: 10_000 }]);
    expect(verdicts).toEqual([verdict]);
    expect(countedMetrics).toEqual(response === JSON_RESPONSE ? [] : ['ProviderFailures']);
  });

  test.each<[string, object, string, ReturnType<typeof createSpy>]>([
    ['the circuit is open', {}, 'ProviderCircuitOpen', openSpy()],
    ['it is paused', { isPaused: true }, 'Paused', createSpy()],
    ['too little is left of the lease', { now: () => NOW + LEASE_MS }, 'LeaseLost', createSpy()],
    ['table accesses used up the time left', { now: clockAdvancing(LEASE_MS - 10_000) }, 'LeaseLost', createSpy()],
    [
      'its limit is reached',
      { limitCalls: async () => Promise.reject(new LimitReached()) },
      'ProviderLimitReached',
      createSpy(),
    ],
    ['our own tables fail', { limitCalls: async () => Promise.reject(new Error('down')) }, 'Error', createSpy()],
  ])('is not sent when %s, with no verdict on the provider', async (_case, change, name, spy) => {
    const { error, requests, verdicts, countedMetrics } = await fetchWith(JSON_RESPONSE, change, spy);
    expect(error?.name).toBe(name);
    expect([requests, countedMetrics]).toEqual([[], []]);
    for (const verdict of verdicts) expect(verdict).toBe('unknown');
  });

  test('that is deferred carries the retry time and the failure that opened the circuit', async () => {
    const { error } = await fetchWith(JSON_RESPONSE, {}, openSpy());
    expect(error).toMatchObject(DEFERRED);
  });
});

describe('a callback', () => {
  const deliverWith = async (response: ScriptedResponse, change: object = {}, spy = createSpy()) => {
    const worked = aWorkedJob({ callbackUrl: 'https://Example.com:8443/path?token=secret' });
    const store = createFakeJobStore();
    await storeJob(store, aJob({ jobId: worked.jobId }));
    const { send, requests } = createFakeHttp(response);
    const deps = {
      ...unguarded,
      ...store,
      findClient,
      send,
      now: () => NOW,
      log: aLog(),
      policy,
      userAgent: 'test',
      breaker: spy.breaker,
      ...change,
    };
    const error = await deliverCallback(deps, worked).then(
      () => undefined,
      (reason: Error) => reason,
    );
    return { ...spy, requests, error };
  };

  test.each<[string, ScriptedResponse, Verdict]>([
    ['is accepted', {} as Partial<HttpResponse>, 'succeeded'],
    ['is refused', { statusCode: 404 }, 'succeeded'],
    ['gets a server error', { statusCode: 500 }, { class: 'bad_status', statusCode: 500 }],
    ['gets 503', { statusCode: 503 }, { class: 'bad_status', statusCode: 503 }],
    ['resolves to a blocked address', new HttpFailure('blocked_address', 'private', 1), 'unknown'],
  ])("that %s reports its verdict to the circuit of this client's receiver only", async (_case, response, verdict) => {
    const { parties, verdicts } = await deliverWith(response);
    expect(parties).toEqual([{ key: 'callback#client#example.com:8443', longestCallMs: 15_000 }]);
    expect(verdicts).toEqual([verdict]);
  });

  test.each<[string, object, string, ReturnType<typeof createSpy>]>([
    ['its circuit is open', {}, 'CallbackCircuitOpen', openSpy()],
    ['callbacks are paused', { isPaused: true }, 'Paused', createSpy()],
    ['table accesses used up the time that it needs', { now: clockAdvancing(6_000) }, 'CallbackNotSent', createSpy()],
  ])('is not sent when %s', async (_case, change, name, spy) => {
    const { error, requests, verdicts } = await deliverWith({}, change, spy);
    expect(error?.name).toBe(name);
    expect(requests).toEqual([]);
    for (const verdict of verdicts) expect(verdict).toBe('unknown');
  });

  test('that is deferred carries the failure that opened the circuit', async () => {
    const { error } = await deliverWith({}, {}, openSpy());
    expect(error).toMatchObject(DEFERRED);
  });
});
