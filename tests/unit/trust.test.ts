import { parseCatalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import type { FindClient } from '@boomerang/core/ports/clients.ts';
import { type FindSecret, SecretMissing } from '@boomerang/core/ports/secrets.ts';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { deliverCallback } from '../../functions/callback-deliver/deliver-callback.ts';
import { claimDueJobs } from '../../functions/job-claim/claim-due-jobs.ts';
import { settleJob } from '../../functions/job-settle/settle-job.ts';
import { fetchProvider } from '../../functions/provider-fetch/fetch-provider.ts';
import { acceptJob, IdempotencyKeyReused } from '../../functions/webhook/accept-job.ts';
import { aJob, aLog, aWorkedJob, CLIENT_ID, LEASE_MS, NOT_SENT, NOW, storeJob, unguarded } from '../builders.ts';
import { createFakeExecutions } from '../fakes/executions.ts';
import { createFakeHttp, type ScriptedResponse } from '../fakes/http.ts';
import { createFakeJobStore, type JobStore } from '../fakes/job-store.ts';

const policy = { schedule: { stepsMs: [1_000] as const }, patienceMs: 600_000, retentionMs: 60_000 };
const findRevoked: FindClient = async () => ({ secrets: [], revokedAt: NOW });
const findNone: FindClient = async () => undefined;
const failToFind: FindClient = async () => {
  throw new Error('down');
};

/** Dependencies of callback-deliver and job-settle. */
const depsWith = (store: JobStore) => ({
  ...unguarded,
  ...store,
  jobs: store.reader,
  now: () => NOW,
  random: () => 0,
  log: aLog(),
  policy,
  userAgent: 'test',
});

describe('a job of a revoked client', () => {
  const claim = async (find: FindClient) => {
    const store = createFakeJobStore();
    await storeJob(store, aJob({ dueAt: NOW, claimsSinceOutcome: 0 }));
    const sweep = await claimDueJobs(
      {
        ...unguarded,
        ...store,
        findClient: find,
        now: () => NOW,
        random: () => 0,
        log: aLog(),
        policy,
        leaseMs: LEASE_MS,
        shardCount: 1,
        lastPause: async () => undefined,
        maxJobsPerSweep: 10,
      },
      0,
    );
    return { batches: sweep.batches, job: [...store.jobs.values()][0] };
  };

  test.each([
    ['revoked', findRevoked],
    ['deleted', findNone],
  ])('ends when it is claimed and its client is %s', async (_name, find) => {
    const { batches, job } = await claim(find);
    expect(batches).toEqual([]);
    expect(job).toMatchObject({ status: 'FAILED', failure: { code: 'CLIENT_REVOKED' } });
    expect(job?.dueAt).toBeUndefined();
  });

  test('is claimed when its client cannot be looked up', async () => {
    expect((await claim(failToFind)).batches).toHaveLength(1);
  });

  test('ends without a callback', async () => {
    const claim = aWorkedJob();
    const store = createFakeJobStore();
    await storeJob(store, aJob({ jobId: claim.jobId }));
    const { send, requests } = createFakeHttp();
    const deps = { ...depsWith(store), findClient: findRevoked, send };
    await expect(deliverCallback(deps, claim)).rejects.toMatchObject({
      name: 'CallbackRejected',
      failure: { class: 'client_revoked' },
    });
    expect(requests).toEqual([]);
    const deliveryError = { kind: 'refused', reason: 'client_revoked', failure: { class: 'client_revoked' } } as const;
    await settleJob(depsWith(store), { job: claim, deliveryError });
    expect(store.jobs.get(claim.jobId)).toMatchObject({
      status: 'FAILED',
      callbackAttempts: 0,
      failure: { code: 'CLIENT_REVOKED' },
    });
  });

  test('is retried without using up attempts while its client cannot be looked up', async () => {
    const claim = aWorkedJob();
    const store = createFakeJobStore();
    await storeJob(store, aJob({ jobId: claim.jobId }));
    const { send, requests } = createFakeHttp();
    const deps = { ...depsWith(store), findClient: failToFind, send };
    await expect(deliverCallback(deps, claim)).rejects.toMatchObject({ name: 'CallbackNotSent' });
    expect(requests).toEqual([]);
    await settleJob(depsWith(store), { job: claim, deliveryError: NOT_SENT });
    expect(store.jobs.get(claim.jobId)).toMatchObject({ status: 'PENDING', callbackAttempts: 0, dueAt: NOW + 30_000 });
  });
});

describe('an idempotency key', () => {
  const createWorld = () => {
    const store = createFakeJobStore();
    const { startExecution, started } = createFakeExecutions();
    let now = NOW;
    const deps = {
      ...unguarded,
      intake: store.intake,
      control: store.control,
      startExecution,
      newId: uuidv7,
      now: () => now,
      log: aLog(),
      leaseMs: LEASE_MS,
      fetchDeadlineMs: 1,
    };
    const body = { providers: ['gas'], callbackUrl: 'https://example.com/' };
    return {
      store,
      started,
      advance: (ms: number) => {
        now += ms;
      },
      accept: (change: object = {}, key: string | undefined = 'key', clientId = CLIENT_ID) =>
        acceptJob(deps, { clientId, idempotencyKey: key, body: { ...body, ...change } }),
    };
  };

  test('creates one job for many requests, and starts it once', async () => {
    const { accept, started } = createWorld();
    const first = await accept();
    const second = await accept();
    expect([first.isReplayed, second.isReplayed]).toEqual([false, true]);
    expect(second.job.jobId).toBe(first.job.jobId);
    expect(second.job.createdAt).toBe(first.job.createdAt);
    expect(started).toHaveLength(1);
  });

  test('is rejected for another request, and scoped to its client', async () => {
    const { accept, started } = createWorld();
    await accept();
    await expect(accept({ providers: ['internet'] })).rejects.toBeInstanceOf(IdempotencyKeyReused);
    await expect(accept({ callbackUrl: 'https://example.com/other' })).rejects.toBeInstanceOf(IdempotencyKeyReused);
    expect((await accept({}, 'key', 'another')).isReplayed).toBe(false);
    expect(started).toHaveLength(2);
  });

  test('can be used again when its job has expired, and the next job continues the claim count', async () => {
    const { accept, store, advance } = createWorld();
    const { job } = await accept();
    store.jobs.set(job.jobId, { ...job, claims: 7, expiresAt: NOW / 1000 + 1 });
    advance(2_000);
    const next = await accept({ providers: ['internet'] });
    expect(next).toMatchObject({ isReplayed: false, job: { jobId: job.jobId, claims: 8, providers: ['internet'] } });
  });
});

describe("a provider's credential", () => {
  const catalogueWith = (auth: unknown) =>
    JSON.stringify({ providers: [{ id: 'gas', url: 'https://example.com', auth }] });
  let clock = NOW;
  beforeEach(() => {
    clock = NOW;
  });
  const fetchWith = async (findSecret: FindSecret, ...responses: ScriptedResponse[]) => {
    const catalogue = parseCatalogue(catalogueWith({ header: 'X-Api-Key', secret: 'gas-key' }), {});
    const { send, requests } = createFakeHttp(...responses);
    const store = createFakeJobStore();
    const metricCalls: unknown[] = [];
    const log = aLog();
    const deps = {
      ...unguarded,
      catalogue,
      send,
      findSecret,
      results: store.results,
      jobs: store.reader,
      now: () => clock,
      log,
      fetchDeadlineMs: 86_400_000,
      policy,
      metrics: { ...unguarded.metrics, count: (...metric: unknown[]) => void metricCalls.push(metric) },
    };
    const fetch = fetchProvider(deps, { jobId: 'id', claims: 1, leasedUntil: NOW + LEASE_MS, providerId: 'gas' });
    return {
      requests,
      log,
      metricCalls,
      error: await fetch.then(
        () => undefined,
        (error: unknown) => error,
      ),
    };
  };

  test('is sent in the header that the catalogue names', async () => {
    const { requests } = await fetchWith(async (name) => `value of ${name}`);
    expect(requests[0]?.headers).toMatchObject({ 'X-Api-Key': 'value of gas-key' });
  });

  test('is masked in failures, even if the response of the provider contains it', async () => {
    const { error, log } = await fetchWith(async () => 'the-credential', {
      statusCode: 403,
      body: Buffer.from(`${'x'.repeat(190)}the-credential is not known`),
    });
    expect(error).toMatchObject({ name: 'ProviderRefused' });
    expect((error as Error).message).toContain('***');
    expect((error as Error).message + JSON.stringify(log.lines)).not.toContain('the-cred');
  });

  test('that is missing defers the job, without a call', async () => {
    const { error, requests } = await fetchWith(async () => {
      throw new SecretMissing('the secret gas-key is not set');
    });
    expect(error).toMatchObject({ name: 'CredentialMissing', failure: { class: 'internal' } });
    expect(requests).toEqual([]);
  });

  test('that the provider rejects is read again, and sent once more', async () => {
    let reads = 0;
    const findSecret: FindSecret = async (_name, { bypassCache = false } = {}) => {
      reads += 1;
      return bypassCache ? 'new' : 'old';
    };
    const { requests, error, metricCalls } = await fetchWith(findSecret, { statusCode: 401 }, {});
    expect(requests.map(({ headers }) => headers?.['X-Api-Key'])).toEqual(['old', 'new']);
    expect([error, reads, metricCalls]).toEqual([undefined, 2, []]);
  });

  test.each([9_001, 14_000])(
    'that is rejected after %i ms is read again, though no time is left for another call',
    async (ms) => {
      const reads: boolean[] = [];
      const findSecret: FindSecret = async (_name, { bypassCache = false } = {}) => {
        reads.push(bypassCache);
        clock += ms;
        return bypassCache ? 'new' : 'old';
      };
      const { requests, error } = await fetchWith(findSecret, { statusCode: 401 });
      expect([requests.length, reads, (error as Error).name]).toEqual([1, [false, true], 'CredentialRefused']);
    },
  );

  test('that the provider rejects twice fails with CredentialRefused, logged as an error and counted by provider', async () => {
    const { requests, error, log, metricCalls } = await fetchWith(async () => 'old', { statusCode: 401 });
    expect(requests).toHaveLength(2);
    expect(error).toMatchObject({
      name: 'CredentialRefused',
      failure: { class: 'credential_refused', statusCode: 401 },
    });
    expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([{ data: { providerId: 'gas' } }]);
    expect(metricCalls).toContainEqual(['CredentialsRefused', { provider: 'gas' }]);
  });

  test('that gets 403 is refused permanently after one call', async () => {
    const { requests, error } = await fetchWith(async () => 'old', { statusCode: 403 });
    expect([requests.length, (error as Error).name]).toEqual([1, 'ProviderRefused']);
  });

  test.each([
    { header: 'Host', secret: 'x' },
    { header: 'content-length', secret: 'x' },
    { header: 'a b', secret: 'x' },
    { header: 'a\r\nb', secret: 'x' },
    { header: 'x-api-key', secret: '../other' },
    { header: 'x-api-key', secret: '' },
    { header: 'x-api-key', secret: 'x', value: 'in the open' },
    { header: 'x-api-key' },
  ])('cannot be %j', (auth) => {
    expect(() => parseCatalogue(catalogueWith(auth), {})).toThrow(/auth/);
  });
});
