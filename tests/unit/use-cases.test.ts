import { cancelled, expunged } from '@boomerang/core/domain/control.ts';
import { CallbackUnavailable, OutcomeNotSaved, StaleClaim } from '@boomerang/core/domain/failures.ts';
import { firstKeptUntil, keptUntil } from '@boomerang/core/domain/result-life.ts';
import type { Settlement } from '@boomerang/core/domain/settle.ts';
import { HttpFailure, type HttpResponse } from '@boomerang/core/ports/http.ts';
import type { ProviderResultData } from '@boomerang/core/ports/jobs.ts';
import { describe, expect, test } from '@jest/globals';
import { deliverCallback } from '../../functions/callback-deliver/deliver-callback.ts';
import { claimDueJobs } from '../../functions/job-claim/claim-due-jobs.ts';
import { settleJob } from '../../functions/job-settle/settle-job.ts';
import { fetchProvider } from '../../functions/provider-fetch/fetch-provider.ts';
import { acceptJob } from '../../functions/webhook/accept-job.ts';
import {
  aJob,
  aLog,
  aProvider,
  aWorkedJob,
  CLIENT_ID,
  fetched,
  findClient,
  LEASE_MS,
  NOT_SENT,
  NOW,
  notAttempted,
  storeJob,
  unavailable,
  unguarded,
} from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

const policy = { schedule: { stepsMs: [1_000] as const }, patienceMs: 600_000, retentionMs: 60_000 };
const OK: HttpResponse = { statusCode: 200, headers: {}, body: Buffer.alloc(0), durationMs: 1 };
const commonDeps = () => ({
  ...unguarded,
  now: () => NOW,
  random: () => 0,
  log: aLog(),
  policy,
  leaseMs: LEASE_MS,
  fetchDeadlineMs: 86_400_000,
});
const failWith = (error: Error) => async () => {
  throw error;
};

describe('accepting a job', () => {
  const body = { providers: ['gas'], callbackUrl: 'https://example.com/' };
  const request = { clientId: CLIENT_ID, idempotencyKey: undefined, body };
  const accept = (store: ReturnType<typeof createFakeJobStore>, startExecution: () => Promise<void>) =>
    acceptJob({ ...commonDeps(), ...store, startExecution, newId: () => 'id', fetchDeadlineMs: 1 }, request);

  test('stores the job with a lease before its execution starts', async () => {
    const store = createFakeJobStore();
    await accept(store, async () => void expect(store.jobs.get('id')?.leasedUntil).toBe(NOW + LEASE_MS));
    expect(store.jobs.get('id')?.status).toBe('PENDING');
  });

  test('leaves the job to the schedule when its execution does not start', async () => {
    const store = createFakeJobStore();
    await accept(store, failWith(new Error('throttled')));
    expect(store.jobs.get('id')).toMatchObject({ status: 'PENDING', dueAt: NOW });
  });

  test('succeeds once the job is stored, even if every later step fails', async () => {
    const store = createFakeJobStore();
    store.control.release = failWith(new Error('down'));
    expect((await accept(store, failWith(new Error('down')))).job.jobId).toBe('id');
  });

  test('fails if the job is not stored', async () => {
    const store = createFakeJobStore();
    store.intake.create = failWith(new Error('down'));
    await expect(accept(store, async () => {})).rejects.toThrow('down');
  });
});

