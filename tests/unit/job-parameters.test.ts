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
  givenJob,
  LEASE_MS,
  NOW,
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
  ])("%s has its job's input, as version %d", (_name, change, v) => {
    const claimed = toClaimedJob(aJob(change), 'immediate', NOW);
    expect(claimed).toMatchObject({ v, ...change });
    expect(claimedJobSchema.parse(claimed)).toEqual(claimed);
    const absent = ['parameters', 'metadata', 'round'].filter((name) => !(name in change));
    for (const name of absent) expect(claimed).not.toHaveProperty(name);
  });

  test('of the previous version is accepted unchanged by both tasks that receive it whole', () => {
    const { createdAt: _, ...first } = { ...aClaim(), v: 1 };
    for (const payload of [first, { ...aClaim(), v: 2 }]) {
      expect(workedJobSchema.parse({ ...payload, results: [] })).toMatchObject({ v: 2, jobId: payload.jobId });
      expect(deliverRequestSchema.parse({ job: { ...payload, results: [] } }).job.metadata).toBeUndefined();
    }
  });

  test('with parameters or metadata is rejected by the previous release, which would ignore them; others are not', () => {
    const before = claimedJobSchema.omit({ parameters: true, metadata: true, round: true }).extend({ v: z.literal(2) });
    const isAccepted = (change: Partial<Job>) => before.safeParse(toClaimedJob(aJob(change), 'immediate', NOW)).success;
    expect([isAccepted({}), isAccepted({ round: 1 })]).toEqual([true, true]);
    expect([isAccepted({ parameters }), isAccepted({ metadata })]).toEqual([false, false]);
  });
});

test('parameters are looked up by own property, whatever the provider id', () => {
  expect(parametersOf({ parameters }, 'constructor')).toEqual({ a: 1 });
  expect(parametersOf({ parameters: { gas: {} } }, 'constructor')).toBeUndefined();
  expect(parametersOf({}, 'constructor')).toBeUndefined();
});

describe('a callback', () => {
  const MAX_BYTES = 10 * 1024 * 1024;
  const deliver = async (change: Partial<Job>, json = '[]', worked: object = {}) => {
    const store = createFakeJobStore();
    const job = aJob({ providers: ['gas'], ...change });
    await givenJob(store, job);
    const sent: string[] = [];
    const send: SendHttp = async ({ body = '' }) => {
      sent.push(body);
      return { statusCode: 200, headers: {}, body: Buffer.alloc(0), durationMs: 1 };
    };
    const log = aLog();
    const deps = { ...unguarded, ...store, policy, findClient, send, log, userAgent: 'test', now: () => NOW };
    const claimed = { ...toClaimedJob(job, 'immediate', NOW), ...worked, results: [fetched('gas', json)] };
    await deliverCallback(deps, aWorkedJob(claimed));
    return { body: sent[0] ?? '', log };
  };

  test('has the metadata, if any, as its third property', async () => {
    const { body, log } = await deliver({ metadata });
    expect(body).toMatch(/^\{"jobId":".+","data":\[.*\],"metadata":\{"orderId":"A-42"\}\}$/);
    expect(callbackBodySchema.parse(JSON.parse(body))).toEqual(JSON.parse(body));
    expect(callbackSchema.parse(JSON.parse(body))).toEqual(JSON.parse(body));
    expect(JSON.stringify(log.lines)).not.toContain('A-42');
    for (const none of [await deliver({}), await deliver({ parameters })]) {
      expect(Object.keys(JSON.parse(none.body))).toEqual(['jobId', 'data']);
      expect(none.body).not.toContain('12345678');
    }
  });

  test('escapes the same characters as JSON', () => {
    const strange = { 'a.b': '"\\\u0000\u2028é😀', c: '' };
    expect(JSON.parse(callbackBody('id', [], strange))).toEqual({ jobId: 'id', data: [], metadata: strange });
  });

  test('is rejected if metadata makes it too large', async () => {
    const { body } = await deliver({});
    const room = MAX_BYTES - Buffer.byteLength(body) + '[]'.length;
    const filled = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
    expect(Buffer.byteLength((await deliver({}, filled(room))).body)).toBe(MAX_BYTES);
    await expect(deliver({ metadata }, filled(room))).rejects.toMatchObject({ name: 'CallbackRejected' });
  });

  test.each([
    ['an object of numbers', { a: 1 }],
    ['a list', ['a']],
    ['null', null],
  ])('is rejected by the test receiver if its metadata are %s', (_name, wrong) => {
    expect(callbackSchema.safeParse({ jobId: 'a', data: [], metadata: wrong }).success).toBe(false);
  });
});

