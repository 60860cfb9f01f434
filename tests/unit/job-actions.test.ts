import './function-environment.ts';
import { allowedActions, expunged } from '@boomerang/core/domain/control.ts';
import { JOB_STATUSES, type Job } from '@boomerang/core/domain/job.ts';
import type { ApiLambda } from '@boomerang/core/http/api-handler.ts';
import { expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import fc from 'fast-check';
import { aJob, aLog, CLIENT_ID, NOW, storeJob } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

const { createHandler: createRedrive } = await import('../../functions/job-redrive/handler.ts');
const { createHandler: createCancel } = await import('../../functions/job-cancel/handler.ts');
const { createHandler: createExpunge } = await import('../../functions/job-expunge/handler.ts');
const { createHandler: createRead } = await import('../../functions/job-read/handler.ts');

const createWorld = async (job: Job) => {
  const store = createFakeJobStore();
  await storeJob(store, aJob({ jobId: job.jobId }));
  store.jobs.set(job.jobId, job);
  const deps = {
    ...store,
    jobs: store.reader,
    authenticate: async () => ({ clientId: CLIENT_ID, name: 'client' }),
    startExecution: async () => {},
    catalogue: new Map(),
    leaseMs: 1_000,
    fetchDeadlineMs: 1_000,
    retentionMs: 1_000,
    policy: { schedule: { stepsMs: [1_000] as const }, patienceMs: 1_000, retentionMs: 60_000 },
    now: () => NOW,
    log: aLog(),
  };
  const request = async (lambda: ApiLambda, headers: Record<string, string> = {}) => {
    const event = { headers, pathParameters: { jobId: job.jobId }, requestContext: {}, routeKey: 'GET /jobs/{jobId}' };
    const response = await lambda(event as unknown as APIGatewayProxyEventV2, {} as Context);
    return { ...response, headers: response.headers ?? {} };
  };
  return { deps, request };
};

const anyJob = fc
  .record({
    status: fc.constantFrom(...JOB_STATUSES),
    isHeld: fc.boolean(),
    isExpunged: fc.boolean(),
    metadata: fc.constantFrom(undefined, { orderId: 'A-42' }),
  })
  .map(({ status, isHeld, isExpunged, metadata }): Job => {
    const { leasedUntil: _, dueAt: __, ...rest } = aJob({ status, ...(metadata && { metadata }) });
    if (status === 'PENDING') return { ...rest, dueAt: NOW + 9_000, ...(isHeld && { leasedUntil: NOW + 9_000 }) };
    const ended = { ...rest, endedAt: NOW, expiresAt: NOW };
    return isExpunged ? expunged(ended, NOW) : ended;
  });

test('a job links to the actions that would not be refused, and to no others', async () => {
  await fc.assert(
    fc.asyncProperty(anyJob, async (job) => {
      const actions = { redrive: createRedrive, cancel: createCancel, delete: createExpunge } as const;
      const accepted: Record<string, boolean> = {};
      for (const [name, createHandler] of Object.entries(actions)) {
        const { deps, request } = await createWorld(job);
        const { statusCode } = await request(createHandler(deps));
        expect([202, 204, 409]).toContain(statusCode);
        accepted[name] = statusCode !== 409;
      }
      expect(allowedActions(job, NOW)).toEqual(accepted);
      const { deps, request } = await createWorld(job);
      const { links } = JSON.parse((await request(createRead(deps))).body ?? '');
      const names = Object.keys(accepted).filter((name) => accepted[name]);
      expect(Object.keys(links).sort()).toEqual(['self', 'data', ...names].sort());
    }),
  );
});

test('an unchanged job is answered 304 without a body, with Retry-After while the job is pending', async () => {
  const { leasedUntil: _, ...job } = aJob({ dueAt: NOW + 4_200 });
  const { deps, request } = await createWorld(job);
  const read = createRead(deps);
  const first = await request(read);
  const etag = String(first.headers.etag);
  expect(first).toMatchObject({ statusCode: 200, headers: { 'retry-after': '5', 'content-type': 'application/json' } });
  for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const { statusCode, headers, body } = await request(read, { 'if-none-match': tags });
    expect([statusCode, headers.etag, headers['retry-after'], body]).toEqual([304, etag, '5', undefined]);
    expect(headers).not.toHaveProperty('content-type');
  }
  for (const tags of ['"other"', etag.slice(1, -1)]) {
    expect((await request(read, { 'if-none-match': tags })).statusCode).toBe(200);
  }
  const cancelled = await request(createCancel(deps));
  expect(cancelled.statusCode).toBe(202);
  const last = await request(read, { 'if-none-match': etag });
  expect(last).toMatchObject({ statusCode: 200 });
  expect(last.headers).not.toHaveProperty('retry-after');
});