describe('delivering a callback', () => {
  const deliver = async (
    change: { save?: () => Promise<void>; send?: () => Promise<HttpResponse> },
    worked = aWorkedJob(),
  ) => {
    const store = createFakeJobStore();
    await storeJob(store, aJob({ jobId: worked.jobId }));
    const sentBodies: string[] = [];
    const send = async ({ body = '' }: { body?: string }) => {
      sentBodies.push(body);
      return change.send ? change.send() : OK;
    };
    const outcomes = change.save ? { save: change.save } : store.outcomes;
    const deps = { ...commonDeps(), results: store.results, outcomes, findClient, send, userAgent: 'test' };
    const run = deliverCallback(deps, worked);
    return { store, sentBodies, run };
  };

  test('fails with OutcomeNotSaved, after a single call, if the outcome cannot be saved', async () => {
    const { run, sentBodies } = await deliver({ save: failWith(new Error('down')) });
    await expect(run).rejects.toBeInstanceOf(OutcomeNotSaved);
    expect(sentBodies).toHaveLength(1);
  });

  test('does not affect the outcome of a newer claim', async () => {
    const { run } = await deliver({ save: failWith(new StaleClaim('stale')) });
    await expect(run).resolves.toBeUndefined();
  });

  test('makes no call if the lease is too short', async () => {
    const { run, sentBodies } = await deliver({}, aWorkedJob({ leasedUntil: NOW + 10_000 }));
    await expect(run).rejects.toMatchObject({ name: 'LeaseLost' });
    expect(sentBodies).toEqual([]);
  });

  test('distinguishes an unavailable receiver from one with an invalid certificate', async () => {
    const refusedConnection = await deliver({
      send: failWith(new HttpFailure('connection_refused', 'ECONNREFUSED', 1)),
    });
    await expect(refusedConnection.run).rejects.toBeInstanceOf(CallbackUnavailable);
    const badCertificate = await deliver({ send: failWith(new HttpFailure('tls', 'CERT_HAS_EXPIRED', 1)) });
    await expect(badCertificate.run).rejects.toMatchObject({ name: 'CallbackRejected' });
  });
});

/** A store of results that records every save. */
const withResults = (saved: unknown[]) => {
  const { results, reader } = createFakeJobStore();
  const save: typeof results.save = async (...args) => {
    saved.push(args);
    return results.save(...args);
  };
  return { results: { ...results, save }, jobs: reader };
};

