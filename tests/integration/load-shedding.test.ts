import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type HttpApi, startHttpApi } from '../../local/api-gateway.ts';
import { aLog } from '../builders.ts';

const MAX = 3;

/** Invocations that have not ended yet, oldest first. */
let running: { functionId: string; end: () => void }[] = [];
let listeners: (() => void)[] = [];
let api: HttpApi;

beforeAll(async () => {
  api = await startHttpApi(
    {
      logicalId: 'ServiceApi',
      port: 0,
      stageVariables: {},
      cors: undefined,
      isAvailable: () => true,
      maxConcurrent: MAX,
    },
    aLog(),
  );
  const invoke = (functionId: string) =>
    new Promise((resolve) => {
      running.push({ functionId, end: () => resolve({ statusCode: 202 }) });
      for (const listener of listeners) listener();
    });
  api.connect(
    [
      { method: 'POST', path: '/webhook', functionId: 'Webhook' },
      { method: 'GET', path: '/jobs', functionId: 'Jobs' },
    ],
    { invoke },
  );
});
beforeEach(() => {
  running = [];
  listeners = [];
});
afterAll(() => api.close());

const post = () => fetch(`${api.url}/webhook`, { method: 'POST', body: '{}' });
/** Resolves once `count` invocations have started since the test began. */
const started = (count: number) =>
  new Promise<void>((resolve) => {
    const check = () => running.length >= count && resolve();
    listeners.push(check);
    check();
  });
const endAll = () => {
  for (const { end } of running) end();
};

test('requests beyond the limit are answered 503 at once, and never invoke the function', async () => {
  const accepted = Array.from({ length: MAX }, post);
  await started(MAX);
  const refused = await Promise.all([post(), post()]);
  expect(refused.map(({ status }) => status)).toEqual([503, 503]);
  expect(refused.map(({ headers }) => headers.get('retry-after'))).toEqual(['1', '1']);
  expect(await refused[0]?.json()).toEqual({ message: 'Service Unavailable' });
  expect(running).toHaveLength(MAX);
  endAll();
  expect((await Promise.all(accepted)).map(({ status }) => status)).toEqual([202, 202, 202]);
});

test('of a burst, exactly as many as the limit are accepted', async () => {
  const burst = Array.from({ length: 10 * MAX }, post);
  await started(MAX);
  await untilRefused(burst, 9 * MAX);
  endAll();
  const statuses = (await Promise.all(burst)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 202)).toHaveLength(MAX);
  expect(running).toHaveLength(MAX);
});

test('the next request is accepted once one has ended', async () => {
  const accepted = Array.from({ length: MAX }, post);
  await started(MAX);
  expect((await post()).status).toBe(503);
  running[0]?.end();
  await Promise.race(accepted);
  const next = post();
  await started(MAX + 1);
  endAll();
  expect((await next).status).toBe(202);
  await Promise.all(accepted);
});

test('a busy function does not affect another', async () => {
  const accepted = Array.from({ length: MAX }, post);
  await started(MAX);
  const read = fetch(`${api.url}/jobs`);
  await started(MAX + 1);
  expect(running.at(-1)?.functionId).toBe('Jobs');
  endAll();
  expect((await read).status).toBe(202);
  await Promise.all(accepted);
});

/** Resolves once `count` of the responses are 503. */
const untilRefused = (burst: Promise<Response>[], count: number) =>
  new Promise<void>((resolve) => {
    let refused = 0;
    for (const response of burst) {
      void response.then(({ status }) => {
        if (status === 503) refused += 1;
        if (refused === count) resolve();
      });
    }
  });
