import './function-environment.ts';
import { claimedJobSchema } from '@boomerang/core/contracts/claimed-job.ts';
import { workedJobSchema } from '@boomerang/core/contracts/worked-job.ts';
import { callbackBody } from '@boomerang/core/domain/callback-body.ts';
import { expunged } from '@boomerang/core/domain/control.ts';
import { type Job, parametersOf, toClaimedJob } from '@boomerang/core/domain/job.ts';
import { callbackBodySchema, callbackSchema } from '@boomerang/core/http/callback-schema.ts';
import { jobSchema } from '@boomerang/core/http/job-schema.ts';
import type { SendHttp } from '@boomerang/core/ports/http.ts';
import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import * as z from 'zod';
import { deliverCallback } from '../../functions/callback-deliver/deliver-callback.ts';
import { deliverRequestSchema } from '../../functions/callback-deliver/schema.ts';
import { createHandler as createExpunge } from '../../functions/job-expunge/handler.ts';
import { createHandler as createRead } from '../../functions/job-read/handler.ts';
import { createHandler as createRedrive } from '../../functions/job-redrive/handler.ts';
import {
  aCatalogue,
  aClaim,
  aJob,
  aLog,
  aWorkedJob,
  CLIENT_ID,
  fetched,
  findClient,
  LEASE_MS,
  NOW,
  storeJob,
  unguarded,
} from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

const parameters = { gas: { account: '12345678', size: 5 }, constructor: { a: 1 } };
const metadata = { orderId: 'A-42' };
const text = { type: 'string' } as const;
const CATALOGUE = aCatalogue({
  id: 'gas',
  parameters: { type: 'object', properties: { account: { ...text, writeOnly: true }, size: { type: 'integer' } } },
});
const policy = { schedule: { stepsMs: [1_000] as const }, patienceMs: 600_000, retentionMs: 60_000 };

describe('a claimed job', () => {
  test.each<[string, Partial<Job>, 2 | 3]>([
    ['without parameters and metadata', {}, 2],
    ['with parameters', { parameters }, 3],
    ['with metadata', { metadata }, 3],
    ['in a later round', { round: 2 }, 2],
  ])("%s has its job's input, as version %d", (_case, change, v) => {
    const claimed = toClaimedJob(aJob(change), 'immediate', NOW);
    expect(claimed).toMatchObject({ v, ...change });
    expect(claimedJobSchema.parse(claimed)).toEqual(claimed);
    const absentNames = ['parameters', 'metadata', 'round'].filter((name) => !(name in change));
    for (const name of absentNames) expect(claimed).not.toHaveProperty(name);
  });

  test('of version 1 or 2 is accepted by the tasks job-settle and callback-deliver', () => {
    const { createdAt: _createdAt, ...versionOne } = { ...aClaim(), v: 1 };
    for (const payload of [versionOne, { ...aClaim(), v: 2 }]) {
      expect(workedJobSchema.parse({ ...payload, results: [] })).toMatchObject({ v: 2, jobId: payload.jobId });
      expect(deliverRequestSchema.parse({ job: { ...payload, results: [] } }).job.metadata).toBeUndefined();
    }
  });

  test('is rejected by the previous release only if it has parameters or metadata, which that release would ignore', () => {
    const previousSchema = claimedJobSchema
      .omit({ parameters: true, metadata: true, round: true })
      .extend({ v: z.literal(2) });
    const isAccepted = (change: Partial<Job>) =>
      previousSchema.safeParse(toClaimedJob(aJob(change), 'immediate', NOW)).success;
    expect([isAccepted({}), isAccepted({ round: 1 })]).toEqual([true, true]);
    expect([isAccepted({ parameters }), isAccepted({ metadata })]).toEqual([false, false]);
  });
});

test('parameters are looked up by own property, even if the provider id is "constructor"', () => {
  expect(parametersOf({ parameters }, 'constructor')).toEqual({ a: 1 });
  expect(parametersOf({ parameters: { gas: {} } }, 'constructor')).toBeUndefined();
  expect(parametersOf({}, 'constructor')).toBeUndefined();
});