describe('fetching from a provider', () => {
  const provider = aProvider({ maxBytes: 50_000 });
  const fetchWith = (response: Partial<HttpResponse>, saved: unknown[] = []) =>
    fetchProvider(
      {
        ...commonDeps(),
        catalogue: new Map([['gas', provider]]),
        send: async () => ({ ...OK, ...response }),
        findSecret: async () => 'secret',
        ...withResults(saved),
      },
      { jobId: 'id', claims: 1, leasedUntil: NOW + LEASE_MS, providerId: 'gas', retryCount: 1 },
    );

  test('reports the number of its calls after success and after failure', async () => {
    expect(await fetchWith({})).toMatchObject({ tries: 2 });
    const error = await fetchWith({ statusCode: 500 }).catch((thrown: unknown) => thrown);
    expect(JSON.parse((error as Error).message)).toMatchObject({ statusCode: 500, tries: 2 });
  });

  test('leaves no result stored for a job that was deleted during the call', async () => {
    const store = createFakeJobStore();
    const job = aJob({ jobId: 'id' });
    await storeJob(store, job);
    const headers = { 'content-type': 'text/plain' };
    const body = Buffer.alloc(17_000, 'x');
    const deps = { ...commonDeps(), ...store, jobs: store.reader, catalogue: new Map([['gas', provider]]) };
    const fetch = (send: () => Promise<HttpResponse>) =>
      fetchProvider(
        { ...deps, send, findSecret: async () => 'secret' },
        { jobId: 'id', claims: 1, leasedUntil: NOW + LEASE_MS, providerId: 'gas' },
      );
    await fetch(async () => ({ ...OK, headers, body }));
    expect(store.stored.get('id')?.size).toBe(1);
    store.stored.clear();
    await fetch(async () => {
      const cancelledJob = cancelled(job, { now: NOW, retentionMs: 60_000 });
      await store.control.replace(job, cancelledJob);
      await store.control.replace(cancelledJob, expunged(cancelledJob, NOW));
      await store.results.expunge('id');
      return { ...OK, headers, body };
    });
    expect(store.stored.get('id')?.size ?? 0).toBe(0);
  });

  test('leaves no result stored if its job was settled during the call without listing it', async () => {
    const headers = { 'content-type': 'text/plain' };
    const body = Buffer.alloc(17_000, 'x');
    /** Fetches a large result while another invocation of the same claim settles the job. Returns the number of stored results. */
    const storedAfter = async (settlement: Partial<Settlement>, data: ProviderResultData[] = []) => {
      const store = createFakeJobStore();
      await storeJob(store, aJob({ jobId: 'id' }));
      const send = async () => {
        const base = { phase: 'FETCHING', fetchAttempts: 0, callbackAttempts: 0, updatedAt: NOW } as const;
        await store.outcomes.save('id', 1, { ...base, status: 'PENDING', results: [], ...settlement }, data);
        return { ...OK, headers, body };
      };
      const deps = { ...commonDeps(), ...store, jobs: store.reader, catalogue: new Map([['gas', provider]]), send };
      const request = { jobId: 'id', claims: 1, leasedUntil: NOW + LEASE_MS, providerId: 'gas' };
      await fetchProvider({ ...deps, findSecret: async () => 'secret' }, request);
      return store.stored.get('id')?.size ?? 0;
    };
    const notFetched = { providerId: 'gas', status: 'UNAVAILABLE', error: { class: 'internal' } } as const;
    expect(await storedAfter({ results: [notFetched], dueAt: NOW + 30_000 })).toBe(0);
    const fetchedResult = { providerId: 'gas', status: 'FETCHED', fetchedAt: NOW, bytes: 2 } as const;
    const inline = { providerId: 'gas', fetchedAt: NOW, bytes: 2, json: '{}' };
    expect(await storedAfter({ results: [fetchedResult], status: 'COMPLETE', expiresAt: NOW }, [inline])).toBe(0);
    // A result that the job lists stays stored, since both have the same key.
    expect(await storedAfter({ results: [fetchedResult], dueAt: NOW + 30_000 })).toBe(1);
  });

  test('returns small results inline, and stores large ones', async () => {
    const saved: unknown[] = [];
    const headers = { 'content-type': 'text/plain' };
    expect((await fetchWith({ headers, body: Buffer.from('small') }, saved)).json).toBe('"small"');
    const largeResult = await fetchWith({ headers, body: Buffer.alloc(17_000, 'x') }, saved);
    expect(largeResult.json).toBeUndefined();
    // The result is not renewed before its job is settled, so it must not expire before then.
    const expiresAt = firstKeptUntil(NOW, 86_400_000, policy);
    expect(saved.map((args) => (args as unknown[])[3])).toEqual([expiresAt]);
    expect(largeResult).toMatchObject({ keptUntil: expiresAt });
    expect(expiresAt).toBeGreaterThan((NOW + 86_400_000) / 1000);
    expect(expiresAt).toBeLessThan((NOW + 30 * 86_400_000) / 1000);
    // 9,000 quotes are less than 16 KiB, but escaping doubles them, which is too large for the payload.
    expect((await fetchWith({ headers, body: Buffer.alloc(9_000, '"') }, saved)).json).toBeUndefined();
    expect(saved).toHaveLength(2);
  });

  test.each<[string, Partial<HttpResponse>, string]>([
    ['a 404', { statusCode: 404 }, 'ProviderRefused'],
    ['a 500', { statusCode: 500 }, 'ProviderUnavailable'],
    ['a 500 with Retry-After', { statusCode: 500, headers: { 'retry-after': '3' } }, 'ProviderThrottled'],
    ['a 429', { statusCode: 429 }, 'ProviderThrottled'],
    ['a truncated body', { bodyFailure: { class: 'connection_broken', message: 'ECONNRESET' } }, 'ProviderUnavailable'],
    ['a body that is too large', { bodyFailure: { class: 'too_large', message: '' } }, 'ProviderRefused'],
    [
      'text that exceeds the limit when escaped',
      { headers: { 'content-type': 'text/plain' }, body: Buffer.alloc(49_000, '"') },
      'ProviderRefused',
    ],
    ['broken JSON', { headers: { 'content-type': 'application/json' }, body: Buffer.from('{') }, 'ProviderUnavailable'],
  ])('reports %s as %s', async (_case, response, name) => {
    await expect(fetchWith(response)).rejects.toMatchObject({ name });
  });
});

