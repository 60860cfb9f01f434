import { randomBytes } from 'node:crypto';
import {
  BatchGetItemCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateScan,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { createDynamoDueJobs } from '@boomerang/core/adapters/dynamo/due-jobs.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { createDynamoJobOutcomes } from '@boomerang/core/adapters/dynamo/job-outcomes.ts';
import { createDynamoJobList, createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import {
  createDynamoResultExpunger,
  createDynamoResultReader,
  createDynamoResultRemover,
  createDynamoResultRenewer,
  createDynamoResultWriter,
} from '@boomerang/core/adapters/dynamo/result-store.ts';
import { jobKey } from '@boomerang/core/adapters/dynamo/table.ts';
import { cancelled, expunged, redriven } from '@boomerang/core/domain/control.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import type { Job, JobStatus } from '@boomerang/core/domain/job.ts';
import { isSelected, type JobFilter } from '@boomerang/core/domain/job-filter.ts';
import type { Settlement } from '@boomerang/core/domain/settle.ts';
import type { DueEntry } from '@boomerang/core/ports/jobs.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createReadStats } from '../../functions/job-read/read-stats.ts';
import { readTemplate } from '../../local/template.ts';
import { aJob, LEASE_MS, NOW, storeJob } from '../builders.ts';
import { createFakeJobStore, type FakeJobStore, type JobStore } from '../fakes/job-store.ts';
import { inProcessRows, startTables, type Tables } from './database.ts';

const SHARDS = 3;

let database: Tables;
let client: DynamoDBClient;

beforeAll(async () => {
  database = await startTables();
  client = database.client;
});

afterAll(async () => database.close());

const createDynamo = (through = client): JobStore => {
  const table = { client: through, tableName: 'JobTable', shardCount: SHARDS };
  return {
    intake: createDynamoJobIntake(table),
    control: createDynamoJobControl(table),
    due: createDynamoDueJobs(table),
    outcomes: createDynamoJobOutcomes(table),
    results: {
      ...createDynamoResultWriter(table),
      ...createDynamoResultReader(table),
      ...createDynamoResultExpunger(table),
      ...createDynamoResultRenewer(table),
      ...createDynamoResultRemover(table),
    },
    reader: { ...createDynamoJobReader(table), ...createDynamoJobList(table) },
  };
};

/** The expiry times of a job's stored results, read from the table or the fake. */
const expiriesOf = async (store: JobStore, jobId: string): Promise<Set<number>> => {
  if ('stored' in store) {
    const { stored } = store as FakeJobStore;
    return new Set([...(stored.get(jobId)?.values() ?? [])].map(({ expiresAt }) => expiresAt));
  }
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: 'JobTable',
      KeyConditionExpression: 'jobId = :jobId AND begins_with(itemId, :results)',
      ExpressionAttributeValues: { ':jobId': { S: jobId }, ':results': { S: 'PROVIDER#' } },
      ProjectionExpression: 'expiresAt',
    }),
  );
  return new Set(Items.map(({ expiresAt }) => Number(expiresAt?.N)));
};

const aSettlement = (change: Partial<Settlement> = {}): Settlement => ({
  status: 'PENDING',
  phase: 'FETCHING',
  results: [],
  attempt: { number: 1, trigger: 'immediate', endedAt: NOW, fetches: [] },
  fetchAttempts: 1,
  callbackAttempts: 0,
  updatedAt: NOW,
  dueAt: NOW + 1_000,
  ...change,
});

const { dueAt: _, ...ending } = aSettlement({ status: 'COMPLETE', expiresAt: NOW / 1000 + 60 });