describe('a callback', () => {
  const MAX_BYTES = 10 * 1024 * 1024;
  const deliver = async (change: Partial<Job>, json = '[]') => {
    const store = createFakeJobStore();
    const job = aJob({ providers: ['gas'], ...change });
    await storeJob(store, job);
    const sentBodies: string[] = [];
    const send: SendHttp = async ({ body = '' }) => {
      sentBodies.push(body);
      return { statusCode: 200, headers: {}, body: Buffer.alloc(0), durationMs: 1 };
    };
    const log = aLog();
    const deps = { ...unguarded, ...store, policy, findClient, send, log, userAgent: 'test', now: () => NOW };
    const workedJob = { ...toClaimedJob(job, 'immediate', NOW), results: [fetched('gas', json)] };
    await deliverCallback(deps, aWorkedJob(workedJob));
    return { body: sentBodies[0] ?? '', log };
  };

  test('has the metadata, if any, as its third property', async () => {
    const { body, log } = await deliver({ metadata });
    expect(body).toMatch(/^\{"jobId":".+","data":\[.*\],"metadata":\{"orderId":"A-42"\}\}$/);
    expect(callbackBodySchema.parse(JSON.parse(body))).toEqual(JSON.parse(body));
    expect(callbackSchema.parse(JSON.parse(body))).toEqual(JSON.parse(body));
    expect(JSON.stringify(log.lines)).not.toContain('A-42');
    for (const withoutMetadata of [await deliver({}), await deliver({ parameters })]) {
      expect(Object.keys(JSON.parse(withoutMetadata.body))).toEqual(['jobId', 'data']);
      expect(withoutMetadata.body).not.toContain('12345678');
    }
  });

  test('escapes metadata as JSON', () => {
    const specialCharacters = { 'a.b': '"\\\u0000\u2028é😀', c: '' };
    expect(JSON.parse(callbackBody('id', [], specialCharacters))).toEqual({
      jobId: 'id',
      data: [],
      metadata: specialCharacters,
    });
  });

  test('is rejected if metadata make it too large', async () => {
    const { body } = await deliver({});
    const maxResultBytes = MAX_BYTES - Buffer.byteLength(body) + '[]'.length;
    const jsonOfSize = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
    expect(Buffer.byteLength((await deliver({}, jsonOfSize(maxResultBytes))).body)).toBe(MAX_BYTES);
    await expect(deliver({ metadata }, jsonOfSize(maxResultBytes))).rejects.toMatchObject({ name: 'CallbackRejected' });
  });

  test.each([
    ['an object of numbers', { a: 1 }],
    ['a list', ['a']],
    ['null', null],
  ])('is rejected by the test receiver if its metadata are %s', (_case, invalidMetadata) => {
    expect(callbackSchema.safeParse({ jobId: 'a', data: [], metadata: invalidMetadata }).success).toBe(false);
  });
});

/** The API's responses about a stored job, and its actions on it. */
const createApi = async (change: Partial<Job>, catalogue = CATALOGUE) => {
  const store = createFakeJobStore();
  const job = aJob(change);
  await storeJob(store, job);
  const log = aLog();
  const startedJobs: unknown[] = [];
  const deps = {
    ...store,
    jobs: store.reader,
    catalogue,
    log,
    policy,
    leaseMs: LEASE_MS,
    fetchDeadlineMs: 1_000,
    authenticate: async () => ({ clientId: CLIENT_ID, name: 'test' }),
    startExecution: async (jobs: unknown[]) => void startedJobs.push(...jobs),
    now: () => NOW,
  };
  const call = async (handler: ReturnType<typeof createRead>, routeKey: string) => {
    const event = { routeKey, headers: {}, pathParameters: { jobId: job.jobId }, requestContext: { requestId: 'r' } };
    const response = await handler(event as unknown as APIGatewayProxyEventV2, {} as Context);
    return {
      statusCode: response.statusCode,
      body: response.body === undefined ? undefined : JSON.parse(response.body),
    };
  };
  return {
    job,
    store,
    log,
    startedJobs,
    read: () => call(createRead(deps), 'GET /jobs/{jobId}'),
    readData: () => call(createRead(deps), 'GET /jobs/{jobId}/data'),
    redrive: () => call(createRedrive(deps), 'POST /jobs/{jobId}/redrive'),
    expunge: () => call(createExpunge(deps), 'DELETE /jobs/{jobId}'),
  };
};