describe('settling a job', () => {
  const settle = async (store: ReturnType<typeof createFakeJobStore>, worked = aWorkedJob()) =>
    settleJob(
      { ...commonDeps(), jobs: store.reader, results: store.results, outcomes: store.outcomes },
      { job: worked },
    );

  test('stores fetched data before it saves the outcome', async () => {
    const store = createFakeJobStore();
    const worked = aWorkedJob({ results: [fetched('gas'), unavailable('internet')] });
    await storeJob(store, aJob({ jobId: worked.jobId }));
    const order: string[] = [];
    const { results, outcomes } = store;
    const save = results.save;
    store.results = {
      ...results,
      save: async (...args) => {
        order.push('result');
        return save(...args);
      },
    };
    store.outcomes = {
      save: async (...args) => {
        order.push('outcome');
        await outcomes.save(...args);
      },
    };
    await settle(store, worked);
    expect(order).toEqual(['result', 'outcome']);
    expect((await store.results.load(worked.jobId))?.results).toMatchObject([{ providerId: 'gas', json: '"gas"' }]);
  });

  test('saves the digest, the number of chunks and the expiry of each stored result', async () => {
    const store = createFakeJobStore();
    const worked = aWorkedJob({ results: [fetched('gas'), unavailable('internet')] });
    await storeJob(store, aJob({ jobId: worked.jobId }));
    await settle(store, worked);
    const [gas] = store.jobs.get(worked.jobId)?.results ?? [];
    const stored = store.stored.get(worked.jobId)?.get('gas');
    expect(gas).toMatchObject({ digest: '"gas"', chunks: 1, keptUntil: stored?.expiresAt });
    // In epoch seconds, as DynamoDB's TTL expects: an item with milliseconds would never be deleted.
    const lifeOfJob = { phase: 'FETCHING' as const, deadlineAt: NOW + 86_400_000, callbackAttempts: 0 };
    expect(stored?.expiresAt).toBe(keptUntil(lifeOfJob, NOW, policy));
  });

  test('renews a stored result only if it could expire before the job', async () => {
    const store = createFakeJobStore();
    const worked = aWorkedJob({ providers: ['internet'], results: [unavailable('internet')], checkpointed: true });
    const renewals: unknown[] = [];
    const { renew } = store.results;
    store.results.renew = async (...args) => {
      renewals.push(args);
      return renew(...args);
    };
    const renewalsAfter = async (keptUntil: number) => {
      store.jobs.delete(worked.jobId);
      const gas = {
        providerId: 'gas',
        status: 'FETCHED' as const,
        fetchedAt: NOW,
        bytes: 5,
        digest: 'd',
        chunks: 1,
        keptUntil,
      };
      await storeJob(store, aJob({ jobId: worked.jobId, results: [gas] }));
      await settle(store, worked);
      return renewals.length;
    };
    const lastRenewedUntil = () => (renewals.at(-1) as unknown[])?.[2];
    const inAWeek = NOW / 1000 + 7 * 86_400;
    expect([await renewalsAfter(inAWeek + 2 * 86_400), await renewalsAfter(inAWeek - 3 * 86_400)]).toEqual([0, 1]);
    expect(lastRenewedUntil()).toBe(firstKeptUntil(NOW, 86_400_000, policy));
  });

  test('leaves no result of a claim that becomes stale before its outcome is written', async () => {
    const store = createFakeJobStore();
    const worked = aWorkedJob({ results: [fetched('gas'), unavailable('internet')] });
    const job = aJob({ jobId: worked.jobId });
    await storeJob(store, job);
    const { save } = store.outcomes;
    store.outcomes.save = async (...args) => {
      const cancelledJob = cancelled(job, { now: NOW, retentionMs: 60_000 });
      await store.control.replace(job, cancelledJob);
      return save(...args);
    };
    await settle(store, worked);
    expect(store.stored.get(worked.jobId)?.size).toBe(0);
  });

  test("leaves no result of a stale claim's fetches, nor of a save that ends after another save failed", async () => {
    const store = createFakeJobStore();
    const { results } = store;
    const worked = aWorkedJob({ order: ['gas', 'internet', 'phone'], results: [fetched('gas'), fetched('internet')] });
    const job = aJob({ jobId: worked.jobId, providers: worked.order });
    await storeJob(store, job);
    const large = { providerId: 'phone', fetchedAt: NOW, bytes: 9, json: '"a large"' };
    const stored = await results.save(worked.jobId, 1, large, NOW);
    const { json: _json, ...phone } = { ...fetched('phone'), stored };
    await store.control.replace(job, cancelled(job, { now: NOW, retentionMs: 60_000 }));
    await settle(store, { ...worked, results: [...worked.results, phone] });
    expect(store.stored.get(worked.jobId)?.size).toBe(0);

    // Gas was stored by a newer claim meanwhile; internet's save takes longer to succeed than gas's to fail.
    const otherJob = aJob({ jobId: aJob().jobId, providers: worked.order });
    await storeJob(store, otherJob);
    const { save } = results;
    results.save = async (jobId, claims, result, expiresAt) => {
      if (result.providerId === 'gas') throw new StaleClaim('stale');
      await new Promise((resolve) => setImmediate(resolve));
      await store.control.replace(otherJob, cancelled(otherJob, { now: NOW, retentionMs: 60_000 }));
      return save(jobId, claims, result, expiresAt);
    };
    await settle(store, { ...worked, jobId: otherJob.jobId });
    expect(store.stored.get(otherJob.jobId)?.size ?? 0).toBe(0);
  });

  test('counts internal faults by task, and logs each with its cause', async () => {
    const store = createFakeJobStore();
    const worked = aWorkedJob({ results: [notAttempted('gas'), fetched('internet')] });
    await storeJob(store, aJob({ jobId: worked.jobId }));
    const counts: unknown[] = [];
    const metrics = { ...unguarded.metrics, count: (...metric: unknown[]) => void counts.push(metric) };
    const deps = { ...commonDeps(), ...store, jobs: store.reader, metrics };
    await settleJob(deps, { job: worked });
    await settleJob(deps, { job: { ...worked, results: [] }, deliveryError: NOT_SENT });
    expect(counts).toEqual([
      ['OwnFaults', { task: 'provider-fetch' }],
      ['OwnFaults', { task: 'callback-deliver' }],
    ]);
    const errors = deps.log.lines.filter(({ level }) => level === 'error');
    expect(errors).toMatchObject([
      { data: { cause: 'Lambda.TooManyRequestsException' } },
      { data: { cause: 'LeaseLost' } },
    ]);
  });

  test('changes nothing if its claim is not the newest', async () => {
    const store = createFakeJobStore();
    const worked = aWorkedJob();
    const job = aJob({ jobId: worked.jobId, claims: 2 });
    await storeJob(store, job);
    await settle(store, worked);
    expect(store.jobs.get(worked.jobId)).toEqual(job);
    expect((await store.results.load(worked.jobId))?.results).toEqual([]);
  });
});