describe.each<[string, () => JobStore]>([
  ['the fake', createFakeJobStore],
  ['DynamoDB', createDynamo],
  ...inProcessRows<[string, () => JobStore]>(['DynamoDB in process', () => createDynamo(database.inProcess)]),
])('a job store, %s', (_name, create) => {
  const createJob = async (store: JobStore, change: Partial<Job> = {}): Promise<Job> => {
    const job = aJob(change);
    await storeJob(store, job);
    return job;
  };
  const dueEntries = async (store: JobStore, now: number): Promise<DueEntry[]> => {
    const entries: DueEntry[] = [];
    for (let shard = 0; shard < SHARDS; shard += 1) {
      for await (const page of store.due.find(shard, now)) entries.push(...page);
    }
    return entries;
  };
  const dueIds = async (store: JobStore, now: number) => (await dueEntries(store, now)).map((entry) => entry.jobId);
  const listAll = async (
    store: JobStore,
    clientId: string,
    limit: number,
    status?: JobStatus,
    span: { from?: number; to?: number } = {},
  ): Promise<string[]> => {
    const listed: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.reader.list({ clientId, statuses: status && [status], limit, after, now: NOW, ...span });
      expect(page.jobs.length).toBeLessThanOrEqual(limit);
      if (after !== undefined && page.cursor !== undefined) expect(page.cursor < after).toBe(true);
      listed.push(...page.jobs.map((job) => job.jobId));
      after = page.cursor;
    } while (after !== undefined);
    return listed;
  };

  test('returns a job as it was stored', async () => {
    const store = create();
    const job = await createJob(store);
    expect(await store.reader.get(job.jobId, NOW)).toEqual(job);
    expect(await store.reader.get('01a20b4c-cf47-716b-85d8-000000000000', NOW)).toBeUndefined();
  });

  const INPUT = {
    parameters: {
      gas: { account: '0012', ratio: 1e-7, far: 1e300, tiny: 5e-324, zero: -0, isNew: false, 'é😀': '"\\\u0000' },
      constructor: { a: 1 },
    },
    metadata: { orderId: 'A-42', empty: '', text: '\u2028 \ufffe é 😀' },
  };

  test('returns parameters and metadata unchanged from every read', async () => {
    const store = create();
    const job = await createJob(store, { ...INPUT, dueAt: NOW });
    // JSON.stringify writes -0 as 0.
    const stored = { ...job, parameters: { ...INPUT.parameters, gas: { ...INPUT.parameters.gas, zero: 0 } } };
    expect(await store.reader.get(job.jobId, NOW)).toEqual(stored);
    expect((await store.reader.getWithData(job.jobId, NOW))?.job).toEqual(stored);
    expect((await store.results.load(job.jobId))?.job).toEqual(stored);
    expect((await store.intake.find(job.jobId, NOW))?.job).toEqual(stored);
    const { parameters, metadata } = stored;
    const claimed = await store.due.claim({ jobId: job.jobId, claims: 1, dueAt: NOW }, NOW, LEASE_MS);
    expect(claimed).toMatchObject({ claims: 2, parameters, metadata, providers: job.providers });
    await store.outcomes.save(job.jobId, 2, ending);
    expect(await store.reader.get(job.jobId, NOW)).toMatchObject({ status: 'COMPLETE', parameters, metadata });
  });

  test('keeps parameters and metadata when a job is redriven, and deletes them when it is expunged', async () => {
    const store = create();
    const job = await createJob(store, { ...INPUT, round: 1 });
    await store.outcomes.save(job.jobId, 1, ending);
    const read = async () => (await store.reader.get(job.jobId, NOW)) as Job;
    const ended = await read();
    const again = redriven(ended, [], { now: NOW, leaseMs: LEASE_MS, fetchDeadlineMs: 1_000 });
    await store.control.replace(ended, again);
    expect(await read()).toEqual(again);
    expect(again).toMatchObject({ parameters: ended.parameters, metadata: INPUT.metadata });
    const expungedJob = expunged(again, NOW);
    await store.control.replace(again, expungedJob);
    expect(await read()).toEqual(expungedJob);
    expect(expungedJob).toMatchObject({ isInputDeleted: true, providers: job.providers });
    expect('parameters' in expungedJob || 'metadata' in expungedJob).toBe(false);
  });

  test('finds the request that created a job until the job expires', async () => {
    const store = create();
    const job = await createJob(store);
    expect(await store.intake.find(job.jobId, NOW)).toEqual({ job, requestHash: 'hash' });
    expect(await store.intake.find(aJob().jobId, NOW)).toBeUndefined();
    await store.outcomes.save(job.jobId, 1, ending);
    const expiry = (ending.expiresAt ?? 0) * 1000;
    expect(await store.intake.find(job.jobId, expiry - 1)).toMatchObject({ requestHash: 'hash' });
    expect(await store.intake.find(job.jobId, expiry)).toBeUndefined();
  });

  test('finds a job as due when its lease has expired, and not before', async () => {
    const store = create();
    const { jobId } = await createJob(store);
    expect(await dueIds(store, NOW + LEASE_MS - 1)).not.toContain(jobId);
    expect(await dueIds(store, NOW + LEASE_MS)).toContain(jobId);
  });

  test('gives a due job to exactly one of many concurrent claims', async () => {
    const store = create();
    const { jobId } = await createJob(store, { dueAt: NOW });
    const claimed = await Promise.all(
      Array.from({ length: 10 }, () => store.due.claim({ jobId, claims: 1, dueAt: NOW }, NOW, LEASE_MS)),
    );
    const winners = claimed.filter((job) => job !== undefined);
    expect(winners).toHaveLength(1);
    expect(winners[0]).toMatchObject({
      claims: 2,
      claimsSinceOutcome: 2,
      dueAt: NOW + LEASE_MS,
      leasedUntil: NOW + LEASE_MS,
    });
  });

  test('refuses to claim a job before it is due', async () => {
    const store = create();
    const { jobId } = await createJob(store);
    expect(await store.due.claim({ jobId, claims: 1, dueAt: NOW }, NOW, LEASE_MS)).toBeUndefined();
  });

  test('makes a released job due at once, and lets only its holder release it', async () => {
    const store = create();
    const { jobId } = await createJob(store);
    await expect(store.control.release(jobId, 2, NOW)).rejects.toThrow(StaleClaim);
    await store.control.release(jobId, 1, NOW);
    expect(await dueIds(store, NOW)).toContain(jobId);
    expect((await store.reader.get(jobId, NOW))?.leasedUntil).toBeUndefined();
  });

  test('saves one outcome for each claim, from its holder only', async () => {
    const store = create();
    const { jobId } = await createJob(store, { dueAt: NOW });
    await store.due.claim({ jobId, claims: 1, dueAt: NOW }, NOW, LEASE_MS);
    await expect(store.outcomes.save(jobId, 1, aSettlement())).rejects.toThrow(StaleClaim);
    await store.outcomes.save(jobId, 2, aSettlement());
    await expect(store.outcomes.save(jobId, 2, aSettlement())).rejects.toThrow(StaleClaim);
    const job = await store.reader.get(jobId, NOW);
    expect(job).toMatchObject({
      fetchAttempts: 1,
      claimsSinceOutcome: 0,
      dueAt: NOW + 1_000,
      attemptLog: [{ number: 1 }],
    });
    expect(job?.leasedUntil).toBeUndefined();
  });

  test('never finds a job as due after it has ended, and hides it when it expires', async () => {
    const store = create();
    const { jobId } = await createJob(store);
    await store.outcomes.save(jobId, 1, ending, [{ providerId: 'gas', fetchedAt: NOW, bytes: 4, json: 'null' }]);
    expect(await dueIds(store, Number.MAX_SAFE_INTEGER)).not.toContain(jobId);
    expect((await store.reader.get(jobId, NOW))?.status).toBe('COMPLETE');
    expect(await store.reader.get(jobId, NOW + 60_000)).toBeUndefined();
  });

  test('keeps the last twenty attempts', async () => {
    const store = create();
    const { jobId } = await createJob(store, { dueAt: NOW });
    for (let claims = 1; claims <= 24; claims += 1) {
      if (claims > 1) await store.due.claim({ jobId, claims: claims - 1, dueAt: NOW }, NOW, LEASE_MS);
      const attempt = { number: claims, trigger: 'scheduled' as const, endedAt: NOW, fetches: [] };
      await store.outcomes.save(jobId, claims, aSettlement({ attempt, dueAt: NOW }));
    }
    const numbers = (await store.reader.get(jobId, NOW))?.attemptLog.map((attempt) => attempt.number);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => index + 5));
  });

  test.each([10, 20_000, 1_048_576])('stores a result of %i bytes unchanged', async (bytes) => {
    const store = create();
    const { jobId } = await createJob(store);
    const json = JSON.stringify(
      randomBytes(bytes)
        .toString('base64')
        .slice(0, bytes - 2),
    );
    const result = { providerId: 'gas', fetchedAt: NOW, bytes, json };
    await store.results.save(jobId, 1, result, NOW);
    const loaded = await store.results.load(jobId);
    expect(loaded?.job.jobId).toBe(jobId);
    expect(loaded?.results).toHaveLength(1);
    expect(loaded?.results[0]?.json === json).toBe(true);
  });

  test('refuses to replace a result with one of a stale claim', async () => {
    const store = create();
    const { jobId } = await createJob(store);
    const result = (json: string) => ({ providerId: 'gas', fetchedAt: NOW, bytes: json.length, json });
    await store.results.save(jobId, 2, result('"new"'), NOW);
    await expect(store.results.save(jobId, 1, result('"old"'), NOW)).rejects.toThrow(StaleClaim);
    expect((await store.results.load(jobId))?.results[0]?.json).toBe('"new"');
  });

  test('lists the jobs of a client newest first, for every page size and status', async () => {
    const store = create();
    const clientId = `client-${randomBytes(4).toString('hex')}`;
    const ids: string[] = [];
    for (let index = 0; index < 30; index += 1) {
      // Two jobs are created in each millisecond.
      const { jobId } = await createJob(store, { clientId, createdAt: NOW + Math.floor(index / 2) });
      if (index % 10 === 0) await store.outcomes.save(jobId, 1, { ...ending, status: 'FAILED' });
      ids.push(jobId);
    }
    for (const limit of [1, 4, 100]) {
      expect(await listAll(store, clientId, limit)).toEqual([...ids].sort().reverse());
      expect((await listAll(store, clientId, limit, 'FAILED')).sort()).toEqual(
        [0, 10, 20].map((index) => ids[index]).sort(),
      );
      expect(await listAll(store, clientId, limit, 'PENDING')).toHaveLength(27);
    }
  });

  test('creates one of many jobs with the same id, and recognises a repeated request', async () => {
    const store = create();
    const job = aJob();
    const requests = Array.from({ length: 50 }, (_, index) =>
      store.intake.create(job, { requestId: `request-${index}`, requestHash: `hash-${index}` }, NOW),
    );
    const created = await Promise.all(requests);
    const [first, ...others] = created.filter(({ isNew }) => isNew);
    expect(others).toEqual([]);
    expect(new Set(created.map(({ requestHash }) => requestHash))).toEqual(new Set([first?.requestHash]));
    expect(created.every(({ job: stored }) => stored.jobId === job.jobId && stored.claims === 1)).toBe(true);
    const requestId = first?.requestHash?.replace('hash', 'request') ?? '';
    const repeated = await store.intake.create(job, { requestId, requestHash: 'any' }, NOW);
    expect(repeated).toMatchObject({ isNew: true, requestHash: first?.requestHash });
  });

  test('replaces an expired job with the same id, and continues its claim count', async () => {
    const store = create();
    const job = await createJob(store);
    await store.outcomes.save(job.jobId, 1, ending);
    const expiry = (ending.expiresAt ?? 0) * 1000;
    const request = { requestId: 'next', requestHash: 'next' };
    expect(await store.intake.create(job, request, expiry - 1)).toMatchObject({ isNew: false });
    const next = await store.intake.create(aJob({ jobId: job.jobId }), request, expiry);
    expect(next).toMatchObject({ isNew: true, job: { claims: 2, status: 'PENDING' } });
    expect(await store.reader.get(job.jobId, expiry)).toMatchObject({ claims: 2, status: 'PENDING', results: [] });
  });

  test('hides a job from the millisecond in which it expires, even before it is deleted', async () => {
    const store = create();
    const clientId = `client-${randomBytes(4).toString('hex')}`;
    const { jobId } = await createJob(store, { clientId });
    await store.outcomes.save(jobId, 1, ending);
    const expiry = (ending.expiresAt ?? 0) * 1000;
    const seen = async (now: number) => [
      (await store.reader.get(jobId, now))?.jobId,
      (await store.reader.getWithData(jobId, now))?.job.jobId,
      (await store.reader.list({ clientId, limit: 1, now })).jobs[0]?.jobId,
    ];
    expect(await seen(expiry - 1)).toEqual([jobId, jobId, jobId]);
    expect(await seen(expiry)).toEqual([undefined, undefined, undefined]);
  });

  test('finds nothing for an unknown job, and refuses to change it', async () => {
    const store = create();
    const { jobId } = aJob();
    expect(await store.results.load(jobId)).toBeUndefined();
    expect(await store.due.claim({ jobId, claims: 1, dueAt: NOW }, NOW, LEASE_MS)).toBeUndefined();
    await expect(store.control.release(jobId, 1, NOW)).rejects.toThrow(StaleClaim);
    await expect(store.outcomes.save(jobId, 1, aSettlement())).rejects.toThrow(StaleClaim);
    const page = await store.reader.list({ clientId: jobId, limit: 10, now: NOW });
    expect(page).toEqual({ jobs: [] });
  });

  test('returns claims and lease with each due job', async () => {
    const store = create();
    const leased = await createJob(store, { dueAt: NOW });
    const waiting = await createJob(store, { dueAt: NOW });
    await store.outcomes.save(waiting.jobId, 1, aSettlement({ dueAt: NOW }));
    const entryOf = async ({ jobId }: Job) => (await dueEntries(store, NOW)).find((entry) => entry.jobId === jobId);
    expect(await entryOf(leased)).toMatchObject({ claims: 1, leasedUntil: NOW + LEASE_MS });
    expect((await entryOf(waiting))?.leasedUntil).toBeUndefined();
  });

  test('finds due jobs oldest first, page by page', async () => {
    const store = create();
    // All in one shard, and more than one page of the DynamoDB adapter.
    const ids: string[] = [];
    for (let index = 0; index < 210; index += 1) {
      const jobId = `${aJob().jobId.slice(0, -8)}00000000`;
      const { dueAt } = await createJob(store, { jobId, dueAt: 1_000 - (index % 7) * 100 - index / 1_000 });
      if (dueAt !== undefined) ids.push(jobId);
    }
    const found: (number | undefined)[] = [];
    for await (const page of store.due.find(0, 1_000)) {
      for (const { jobId } of page) {
        if (ids.includes(jobId)) found.push((await store.reader.get(jobId, NOW))?.dueAt);
      }
    }
    expect(found).toHaveLength(210);
    expect(found).toEqual([...found].sort((a = 0, b = 0) => a - b));
  });

  test('lets a released job be claimed again, and refuses outcomes of its former holder', async () => {
    const store = create();
    const { jobId } = await createJob(store);
    await store.control.release(jobId, 1, NOW);
    await expect(store.outcomes.save(jobId, 1, aSettlement())).rejects.toThrow(StaleClaim);
    await expect(store.control.release(jobId, 1, NOW)).rejects.toThrow(StaleClaim);
    expect(await store.due.claim({ jobId, claims: 1, dueAt: NOW }, NOW, LEASE_MS)).toMatchObject({ claims: 2 });
  });

  test('refuses to release or claim a job that has ended', async () => {
    const store = create();
    const { jobId } = await createJob(store);
    await store.outcomes.save(jobId, 1, ending);
    await expect(store.control.release(jobId, 1, NOW)).rejects.toThrow(StaleClaim);
    expect(
      await store.due.claim({ jobId, claims: 1, dueAt: NOW }, Number.MAX_SAFE_INTEGER / 2, LEASE_MS),
    ).toBeUndefined();
  });

  test('saves an outcome after the lease has expired if the job was not claimed again', async () => {
    const store = create();
    const { jobId } = await createJob(store, { dueAt: 1, leasedUntil: 1 });
    await store.outcomes.save(jobId, 1, aSettlement({ callbackAttempts: 1 }));
    expect(await store.reader.get(jobId, NOW)).toMatchObject({ fetchAttempts: 1, callbackAttempts: 1 });
  });

  test('stores every field of an outcome', async () => {
    const store = create();
    const job = await createJob(store);
    const attempt = {
      number: 1,
      trigger: 'immediate' as const,
      endedAt: NOW,
      fetches: [{ providerId: 'gas', status: 'OK' as const, statusCode: 200, durationMs: 1.5 }],
      callback: { status: 'FAILED' as const, class: 'timeout' },
    };
    const { attempt: _, ...settlement } = aSettlement({
      phase: 'CALLING_BACK',
      results: [
        { providerId: 'gas', status: 'FETCHED', fetchedAt: NOW, bytes: 4 },
        { providerId: 'internet', status: 'REFUSED', error: { class: 'bad_status', statusCode: 404 } },
        {
          providerId: 'water',
          status: 'UNAVAILABLE',
          error: { class: 'still_working' },
          ticket: { url: `https://example.com/${'x'.repeat(2_028)}`, since: NOW, polls: 7 },
          round: 2,
        },
      ],
      fetchAttempts: 1,
      callbackAttempts: 1,
      updatedAt: NOW + 5,
      internalFaults: 2,
      deadlineAt: NOW + 9,
      callbackDeadlineAt: NOW + 10,
      callbackDeferred: { class: 'circuit_open' },
    });
    await store.outcomes.save(job.jobId, 1, { ...settlement, attempt });
    const { leasedUntil: __, ...rest } = job;
    const expected = { ...rest, ...settlement, claimsSinceOutcome: 0, attemptLog: [attempt] };
    expect(await store.reader.get(job.jobId, NOW)).toEqual(expected);
    expect((await store.results.load(job.jobId))?.job).toEqual(expected);
  });

  test('logs no attempt for an outcome without a call; the next outcome clears the deferral of the callback', async () => {
    const store = create();
    const { jobId } = await createJob(store, { dueAt: NOW });
    const { attempt: _, ...settlement } = aSettlement({ callbackDeferred: { class: 'paused' }, dueAt: NOW });
    await store.outcomes.save(jobId, 1, settlement);
    expect(await store.reader.get(jobId, NOW)).toMatchObject({ attemptLog: [], callbackDeferred: { class: 'paused' } });
    await store.due.claim({ jobId, claims: 1, dueAt: NOW }, NOW, LEASE_MS);
    expect((await store.reader.get(jobId, NOW))?.heldSince).toBe(NOW);
    await store.outcomes.save(jobId, 2, aSettlement());
    const job = await store.reader.get(jobId, NOW);
    expect([job?.callbackDeferred, job?.heldSince]).toEqual([undefined, undefined]);
  });

  test('records when a job that is claimed late became due, or when paused sweeps resumed if that was later', async () => {
    const store = create();
    const heldSince = async (pausedUntil?: number) => {
      const { jobId } = await createJob(store, { dueAt: NOW });
      await store.outcomes.save(jobId, 1, aSettlement({ dueAt: NOW }));
      const job = await store.due.claim({ jobId, claims: 1, dueAt: NOW }, NOW + LEASE_MS, LEASE_MS, pausedUntil);
      return job?.heldSince;
    };
    expect(await heldSince()).toBe(NOW);
    expect(await heldSince(NOW - 1)).toBe(NOW);
    expect(await heldSince(NOW + 1_000)).toBe(NOW + 1_000);
    expect(await heldSince(NOW + 2 * LEASE_MS)).toBe(NOW + LEASE_MS);
  });

  test('counts how long a released job is held from its creation, across claims', async () => {
    const store = create();
    const { jobId } = await createJob(store, { updatedAt: NOW - 1 });
    await store.control.release(jobId, 1, NOW + 1);
    expect((await store.reader.get(jobId, NOW))?.heldSince).toBe(NOW - 1);
    await store.due.claim({ jobId, claims: 1, dueAt: NOW + 1 }, NOW + 2, LEASE_MS);
    await store.control.release(jobId, 2, NOW + 3);
    expect((await store.reader.get(jobId, NOW))?.heldSince).toBe(NOW - 1);
  });

  test('delays the next claim longer after each claim without an outcome, without extending the lease', async () => {
    const store = create();
    const { jobId } = await createJob(store);
    let now = NOW + LEASE_MS;
    for (const minutes of [12, 24, 48, 60]) {
      const [entry] = (await dueEntries(store, now)).filter((one) => one.jobId === jobId);
      const job = await store.due.claim(entry as DueEntry, now, LEASE_MS);
      const holdEnd = now + minutes * 60_000;
      expect(job).toMatchObject({ leasedUntil: now + LEASE_MS, dueAt: holdEnd, heldSince: NOW });
      expect((await dueEntries(store, holdEnd - 1)).filter((one) => one.jobId === jobId)).toEqual([]);
      now = holdEnd;
    }
  });

  describe('a stored result', () => {
    const aResult = (length: number) => {
      const json = JSON.stringify(randomBytes(length / 2).toString('hex'));
      return { providerId: 'gas', fetchedAt: NOW, bytes: json.length, json };
    };

    test.each([10, 20_000, 900_000])('of %i bytes is renewed and removed by its key alone', async (length) => {
      const store = create();
      const { jobId } = await createJob(store);
      const result = aResult(length);
      const stored = await store.results.save(jobId, 1, result, NOW / 1000);
      const key = { providerId: 'gas', ...stored };
      expect(await store.results.renew(jobId, key, NOW / 1000 + 60)).toBe(true);
      expect(await expiriesOf(store, jobId)).toEqual(new Set([NOW / 1000 + 60]));
      expect((await store.results.load(jobId))?.results[0]?.json === result.json).toBe(true);
      await store.results.remove(jobId, 2, key);
      expect((await store.results.load(jobId))?.results).toHaveLength(1);
      await store.results.remove(jobId, 1, key);
      expect((await store.results.load(jobId))?.results).toEqual([]);
      expect(await expiriesOf(store, jobId)).toEqual(new Set());
      expect(await store.results.renew(jobId, key, NOW)).toBe(false);
    });

    test('of a stale claim is refused and leaves no chunks', async () => {
      const store = create();
      const { jobId } = await createJob(store);
      await store.results.save(jobId, 2, aResult(900_000), NOW / 1000);
      await expect(store.results.save(jobId, 1, aResult(900_000), NOW / 1000 + 60)).rejects.toThrow(StaleClaim);
      expect(await expiriesOf(store, jobId)).toEqual(new Set([NOW / 1000]));
      expect((await store.results.load(jobId))?.results).toHaveLength(1);
    });

    test('that another execution of the same claim replaced is renewed, with all its chunks', async () => {
      const store = create();
      const { jobId } = await createJob(store);
      const first = await store.results.save(jobId, 1, aResult(900_000), NOW / 1000);
      const last = aResult(900_000);
      await store.results.save(jobId, 1, last, NOW / 1000 + 1);
      expect(await store.results.renew(jobId, { providerId: 'gas', ...first }, NOW / 1000 + 60)).toBe(true);
      expect(await expiriesOf(store, jobId)).not.toContain(NOW / 1000 + 1);
      // Removing the first result keeps the second.
      await store.results.remove(jobId, 1, { providerId: 'gas', ...first });
      expect((await store.results.load(jobId))?.results[0]?.json === last.json).toBe(true);
    });

    // A late callback is better than none.
    test('that has expired can be loaded, renewed and replaced until it is deleted', async () => {
      const store = create();
      const { jobId } = await createJob(store);
      const result = aResult(20_000);
      const key = { providerId: 'gas', ...(await store.results.save(jobId, 1, result, 1)) };
      expect((await store.results.load(jobId))?.results).toEqual([result]);
      expect(await store.results.renew(jobId, key, NOW / 1000)).toBe(true);
      await store.results.save(jobId, 2, aResult(20_000), 1);
      await expect(store.results.save(jobId, 1, result, NOW / 1000)).rejects.toThrow(StaleClaim);
    });

    test('has the given expiry, in epoch seconds, on every chunk', async () => {
      const store = create();
      const { jobId } = await createJob(store);
      await store.results.save(jobId, 1, aResult(900_000), 1_900_000_000);
      expect(await expiriesOf(store, jobId)).toEqual(new Set([1_900_000_000]));
    });
  });

  test('never returns inline data with a job', async () => {
    const store = create();
    const { jobId } = await createJob(store);
    await store.outcomes.save(jobId, 1, ending, [{ providerId: 'gas', fetchedAt: NOW, bytes: 8, json: '"secret"' }]);
    expect(JSON.stringify(await store.reader.get(jobId, NOW))).not.toContain('secret');
  });

  test('stores one result of any size for each provider: the last of the newest claim', async () => {
    const store = create();
    const { jobId } = await createJob(store);
    const large = () => JSON.stringify(randomBytes(500_000).toString('hex'));
    const save = (claims: number, providerId: string, json: string) =>
      store.results.save(jobId, claims, { providerId, fetchedAt: NOW, bytes: Buffer.byteLength(json), json }, NOW);
    const last = large();
    const texts = [large(), '1', '"é😀\u0000"', large(), last];
    for (const [index, json] of texts.entries()) await save(index + 1, 'gas', json);
    // A retried task writes again under the same claim.
    await save(texts.length, 'gas', last);
    await save(1, 'internet', '"é😀"');
    await expect(save(texts.length - 1, 'gas', large())).rejects.toThrow(StaleClaim);
    const { results = [] } = (await store.results.load(jobId)) ?? {};
    const byId = Object.fromEntries(results.map((result) => [result.providerId, result]));
    expect(results).toHaveLength(2);
    expect(byId.gas?.json === last).toBe(true);
    expect(byId.internet).toEqual({ providerId: 'internet', fetchedAt: NOW, bytes: 8, json: '"é😀"' });
  });

  test('lists all jobs of the client that have not expired, and no others', async () => {
    const store = create();
    const clientId = `client-${randomBytes(4).toString('hex')}`;
    const alive: string[] = [];
    await createJob(store, { clientId: `${clientId}-2` });
    for (let index = 0; index < 40; index += 1) {
      const { jobId } = await createJob(store, { clientId, createdAt: NOW + index });
      const isExpired = index % 3 !== 0;
      if (index % 2 === 0) {
        const expiresAt = NOW / 1000 + (isExpired ? 0 : 1);
        await store.outcomes.save(jobId, 1, { ...ending, status: 'PARTIAL', expiresAt });
      }
      if (index % 2 !== 0 || !isExpired) alive.push(jobId);
    }
    const found = { all: await listAll(store, clientId, 3), partial: await listAll(store, clientId, 3, 'PARTIAL') };
    expect(found.all).toEqual([...alive].sort().reverse());
    expect(found.partial).toHaveLength(7);
  });

  test('lists the few jobs with a status among many', async () => {
    const store = create();
    const clientId = `client-${randomBytes(4).toString('hex')}`;
    const statuses = ['COMPLETE', 'FAILED', 'PARTIAL'] as const;
    const wanted = new Map<string, string[]>(statuses.map((status) => [status, []]));
    for (let index = 0; index < 150; index += 1) {
      const { jobId } = await createJob(store, { clientId, createdAt: NOW + index });
      const status = index % 40 === 0 ? statuses[(index / 40) % 3] : undefined;
      if (!status) continue;
      await store.outcomes.save(jobId, 1, { ...ending, status });
      wanted.get(status)?.unshift(jobId);
    }
    for (const status of statuses) {
      for (const limit of [1, 20]) expect(await listAll(store, clientId, limit, status)).toEqual(wanted.get(status));
    }
    expect(await listAll(store, clientId, 100, 'CANCELLED')).toEqual([]);
  });

  test('lists the jobs of a time range, to the millisecond, for every page size', async () => {
    const store = create();
    const clientId = `client-${randomBytes(4).toString('hex')}`;
    const ids: string[] = [];
    for (let index = 0; index < 12; index += 1) {
      const { jobId } = await createJob(store, { clientId, createdAt: NOW + Math.floor(index / 2) });
      ids.push(jobId);
    }
    // Two jobs per millisecond. UUIDv7 ids sort by age.
    const newestFirst = (from: number, to: number) => ids.slice(from * 2, to * 2).reverse();
    for (const limit of [1, 2, 100]) {
      const list = async (span: { from?: number; to?: number }) =>
        (await listAll(store, clientId, limit, 'PENDING', span)).sort().reverse();
      expect(await list({ from: NOW + 2, to: NOW + 4 })).toEqual(newestFirst(2, 4));
      expect(await list({ from: NOW + 4 })).toEqual(newestFirst(4, 6));
      expect(await list({ to: NOW + 1 })).toEqual(newestFirst(0, 1));
      expect(await list({ from: NOW + 6 })).toEqual([]);
      expect(await list({ to: NOW })).toEqual([]);
      expect(await list({ from: NOW + 3, to: NOW + 3 })).toEqual([]);
      expect(await list({ from: NOW + 4, to: NOW + 3 })).toEqual([]);
    }
  });

  test('accepts time ranges with years beyond 9999 and before 0, which ISO 8601 writes with a sign', async () => {
    const store = create();
    const clientId = `client-${randomBytes(4).toString('hex')}`;
    const { jobId } = await createJob(store, { clientId });
    const list = (span: { from?: number; to?: number }) => listAll(store, clientId, 10, undefined, span);
    const MAX_TIME_MS = 8.64e15;
    for (const late of [Date.parse('9999-12-31T23:59:59-01:00'), MAX_TIME_MS]) {
      expect(await list({ to: late })).toEqual([jobId]);
      expect(await list({ from: NOW, to: late })).toEqual([jobId]);
      expect(await list({ from: late })).toEqual([]);
    }
    for (const early of [Date.parse('-000001-01-01T00:00:00Z'), -MAX_TIME_MS]) {
      expect(await list({ from: early })).toEqual([jobId]);
      expect(await list({ from: early, to: early + 1 })).toEqual([]);
      expect(await list({ to: early })).toEqual([]);
    }
  });

  describe('a list row', () => {
    const listOne = async (store: JobStore, clientId: string) =>
      (await store.reader.list({ clientId, limit: 10, now: NOW })).jobs;
    const row = ({ jobId, createdAt }: Job) => ({
      jobId,
      createdAt,
      providers: ['gas', 'internet'],
      callbackHost: 'example.com:8443',
    });
    const callbackUrl = 'https://example.com:8443/complete?token=1';

    test.each([{}, { metadata: { orderId: 'A-42' } }])(
      'has the status, phase, failure and end of its job, with %j',
      async (input) => {
        const store = create();
        const clientId = `client-${randomBytes(4).toString('hex')}`;
        const job = await createJob(store, { clientId, callbackUrl, ...input });
        expect(await listOne(store, clientId)).toEqual([{ ...row(job), status: 'PENDING', phase: 'FETCHING' }]);
        const failure = { code: 'CALLBACK_GONE', message: 'gone' } as const;
        await store.outcomes.save(job.jobId, 1, { ...ending, status: 'FAILED', failure, endedAt: NOW + 5 });
        expect(await listOne(store, clientId)).toEqual([{ ...row(job), status: 'FAILED', failure, endedAt: NOW + 5 }]);
        const failed = (await store.reader.get(job.jobId, NOW)) as Job;
        await store.control.replace(failed, redriven(failed, [], { now: NOW, leaseMs: LEASE_MS, fetchDeadlineMs: 1 }));
        expect(await listOne(store, clientId)).toEqual([{ ...row(job), status: 'PENDING', phase: 'FETCHING' }]);
        const pending = (await store.reader.get(job.jobId, NOW)) as Job;
        await store.control.replace(pending, cancelled(pending, { now: NOW + 6, retentionMs: 60_000 }));
        expect(await listOne(store, clientId)).toEqual([{ ...row(job), status: 'CANCELLED', endedAt: NOW + 6 }]);
      },
    );
  });

  describe('the list of jobs in trouble', () => {
    const inTrouble = async (store: JobStore, clientId: string) => {
      const { jobs } = await store.reader.list({ clientId, inTrouble: true, limit: 10, now: NOW });
      const found = await store.reader.find({ clientId, inTrouble: true, limit: 10, now: NOW });
      expect(found.jobs.map(({ jobId }) => jobId)).toEqual(jobs.map(({ jobId }) => jobId));
      return jobs.map(({ jobId }) => jobId);
    };
    /** Creates a pending job with a failed attempt, which has been claimed again since. */
    const troubled = async (store: JobStore, clientId: string): Promise<Job> => {
      const job = await createJob(store, { clientId });
      await store.outcomes.save(job.jobId, 1, aSettlement({ isInTrouble: true, dueAt: NOW }));
      return (await store.due.claim({ jobId: job.jobId, claims: 1, dueAt: NOW }, NOW, LEASE_MS)) as Job;
    };

    test('contains a pending job from its first failed attempt on, unlike the list of failed jobs', async () => {
      const store = create();
      const clientId = `client-${randomBytes(4).toString('hex')}`;
      const healthy = await createJob(store, { clientId });
      await store.outcomes.save(healthy.jobId, 1, aSettlement());
      expect(await inTrouble(store, clientId)).toEqual([]);
      const { jobId, claims, isInTrouble } = await troubled(store, clientId);
      expect(isInTrouble).toBe(true);
      expect(await inTrouble(store, clientId)).toEqual([jobId]);
      // A deferral is not a failure, and does not clear an earlier one.
      await store.outcomes.save(jobId, claims, aSettlement());
      expect(await inTrouble(store, clientId)).toEqual([jobId]);
      expect(await listAll(store, clientId, 10, 'FAILED')).toEqual([]);
      expect((await listAll(store, clientId, 10, 'PENDING')).sort()).toEqual([healthy.jobId, jobId].sort());
    });

    test.each(['COMPLETE', 'PARTIAL', 'FAILED'] as const)('drops a job that ends %s', async (status) => {
      const store = create();
      const clientId = `client-${randomBytes(4).toString('hex')}`;
      const { jobId, claims } = await troubled(store, clientId);
      await store.outcomes.save(jobId, claims, { ...ending, status });
      expect(await inTrouble(store, clientId)).toEqual([]);
      expect(await store.reader.get(jobId, NOW)).not.toHaveProperty('isInTrouble');
      expect(await listAll(store, clientId, 10, status)).toEqual([jobId]);
    });

    test('drops a job that is cancelled, and one that is redriven until it fails again', async () => {
      const store = create();
      const clientId = `client-${randomBytes(4).toString('hex')}`;
      const cancelledOne = await troubled(store, clientId);
      const redrivenOne = await troubled(store, clientId);
      await store.control.replace(cancelledOne, cancelled(cancelledOne, { now: NOW, retentionMs: 60_000 }));
      const times = { now: NOW, leaseMs: LEASE_MS, fetchDeadlineMs: 1 };
      await store.control.replace(redrivenOne, redriven(redrivenOne, [], times));
      expect(await inTrouble(store, clientId)).toEqual([]);
      await store.outcomes.save(redrivenOne.jobId, redrivenOne.claims + 1, aSettlement({ isInTrouble: true }));
      expect(await inTrouble(store, clientId)).toEqual([redrivenOne.jobId]);
    });
  });

  test('lists exactly the selected jobs for every combination of filters', async () => {
    const store = create();
    const clientId = `client-${randomBytes(4).toString('hex')}`;
    const PROVIDER_LISTS = [['gas'], ['gas-2'], ['gas', 'internet'], ['internet']];
    const jobs: Job[] = [];
    for (let index = 0; index < 40; index += 1) {
      const providers = PROVIDER_LISTS[index % PROVIDER_LISTS.length] ?? [];
      const input = index % 3 === 0 ? { metadata: { orderId: '"gas"' } } : {};
      const { jobId } = await createJob(store, { clientId, createdAt: NOW + index, providers, ...input });
      const failure = { code: index % 2 ? ('CALLBACK_GONE' as const) : ('CLIENT_REVOKED' as const), message: 'any' };
      const ends: Settlement[] = [
        aSettlement(),
        aSettlement({ isInTrouble: true }),
        { ...ending, status: 'FAILED', failure, endedAt: NOW },
        { ...ending, status: 'PARTIAL', endedAt: NOW },
        { ...ending, endedAt: NOW },
      ];
      await store.outcomes.save(jobId, 1, ends[Math.floor(index / 2) % ends.length] as Settlement);
      jobs.unshift((await store.reader.get(jobId, NOW)) as Job);
    }
    const options = {
      statuses: [undefined, ['PENDING'], ['FAILED', 'PARTIAL'], ['FAILED', 'COMPLETE', 'PENDING']],
      providerId: [undefined, 'gas', 'none'],
      failureCode: [undefined, 'CALLBACK_GONE'],
      inTrouble: [undefined, true],
      from: [undefined, NOW + 9],
    } as const;
    const combinations = Object.entries(options).reduce<object[]>(
      (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
      [{}],
    ) as JobFilter[];
    for (const [index, filter] of combinations.entries()) {
      const limit = index % 2 === 0 ? 7 : 100;
      const wanted = jobs.filter((job) => isSelected(job, filter)).map(({ jobId }) => jobId);
      for (const read of [store.reader.list, store.reader.find]) {
        const found: string[] = [];
        let after: string | undefined;
        do {
          const page = await read({ clientId, limit, after, now: NOW, ...filter });
          found.push(...page.jobs.map(({ jobId }) => jobId));
          after = page.cursor;
        } while (after !== undefined);
        expect([filter, found]).toEqual([filter, wanted]);
      }
    }
  }, 30_000);

  describe('a job that is replaced', () => {
    const times = { now: NOW + 1, leaseMs: LEASE_MS, fetchDeadlineMs: 1_000 };

    test('is stored as given, and is due only if its new state is', async () => {
      const store = create();
      const job = await createJob(store);
      const ended = cancelled(job, { now: NOW, retentionMs: 60_000 });
      await store.control.replace(job, ended);
      expect(await store.reader.get(job.jobId, NOW)).toEqual(ended);
      expect(await dueIds(store, Number.MAX_SAFE_INTEGER)).not.toContain(job.jobId);
      const again = redriven(ended, [], times);
      await store.control.replace(ended, again);
      expect(await store.reader.get(job.jobId, NOW + 1e9)).toEqual(again);
      expect(await dueIds(store, NOW + 1 + LEASE_MS)).toContain(job.jobId);
    });

    test('must not have been claimed, released or settled since it was read', async () => {
      const store = create();
      const leased = await createJob(store);
      await store.outcomes.save(leased.jobId, 1, { ...ending, status: 'COMPLETE' });
      await expect(store.control.replace(leased, redriven(leased, [], times))).rejects.toThrow(StaleClaim);
      const waiting = await createJob(store, { dueAt: NOW });
      await store.due.claim({ ...waiting, dueAt: NOW }, NOW, LEASE_MS);
      await expect(store.control.replace(waiting, redriven(waiting, [], times))).rejects.toThrow(StaleClaim);
      const released = await createJob(store);
      await store.control.release(released.jobId, 1, NOW);
      await expect(store.control.replace(released, cancelled(released, { now: NOW, retentionMs: 0 }))).rejects.toThrow(
        StaleClaim,
      );
    });

    test('refuses the outcome of its previous holder', async () => {
      const store = create();
      const job = await createJob(store);
      await store.control.replace(job, cancelled(job, { now: NOW, retentionMs: 60_000 }));
      await expect(store.outcomes.save(job.jobId, 1, ending)).rejects.toThrow(StaleClaim);
      expect((await store.reader.get(job.jobId, NOW))?.status).toBe('CANCELLED');
    });

    test('stays in the list of failed jobs when expunged, and leaves it when redriven', async () => {
      const store = create();
      const clientId = `client-${randomBytes(4).toString('hex')}`;
      const job = await createJob(store, { clientId });
      await store.outcomes.save(job.jobId, 1, { ...ending, status: 'FAILED' });
      const failed = (await store.reader.get(job.jobId, NOW)) as Job;
      const expungedJob = expunged(failed, NOW);
      await store.control.replace(failed, expungedJob);
      expect(await listAll(store, clientId, 10, 'FAILED')).toEqual([job.jobId]);
      await store.control.replace(expungedJob, redriven(expungedJob, [], times));
      expect(await listAll(store, clientId, 10, 'FAILED')).toEqual([]);
    });

    test('loses its inline results if its new version is expunged', async () => {
      const store = create();
      const job = await createJob(store);
      const inline = { providerId: 'gas', fetchedAt: NOW, bytes: 2, json: '{}' };
      await store.outcomes.save(job.jobId, 1, ending, [inline]);
      const ended = (await store.reader.get(job.jobId, NOW)) as Job;
      expect((await store.results.load(job.jobId))?.results).toEqual([inline]);
      await store.control.replace(ended, expunged(ended, NOW));
      expect((await store.results.load(job.jobId))?.results).toEqual([]);
    });
  });

  test('expunges all stored results of one job, of any size', async () => {
    const store = create();
    const job = await createJob(store);
    const other = await createJob(store);
    const json = JSON.stringify(randomBytes(400_000).toString('hex'));
    for (const { jobId } of [job, other]) {
      await store.results.save(jobId, 1, { providerId: 'gas', fetchedAt: NOW, bytes: 2, json: '{}' }, NOW);
      await store.results.save(jobId, 1, { providerId: 'large', fetchedAt: NOW, bytes: json.length, json }, NOW);
    }
    await store.results.expunge(job.jobId);
    expect(await store.results.load(job.jobId)).toEqual({ job, results: [] });
    expect((await store.results.load(other.jobId))?.results).toHaveLength(2);
  });
});