const input = { providers: ['gas', 'constructor', 'internet'], parameters, metadata };
const { dueAt: _dueAt, leasedUntil: _leasedUntil, ...jobWithoutLease } = aJob();
const completion = { status: 'COMPLETE' as const, phase: 'CALLING_BACK' as const, expiresAt: NOW / 1000 + 60 };

describe('a job read by the API', () => {
  test('shows metadata, and parameters that are not write-only', async () => {
    const { read } = await createApi(input);
    const { body } = await read();
    expect(jobSchema.parse(body)).toEqual(body);
    expect(body.metadata).toEqual(metadata);
    expect(body.providers).toMatchObject([
      { providerId: 'gas', parameters: { account: '***', size: 5 } },
      // No longer in the catalogue.
      { providerId: 'constructor', parameters: { a: '***' } },
      { providerId: 'internet' },
    ]);
    expect(body.providers[2]).not.toHaveProperty('parameters');
  });

  test('masks parameters that are no longer in the catalogue', async () => {
    const { read } = await createApi(
      input,
      aCatalogue({ id: 'gas', parameters: { type: 'object', properties: { account: text } } }),
    );
    const { body } = await read();
    expect(body.providers[0].parameters).toEqual({ account: '12345678', size: '***' });
  });

  test('has no metadata and parameters if the job has none', async () => {
    const { read } = await createApi({});
    const { body } = await read();
    expect(body).not.toHaveProperty('metadata');
    for (const provider of body.providers) expect(provider).not.toHaveProperty('parameters');
  });

  test('has its data in the form of the callback, with metadata', async () => {
    const { readData } = await createApi(input);
    expect((await readData()).body).toMatchObject({ data: [], metadata });
    expect((await (await createApi({ parameters })).readData()).body).not.toHaveProperty('metadata');
  });
});

describe('a job with deleted data', () => {
  const finished = { ...jobWithoutLease, ...input, ...completion };

  test('has no parameters and metadata, and has isInputDeleted set', async () => {
    const { expunge, read, store, job } = await createApi(finished);
    store.jobs.set(job.jobId, { ...finished, jobId: job.jobId });
    expect((await expunge()).statusCode).toBe(204);
    const storedJob = store.jobs.get(job.jobId);
    expect(storedJob).toMatchObject({ isInputDeleted: true, expungedAt: NOW });
    expect(JSON.stringify([storedJob, (await read()).body])).not.toMatch(/12345678|A-42/);
    // Deletion is idempotent.
    expect((await expunge()).statusCode).toBe(204);
    expect(store.jobs.get(job.jobId)).toMatchObject({ isInputDeleted: true });
  });

  test.each<[string, Partial<Job>]>([
    ['parameters', { parameters }],
    ['metadata', { metadata }],
  ])('cannot be redriven without the %s that it had', async (_case, input) => {
    const { redrive, store, job, startedJobs } = await createApi({});
    const expungedJob = expunged({ ...jobWithoutLease, ...completion, jobId: job.jobId, ...input }, NOW);
    store.jobs.set(job.jobId, expungedJob);
    expect(await redrive()).toMatchObject({ statusCode: 409, body: { detail: expect.stringContaining('deleted') } });
    expect([store.jobs.get(job.jobId), startedJobs]).toEqual([expungedJob, []]);
  });

  test('can be redriven if it had neither parameters nor metadata', async () => {
    const { redrive, store, job, startedJobs } = await createApi({});
    store.jobs.set(job.jobId, expunged({ ...jobWithoutLease, ...completion, jobId: job.jobId }, NOW));
    expect((await redrive()).statusCode).toBe(202);
    expect(startedJobs).toHaveLength(1);
  });
});

test('a redriven job keeps its parameters and metadata, and its execution receives both', async () => {
  const { redrive, store, job, startedJobs } = await createApi(input);
  store.jobs.set(job.jobId, { ...jobWithoutLease, ...input, ...completion, jobId: job.jobId });
  expect((await redrive()).statusCode).toBe(202);
  expect(store.jobs.get(job.jobId)).toMatchObject({ parameters, metadata });
  expect(startedJobs).toMatchObject([{ v: 3, parameters, metadata, trigger: 'redrive' }]);
});