describe('claiming due jobs', () => {
  const claim = async (store: ReturnType<typeof createFakeJobStore>, change = {}, claimedBefore = 0) =>
    claimDueJobs(
      {
        ...commonDeps(),
        due: store.due,
        outcomes: store.outcomes,
        findClient,
        shardCount: 2,
        lastPause: async () => undefined,
        maxJobsPerSweep: 100,
        ...change,
      },
      claimedBefore,
    );
  const storeWithDueJobs = async (count: number, change = {}) => {
    const store = createFakeJobStore();
    for (let index = 0; index < count; index += 1) await storeJob(store, aJob({ dueAt: NOW, ...change }));
    return store;
  };

  test('claims every due job once, in batches of at most 40', async () => {
    const { batches, more, claimed } = await claim(await storeWithDueJobs(95));
    const ids = batches.flat().map((job) => job.jobId);
    // Jobs created with a lease have been claimed before, so each is in a batch of its own.
    expect([new Set(ids).size, ids.length, claimed, more]).toEqual([95, 95, 95, false]);
    const neverClaimed = await claim(await storeWithDueJobs(95, { claimsSinceOutcome: 0 }));
    expect(neverClaimed.batches.map((batch) => batch.length)).toEqual([40, 40, 15]);
  });

  test('claims no more than maxJobsPerSweep, including the jobs claimed by earlier passes', async () => {
    const store = await storeWithDueJobs(30, { claimsSinceOutcome: 0 });
    expect(await claim(store, { lastPause: async () => undefined, maxJobsPerSweep: 25 }, 5)).toMatchObject({
      claimed: 25,
      more: false,
    });
  });

  test('skips a job that cannot be claimed', async () => {
    const store = await storeWithDueJobs(10, { claimsSinceOutcome: 0 });
    const { claim: claimJob } = store.due;
    let calls = 0;
    const due = {
      ...store.due,
      claim: async (...args: Parameters<typeof claimJob>) => {
        calls += 1;
        if (calls === 4) throw new Error('down');
        return claimJob(...args);
      },
    };
    expect((await claim(store, { due })).claimed).toBe(9);
  });

  test('ends a job that was claimed more than twenty times in over a week without an outcome', async () => {
    const store = await storeWithDueJobs(1, { claimsSinceOutcome: 20, updatedAt: NOW - 7 * 86_400_000 - 1 });
    expect((await claim(store)).batches).toEqual([]);
    expect([...store.jobs.values()]).toMatchObject([{ status: 'FAILED', failure: { code: 'NEVER_SETTLED' } }]);
  });
});
