import './function-environment.ts';
import { problemSchema } from '@boomerang/core/http/problem-schema.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import { expect, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { v7 as uuidv7 } from 'uuid';
import { createHandler, type Deps } from '../../functions/redrives/handler.ts';
import { countRedrivable } from '../../functions/redrives/request-redrive.ts';
import {
  redriveCountSchema,
  redriveOpenSchema,
  redrivePageSchema,
  redriveSchema,
} from '../../functions/redrives/schema.ts';
import { readTemplate } from '../../local/template.ts';
import { aJob, aLog, NOW } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';
import { createFakeRedrives } from '../fakes/redrives.ts';

type ApiResponse = { statusCode: number; headers: Record<string, string>; body: unknown };

/** The API over one table, for requests of several processes and clients. */
const createApi = (change: Partial<Deps> = {}) => {
  const redrives = createFakeRedrives();
  const log = aLog();
  const sweeps = { started: 0 };
  const deps = {
    redrives,
    jobs: createFakeJobStore().reader,
    startSweep: async () => {
      sweeps.started += 1;
    },
    newId: uuidv7,
    now: () => NOW,
    log,
    ...change,
  };
  const send = async (event: object, clientId: string): Promise<ApiResponse> => {
    const handler = createHandler({ ...deps, authenticate: async () => ({ clientId, name: clientId }) });
    const { body, ...response } = await handler({ requestContext: {}, headers: {}, ...event } as never, {} as Context);
    return { ...response, body: JSON.parse(body ?? 'null') } as ApiResponse;
  };
  const headers = { 'content-type': 'application/json' };
  return {
    redrives,
    log,
    sweeps,
    post: (body: object, clientId = 'client') => send({ headers, body: JSON.stringify(body) }, clientId),
    get: (redriveId: string, clientId = 'client') => send({ pathParameters: { redriveId } }, clientId),
    list: (query: Record<string, string> = {}, clientId = 'client') => {
      const rawQueryString = new URLSearchParams(query).toString();
      return send({ routeKey: 'GET /redrives', rawQueryString, queryStringParameters: query }, clientId);
    },
  };
};

test('a client has one redrive at a time: the next request gets the running one', async () => {
  const { post, get, redrives } = createApi();
  const first = await post({ status: 'FAILED' });
  expect(first.statusCode).toBe(202);
  const { redriveId, links } = redriveSchema.parse(first.body);
  for (const status of ['FAILED', 'COMPLETE']) {
    const refused = await post({ status });
    expect(refused).toMatchObject({
      statusCode: 409,
      headers: { 'content-type': 'application/problem+json', location: links.self },
      body: { status: 409, links: { redrive: links.self } },
    });
    problemSchema.parse(refused.body);
    redriveOpenSchema.parse(refused.body);
  }
  expect(redrives.all.size).toBe(1);
  expect((await get(redriveId)).body).toMatchObject({ status: 'RUNNING', query: { status: 'FAILED' } });
  expect((await get(redriveId, 'other')).statusCode).toBe(404);
  // Neither a dry run nor another client has to wait.
  expect((await post({ status: 'FAILED', dryRun: true })).statusCode).toBe(200);
  expect((await post({ status: 'FAILED' }, 'other')).statusCode).toBe(202);
});

const ALL_TIME = { from: '1970-01-01T00:00:00.000Z', to: new Date(NOW).toISOString() };

test.each<[object, object]>([
  [{ status: 'FAILED' }, { status: 'FAILED' }],
  [{ status: ['FAILED'] }, { status: 'FAILED' }],
  [
    { status: ['FAILED', 'PARTIAL'], providerId: 'gas' },
    { status: ['FAILED', 'PARTIAL'], providerId: 'gas' },
  ],
  [
    { status: 'FAILED', failureCode: 'CALLBACK_GONE' },
    { status: 'FAILED', failureCode: 'CALLBACK_GONE' },
  ],
  [{ inTrouble: true }, { inTrouble: true }],
])('the redrive of %j shows the requested query, with a range of all time', async (body, query) => {
  const { post, get } = createApi();
  const { redriveId } = redriveSchema.parse((await post(body)).body);
  expect(redriveSchema.parse((await get(redriveId)).body).query).toEqual({ ...query, ...ALL_TIME });
});

test('a client lists its redrives page by page, newest first', async () => {
  const { post, get, list, redrives } = createApi();
  expect((await list()).body).toEqual({ redrives: [], cursor: null });
  const ids: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    for (const redrive of redrives.all.values()) redrive.status = 'COMPLETE';
    ids.unshift(redriveSchema.parse((await post({ status: 'FAILED' })).body).redriveId);
  }
  const first = redrivePageSchema.parse((await list({ limit: '2' })).body);
  const second = redrivePageSchema.parse((await list({ limit: '2', cursor: String(first.cursor) })).body);
  const listed = [...first.redrives, ...second.redrives];
  expect(listed.map(({ redriveId }) => redriveId)).toEqual(ids);
  expect(second.cursor).toBeNull();
  expect(listed[0]).toEqual((await get(String(ids[0]))).body);
  expect((await list({}, 'other')).body).toEqual({ redrives: [], cursor: null });
});