describe('listing jobs', () => {
  /**
   * A job list that counts queries, entries that they read, and the JSON bytes of those that they return. Its clock advances with
   * each query.
   */
  const createCountedList = (msPerQuery = 0) => {
    const counts = { queries: 0, entries: 0, bytes: 0, batches: [] as number[], clock: NOW };
    const counted = {
      send: async (command: QueryCommand | BatchGetItemCommand) => {
        if (command instanceof BatchGetItemCommand) {
          counts.batches.push(command.input.RequestItems?.JobTable?.Keys?.length ?? 0);
          return client.send(command);
        }
        counts.queries += 1;
        counts.clock += msPerQuery;
        const response = await client.send(command);
        counts.entries += response.ScannedCount ?? 0;
        counts.bytes += JSON.stringify(response.Items).length;
        return response;
      },
    } as unknown as DynamoDBClient;
    const table = { client: counted, tableName: 'JobTable', shardCount: SHARDS, clock: () => counts.clock };
    return { counts, ...createDynamoJobList(table) };
  };
  const JOBS = 600;
  const clientId = `client-${randomBytes(4).toString('hex')}`;
  let jobIds: string[];

  /** Every 200th job is cancelled; all others are pending. */
  beforeAll(async () => {
    const store = createDynamo();
    const jobs = Array.from({ length: JOBS }, (_, index) => aJob({ clientId, createdAt: NOW + index }));
    for (const [index, job] of jobs.entries()) {
      await storeJob(store, job);
      if (index % 200 === 0) await store.control.replace(job, cancelled(job, { now: NOW, retentionMs: 60_000 }));
    }
    jobIds = jobs.map(({ jobId }) => jobId).reverse();
  }, 30_000);

  test('reads little more than one page if every job matches', async () => {
    const { counts, list } = createCountedList();
    const page = await list({ clientId, limit: 60, now: NOW });
    expect(page.jobs.map(({ jobId }) => jobId)).toEqual(jobIds.slice(0, 60));
    expect(counts.entries).toBeLessThan(60 * 2.5);
  });

  test('reads the items of pending jobs, but not of ended ones', async () => {
    const { counts, list } = createCountedList();
    await list({ clientId, statuses: ['CANCELLED'], limit: 100, now: NOW });
    expect(counts.batches).toEqual([]);
    await list({ clientId, limit: 60, now: NOW });
    expect(counts.batches).toEqual([50, 10]);
  });

  test('reads only entries within the time range', async () => {
    const { counts, list } = createCountedList();
    const span = { from: NOW + 300, to: NOW + 310 };
    expect(await list({ clientId, statuses: ['CANCELLED'], ...span, limit: 25, now: NOW })).toEqual({ jobs: [] });
    expect(counts.entries).toBe(10);
    const empty = createCountedList();
    expect(await empty.list({ clientId, from: NOW + 5, to: NOW + 5, limit: 25, now: NOW })).toEqual({ jobs: [] });
    expect(empty.counts).toMatchObject({ queries: 0 });
  });

  test('reads on until a page is full if few jobs match', async () => {
    const { counts, list } = createCountedList();
    const page = await list({ clientId, statuses: ['CANCELLED'], limit: 2, now: NOW });
    expect(page.jobs.map(({ jobId }) => jobId)).toEqual([jobIds[199], jobIds[399]]);
    expect(counts.queries).toBeLessThanOrEqual(5 * SHARDS);
  });

  test.each([
    { statuses: ['COMPLETE'] },
    { providerId: 'none' },
    { statuses: ['PENDING'], providerId: 'none' },
  ] as const)('reads each entry once, in few queries, if no job matches %j', async (filter) => {
    const { counts, list } = createCountedList();
    expect(await list({ clientId, ...filter, limit: 50, now: NOW })).toEqual({ jobs: [] });
    expect(counts).toMatchObject({ entries: JOBS, batches: [], bytes: counts.queries * '[]'.length });
    expect(counts.queries).toBeLessThanOrEqual(3 * SHARDS);
  });

  test('finds all jobs with one query per shard, which returns less than 130 bytes per job', async () => {
    const { counts, find } = createCountedList();
    const { jobs } = await find({ clientId, limit: 10_000, now: NOW });
    expect(jobs.map(({ jobId }) => jobId)).toEqual(jobIds);
    expect(counts).toMatchObject({ queries: SHARDS, entries: JOBS, batches: [] });
    expect(counts.bytes).toBeLessThan(JOBS * 130);
  });

  test('statistics read each job in one query per shard, and those in trouble in another', async () => {
    const { counts, find } = createCountedList();
    const read = createReadStats({ jobs: { find }, now: () => NOW + JOBS });
    expect(await read(clientId, {})).toMatchObject({ totals: { PENDING: JOBS - 3, CANCELLED: 3 }, inTrouble: 0 });
    expect(counts).toMatchObject({ queries: 2 * SHARDS, entries: JOBS, batches: [] });
  });

  describe('a query', () => {
    const filters: JobFilter[] = [
      {},
      { statuses: ['CANCELLED', 'COMPLETE'], providerId: 'gas' },
      { statuses: ['FAILED'], providerId: 'gas' },
      { failureCode: 'CALLBACK_GONE' },
      { inTrouble: true },
    ];
    const queries: QueryCommand['input'][] = [];
    beforeAll(async () => {
      const recording = {
        send: async (command: QueryCommand) => {
          if (command instanceof QueryCommand) queries.push(command.input);
          return client.send(command);
        },
      } as unknown as DynamoDBClient;
      const { list, find } = createDynamoJobList({ client: recording, tableName: 'JobTable', shardCount: SHARDS });
      for (const filter of filters)
        for (const read of [list, find]) await read({ clientId, ...filter, limit: 1, now: NOW });
    });

    test('reads only attributes that its index projects, as DynamoDB requires', () => {
      const { Properties } = readTemplate('template.yaml').Resources.JobTable ?? {};
      const { GlobalSecondaryIndexes: indexes = [] } = Properties as Partial<CreateTableCommandInput>;
      expect(new Set(queries.map(({ IndexName }) => IndexName))).toEqual(new Set(['JobIndex', 'UndeliveredIndex']));
      for (const { IndexName, ExpressionAttributeNames } of queries) {
        const { KeySchema = [], Projection } = indexes.find((index) => index.IndexName === IndexName) ?? {};
        const projected = [
          ...['jobId', 'itemId', ...KeySchema.map(({ AttributeName }) => AttributeName)],
          ...(Projection?.NonKeyAttributes ?? []),
        ];
        expect(projected).toEqual(expect.arrayContaining(Object.values(ExpressionAttributeNames ?? {})));
      }
    });

    test('filters without nested parentheses, which the embedded database is slow to parse', () => {
      for (const { FilterExpression = '' } of queries) expect(FilterExpression).not.toMatch(/\([^)]*\(/);
    });
  });

  test('stops at its time limit with a cursor that advances without skipping a job', async () => {
    const { counts, list } = createCountedList(6_000);
    const found: string[] = [];
    let after: string | undefined;
    let pages = 0;
    do {
      const queries = counts.queries;
      const page = await list({ clientId, statuses: ['CANCELLED'], limit: 25, after, now: NOW });
      expect(counts.queries - queries).toBe(SHARDS);
      expect(after === undefined || page.cursor === undefined || page.cursor < after).toBe(true);
      found.push(...page.jobs.map(({ jobId }) => jobId));
      after = page.cursor;
      pages += 1;
    } while (after !== undefined);
    expect(pages).toBeGreaterThan(5);
    expect(found).toEqual([jobIds[199], jobIds[399], jobIds[599]]);
  });
});

test('a list stops reading after 10,000 entries, and its cursor continues from there', async () => {
  const limits: number[] = [];
  // An endless index of jobs that don't match.
  const endless = {
    send: async ({ input }: QueryCommand) => {
      limits.push(input.Limit ?? 0);
      const upper = Date.parse((input.ExpressionAttributeValues?.[':below']?.S ?? '').slice(0, 24)) || NOW;
      const listKey = `${new Date(upper - (input.Limit ?? 0)).toISOString()}#${aJob().jobId}`;
      return { Items: [], ScannedCount: input.Limit, LastEvaluatedKey: { listKey: { S: listKey } } };
    },
  } as unknown as DynamoDBClient;
  const { list } = createDynamoJobList({ client: endless, tableName: 'JobTable', shardCount: SHARDS });
  const first = await list({ clientId: 'any', statuses: ['PENDING'], limit: 20, now: NOW });
  const total = limits.reduce((sum, limit) => sum + limit, 0);
  expect(first).toEqual({ jobs: [], cursor: expect.any(String) });
  expect(total).toBeGreaterThanOrEqual(10_000);
  expect(total).toBeLessThan(10_000 + SHARDS);
  expect(Math.max(...limits)).toBeLessThanOrEqual(2_500);
  const second = await list({ clientId: 'any', statuses: ['PENDING'], limit: 20, after: first.cursor, now: NOW });
  expect((second.cursor ?? '') < (first.cursor ?? '')).toBe(true);
});

describe('list rows that the index holds only in part', () => {
  test('are completed from the job item, if an earlier release stored it', async () => {
    const store = createDynamo();
    const clientId = `client-${randomBytes(4).toString('hex')}`;
    const callbackUrl = 'http://example.com/?token=1';
    const job = aJob({ clientId, callbackUrl });
    await storeJob(store, job);
    await store.outcomes.save(job.jobId, 1, { ...ending, updatedAt: NOW + 7 });
    const { Item = {} } = await client.send(new GetItemCommand({ TableName: 'JobTable', Key: jobKey(job.jobId) }));
    const { callbackHost: _, endedAt: __, ...older } = Item;
    await client.send(new PutItemCommand({ TableName: 'JobTable', Item: older }));
    const { jobId, createdAt, providers } = job;
    const row = { jobId, createdAt, providers, status: 'COMPLETE', callbackHost: 'example.com', endedAt: NOW + 7 };
    expect((await store.reader.list({ clientId, limit: 10, now: NOW })).jobs).toEqual([row]);
    const found = await store.reader.find({ clientId, limit: 10, now: NOW });
    expect(found.jobs).toEqual([{ jobId, createdAt, status: 'COMPLETE' }]);
  });

  /** A job list over a throttled table, which returns few items of a batch at a time. */
  const throttledList = (itemsPerBatch: number) => {
    const throttled = {
      send: async (command: QueryCommand | BatchGetItemCommand) => {
        if (command instanceof QueryCommand) return client.send(command);
        const { Keys = [], ...request } = command.input.RequestItems?.JobTable ?? {};
        const requestFor = (keys: typeof Keys) => ({ JobTable: { ...request, Keys: keys } });
        const returned = Keys.slice(0, itemsPerBatch);
        const response =
          returned.length > 0 ? await client.send(new BatchGetItemCommand({ RequestItems: requestFor(returned) })) : {};
        const rest = Keys.slice(returned.length);
        return { ...response, UnprocessedKeys: rest.length > 0 ? requestFor(rest) : {} };
      },
    } as unknown as DynamoDBClient;
    return createDynamoJobList({ client: throttled, tableName: 'JobTable', shardCount: SHARDS }).list;
  };

  test('are read again when the table is throttled; the list fails if it stays throttled', async () => {
    const clientId = `client-${randomBytes(4).toString('hex')}`;
    for (let index = 0; index < 5; index += 1) await storeJob(createDynamo(), aJob({ clientId }));
    const query = { clientId, limit: 10, now: NOW };
    expect((await throttledList(2)(query)).jobs).toHaveLength(5);
    await expect(throttledList(0)(query)).rejects.toThrow('throttled');
  });
});

test('a failed job is in the client and undelivered indexes, but not in the due index', async () => {
  const store = createDynamo();
  const failed = aJob();
  await storeJob(store, failed);
  await store.outcomes.save(failed.jobId, 1, { ...ending, status: 'FAILED' });
  const has = async (IndexName: string) => {
    for await (const { Items = [] } of paginateScan({ client }, { TableName: 'JobTable', IndexName })) {
      if (Items.some((item) => item.jobId?.S === failed.jobId)) return true;
    }
    return false;
  };
  expect([await has('DueIndex'), await has('JobIndex'), await has('UndeliveredIndex')]).toEqual([false, true, true]);
});

const itemOf = async (jobId: string) => {
  const { Item = {} } = await client.send(new GetItemCommand({ TableName: 'JobTable', Key: jobKey(jobId) }));
  return Item;
};

test('the count of internal faults keeps the attribute name that earlier versions read and write', async () => {
  const { intake, outcomes, control, reader } = createDynamo();
  const job = aJob({ internalFaults: 1 });
  await storeJob({ intake }, job);
  const posted = await itemOf(job.jobId);
  await outcomes.save(job.jobId, 1, aSettlement({ internalFaults: 3 }));
  const settled = await itemOf(job.jobId);
  expect([posted, settled]).toEqual([
    expect.objectContaining({ ownFaults: { N: '1' } }),
    expect.objectContaining({ ownFaults: { N: '3' } }),
  ]);
  const read = await reader.get(job.jobId, NOW);
  if (!read) throw new Error('the job is not stored');
  await control.replace(read, redriven(read, [], { now: NOW + 1, leaseMs: LEASE_MS, fetchDeadlineMs: 1_000 }));
  expect(await itemOf(job.jobId)).not.toHaveProperty('ownFaults');
});

describe('parameters and metadata in the table', () => {
  const parameters = { gas: { account: '12345678' } };
  const metadata = { orderId: 'A-42' };

  test('are stored as strings, and no index contains them', async () => {
    const { intake } = createDynamo();
    const job = aJob({ parameters, metadata });
    await storeJob({ intake }, job);
    expect(await itemOf(job.jobId)).toMatchObject({
      parameters: { S: '{"gas":{"account":"12345678"}}' },
      metadata: { S: '{"orderId":"A-42"}' },
    });
    for (const IndexName of ['DueIndex', 'JobIndex', 'UndeliveredIndex']) {
      for await (const { Items = [] } of paginateScan({ client }, { TableName: 'JobTable', IndexName })) {
        expect(Items.flatMap((item) => Object.keys(item))).not.toEqual(expect.arrayContaining(['parameters']));
        expect(JSON.stringify(Items)).not.toContain('A-42');
      }
    }
  });

  test('make a job that has them unreadable to releases that do not know them', async () => {
    const { intake } = createDynamo();
    for (const [input, isList] of [
      [{}, true],
      [{ parameters }, false],
      [{ metadata }, false],
    ] as const) {
      const job = aJob(input);
      await storeJob({ intake }, job);
      const { providers } = await itemOf(job.jobId);
      expect(providers?.L !== undefined).toBe(isList);
    }
  });

  test('add no attribute to a job that has none', async () => {
    const { intake } = createDynamo();
    const job = aJob();
    const { claimsSinceOutcome: _, ...attributes } = job;
    await storeJob({ intake }, job);
    expect(Object.keys(await itemOf(job.jobId)).sort()).toEqual(
      [
        ...Object.keys(attributes),
        ...['unsettled', 'callbackHost', 'clientShard', 'dueShard', 'itemId', 'listKey', 'requestHash', 'requestId'],
      ].sort(),
    );
  });

  test('do not appear in the error when they are unreadable', async () => {
    const { intake, reader } = createDynamo();
    const job = aJob({ parameters });
    await storeJob({ intake }, job);
    const broken = { ...(await itemOf(job.jobId)), parameters: { S: '{"gas":{"account":"12345678"' } };
    await client.send(new PutItemCommand({ TableName: 'JobTable', Item: broken }));
    const error: Error = await reader.get(job.jobId, NOW).then(
      () => new Error('none'),
      (thrown: Error) => thrown,
    );
    expect(error.message).toBe('the stored parameters of a job are not JSON');
    expect(`${error.stack} ${String(error.cause)}`).not.toContain('12345678');
  });
});