/** The API's responses about a stored job, and its actions on it. */
const createApi = async (change: Partial<Job>, catalogue = CATALOGUE) => {
  const store = createFakeJobStore();
  const job = aJob(change);
  await givenJob(store, job);
  const log = aLog();
  const started: unknown[] = [];
  const deps = {
    ...store,
    jobs: store.reader,
    catalogue,
    log,
    policy,
    leaseMs: LEASE_MS,
    fetchDeadlineMs: 1_000,
    authenticate: async () => ({ clientId: CLIENT_ID, name: 'test' }),
    startExecution: async (jobs: unknown[]) => void started.push(...jobs),
    now: () => NOW,
  };
  const call = async (handler: ReturnType<typeof createRead>, routeKey: string) => {
    const event = { routeKey, headers: {}, pathParameters: { jobId: job.jobId }, requestContext: { requestId: 'r' } };
    const answer = await handler(event as unknown as APIGatewayProxyEventV2, {} as Context);
    return { statusCode: answer.statusCode, body: answer.body === undefined ? undefined : JSON.parse(answer.body) };
  };
  return {
    job,
    store,
    log,
    started,
    read: () => call(createRead(deps), 'GET /jobs/{jobId}'),
    readData: () => call(createRead(deps), 'GET /jobs/{jobId}/data'),
    redrive: () => call(createRedrive(deps), 'POST /jobs/{jobId}/redrive'),
    expunge: () => call(createExpunge(deps), 'DELETE /jobs/{jobId}'),
  };
};

const input = { providers: ['gas', 'constructor', 'internet'], parameters, metadata };
const { dueAt: _, leasedUntil: __, ...ended } = aJob();
const over = { status: 'COMPLETE' as const, phase: 'CALLING_BACK' as const, expiresAt: NOW / 1000 + 60 };

describe('a job read by the API', () => {
  test('shows metadata, and parameters that are not write-only', async () => {
    const { read } = await createApi(input);
    const { body } = await read();
    expect(jobSchema.parse(body)).toEqual(body);
    expect(body.metadata).toEqual(metadata);
    expect(body.providers).toMatchObject([
      { providerId: 'gas', parameters: { account: '***', size: 5 } },
      // This one is no longer in the catalogue.
      { providerId: 'constructor', parameters: { a: '***' } },
      { providerId: 'internet' },
    ]);
    expect(body.providers[2]).not.toHaveProperty('parameters');
  });

  test('hides parameters that are no longer in the catalogue', async () => {
    const { read } = await createApi(
      input,
      aCatalogue({ id: 'gas', parameters: { type: 'object', properties: { account: text } } }),
    );
    const { body } = await read();
    expect(body.providers[0].parameters).toEqual({ account: '12345678', size: '***' });
  });

  test('shows neither if it has none', async () => {
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
  const finished = { ...ended, ...input, ...over };

  test('has no parameters and metadata, and shows that it had them', async () => {
    const { expunge, read, store, job } = await createApi(finished);
    store.jobs.set(job.jobId, { ...finished, jobId: job.jobId });
    expect((await expunge()).statusCode).toBe(204);
    const stored = store.jobs.get(job.jobId);
    expect(stored).toMatchObject({ isInputDeleted: true, expungedAt: NOW });
    expect(JSON.stringify([stored, (await read()).body])).not.toMatch(/12345678|A-42/);
    // Deletion is idempotent.
    expect((await expunge()).statusCode).toBe(204);
    expect(store.jobs.get(job.jobId)).toMatchObject({ isInputDeleted: true });
  });

  test.each<[string, Partial<Job>]>([
    ['parameters', { parameters }],
    ['metadata', { metadata }],
  ])('cannot be redriven without the %s that it had', async (_name, input) => {
    const { redrive, store, job, started } = await createApi({});
    const bare = expunged({ ...ended, ...over, jobId: job.jobId, ...input }, NOW);
    store.jobs.set(job.jobId, bare);
    expect(await redrive()).toMatchObject({ statusCode: 409, body: { detail: expect.stringContaining('deleted') } });
    expect([store.jobs.get(job.jobId), started]).toEqual([bare, []]);
  });

  test('can be redriven if it had none', async () => {
    const { redrive, store, job, started } = await createApi({});
    store.jobs.set(job.jobId, expunged({ ...ended, ...over, jobId: job.jobId }, NOW));
    expect((await redrive()).statusCode).toBe(202);
    expect(started).toHaveLength(1);
  });
});

test('a redriven job keeps its parameters and metadata, and sends both', async () => {
  const { redrive, store, job, started } = await createApi(input);
  store.jobs.set(job.jobId, { ...ended, ...input, ...over, jobId: job.jobId });
  expect((await redrive()).statusCode).toBe(202);
  expect(store.jobs.get(job.jobId)).toMatchObject({ parameters, metadata });
  expect(started).toMatchObject([{ v: 3, parameters, metadata, trigger: 'redrive' }]);
});