test.each([
  [{ limit: '0' }, '/limit'],
  [{ limit: '101' }, '/limit'],
  [{ cursor: 'x' }, '/cursor'],
  [{ status: 'RUNNING' }, '/status'],
])('a list of redrives with the query %j is refused', async (query, pointer) => {
  expect(await createApi().list(query)).toMatchObject({ statusCode: 422, body: { errors: [{ pointer }] } });
});

test.each<[object, string]>([
  [{}, '/status'],
  [{ status: 'FAILED', inTrouble: true }, '/status'],
  [{ status: 'PENDING' }, '/status'],
  [{ status: [] }, '/status'],
  [{ status: ['FAILED', 'PENDING'] }, '/status'],
  [{ inTrouble: false }, '/inTrouble'],
  [{ status: 'FAILED', failureCode: 'GONE' }, '/failureCode'],
  [{ status: 'FAILED', providerId: 'GAS' }, '/providerId'],
  [{ status: 'FAILED', limit: 1 }, '/limit'],
])('a redrive of %j is refused', async (body, pointer) => {
  const { post, redrives } = createApi();
  const refused = await post(body);
  expect(refused).toMatchObject({ statusCode: 422, body: { errors: [{ pointer }] } });
  expect(redrives.all.size).toBe(0);
});

test('of concurrent requests one is accepted, and all others get its id', async () => {
  const { post, sweeps } = createApi();
  const responses = await Promise.all(Array.from({ length: 60 }, () => post({ status: 'FAILED' })));
  const [accepted, ...others] = responses.sort((a, b) => a.statusCode - b.statusCode);
  expect([accepted?.statusCode, ...new Set(others.map(({ statusCode }) => statusCode))]).toEqual([202, 409]);
  expect(new Set(responses.map(({ headers }) => headers.location)).size).toBe(1);
  expect(sweeps.started).toBe(1);
});

test('a redrive is accepted once it is stored, even if no sweep starts', async () => {
  const down = async () => {
    throw new Error('down');
  };
  for (const change of [{ startSweep: down }, { redrives: { ...createFakeRedrives(), reservePass: down } }]) {
    const { post, log } = createApi(change);
    expect((await post({ status: 'FAILED' })).statusCode).toBe(202);
    expect(log.lines.map(({ level }) => level)).toContain('warn');
  }
});

/** An endless list of jobs, each page of which takes some time. */
const createEndlessList = (msPerPage: number, jobsPerPage = 100) => {
  const world = { now: NOW, pages: 0 };
  const find: JobReader['find'] = async ({ limit }) => {
    world.now += msPerPage;
    world.pages += 1;
    const jobs = Array.from({ length: Math.min(limit, jobsPerPage) }, () => aJob());
    return { jobs, cursor: `page ${world.pages}` };
  };
  return { world, deps: { jobs: { find }, now: () => world.now } };
};
const query = { status: 'COMPLETE', from: 0, to: NOW } as const;

test("a slow dry run ends within the function's time, and reports that it is incomplete", async () => {
  const timeoutMs = Number(readTemplate('template.yaml').Resources.RedrivesFunction?.Properties?.Timeout) * 1000;
  for (const msPerPage of [700, 4_999]) {
    const { world, deps } = createEndlessList(msPerPage);
    expect(await countRedrivable(deps, 'client', query)).toEqual({
      matched: world.pages * 100,
      truncated: true,
      more: true,
    });
    expect(world.pages).toBeGreaterThanOrEqual(4);
    expect(world.now - NOW).toBeLessThan(timeoutMs - 3_000);
  }
});

test('a dry run without matches also ends in time', async () => {
  const { world, deps } = createEndlessList(200, 0);
  expect(await countRedrivable(deps, 'client', query)).toEqual({ matched: 0, truncated: true, more: true });
  expect(world.now - NOW).toBeLessThan(21_000);
});

test('a dry run counts at most 10,000 jobs', async () => {
  const { world, deps } = createEndlessList(1, 999);
  expect(await countRedrivable(deps, 'client', query)).toEqual({ matched: 10_000, truncated: true, more: true });
  expect(world.pages).toBe(11);
});

test('a complete dry run reports that it is complete', async () => {
  const { post } = createApi();
  const response = await post({ status: 'FAILED', dryRun: true });
  expect(response.body).toEqual({ matched: 0, truncated: false, more: false });
  redriveCountSchema.parse(response.body);
});
