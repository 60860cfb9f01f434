import { describe, expect, test } from '@jest/globals';
import { CheckFailed, checkDeployment } from '../../cli/check-deployment.ts';

type Reply = { status: number; body: unknown } | Error;

/** A deployment whose routes send one reply after the other, then repeat the last. */
const createWorld = (routes: Record<string, Reply[]>) => {
  const world = { now: 0, lines: [] as string[], requests: [] as string[], keys: new Set<string | null>() };
  const repliesByRoute: Record<string, Reply[]> = {
    'GET /health?deep=1': [{ status: 200, body: { status: 'ok' } }],
    'POST /webhook': [{ status: 202, body: { jobId: '1' } }],
    'GET /jobs/1': [{ status: 200, body: { status: 'COMPLETE' } }],
    'GET /jobs/1/data': [{ status: 200, body: { data: [{ providerId: 'gas', data: [] }] } }],
    'POST /jobs/1/cancel': [{ status: 202, body: {} }],
    ...routes,
  };
  const fetch = async (url: unknown, { method = 'GET', headers }: RequestInit = {}) => {
    const request = `${method} ${String(url).replace('https://api', '')}`;
    world.requests.push(request);
    if (request === 'POST /webhook') world.keys.add(new Headers(headers).get('idempotency-key'));
    const replies = repliesByRoute[request] ?? [];
    const reply = replies.length > 1 ? replies.shift() : replies[0];
    if (!reply || reply instanceof Error) throw reply ?? new Error(`no route ${request}`);
    return new Response(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body), reply);
  };
  const sleep = async (ms: number) => {
    world.now += ms;
  };
  const deps = { fetch, now: () => world.now, sleep, print: (line: string) => void world.lines.push(line) };
  const options = {
    serviceUrl: 'https://api',
    apiKey: 'key',
    provider: 'gas',
    callbackUrl: 'https://c',
    timeoutMs: 60_000,
  };
  return { world, run: async () => checkDeployment(deps, options) };
};

const pending = { status: 200, body: { status: 'PENDING', phase: 'FETCHING', attempts: [] } };
const broken = { status: 503, body: { detail: 'Failed checks: sweep.' } };

describe('the check of a deployment', () => {
  test('succeeds once a job is delivered and its data can be read', async () => {
    const { world, run } = createWorld({
      'GET /jobs/1': [pending, pending, { status: 200, body: { status: 'COMPLETE' } }],
    });
    await run();
    expect(world.lines.map((line) => line.replace(/^.* s {2}/, ''))).toEqual([
      'the API is healthy',
      'accepted job 1',
      'the job is PENDING, FETCHING',
      'the job is COMPLETE',
      'its data can be read: check passed',
    ]);
  });

  test('waits for a new stack to become healthy, and tolerates requests that fail briefly', async () => {
    const { world, run } = createWorld({
      'GET /health?deep=1': [new Error('refused'), broken, broken, { status: 200, body: {} }],
      'POST /webhook': [
        { status: 500, body: 'Internal Server Error' },
        { status: 202, body: { jobId: '1' } },
      ],
      'GET /jobs/1': [new Error('reset'), { status: 200, body: { status: 'COMPLETE' } }],
    });
    await run();
    // The second POST repeats the first.
    expect(world.requests.filter((request) => request === 'POST /webhook')).toHaveLength(2);
    expect(world.keys).toEqual(new Set(['check-0']));
  });

  test.each<[string, Record<string, Reply[]>, RegExp]>([
    ['is never healthy', { 'GET /health?deep=1': [broken] }, /not healthy: 503 Failed checks: sweep/],
    ['refuses the job', { 'POST /webhook': [{ status: 422, body: { errors: [1] } }] }, /not accepted: 422 \[1\]/],
    [
      'answers 5xx throughout',
      { 'POST /webhook': [{ status: 500, body: 'gateway' }] },
      /POST \/webhook failed: 500 gateway/,
    ],
    [
      'ends without delivery',
      { 'GET /jobs/1': [{ status: 200, body: { status: 'PARTIAL' } }] },
      /ended without delivery.*PARTIAL/,
    ],
    ['loses the job', { 'GET /jobs/1': [{ status: 404, body: {} }] }, /cannot be read: 404/],
    ['has no data', { 'GET /jobs/1/data': [{ status: 200, body: { data: [] } }] }, /has no data/],
    [
      'returns an error in place of data',
      { 'GET /jobs/1/data': [{ status: 200, body: { data: [{ providerId: 'gas' }] } }] },
      /no data/,
    ],
  ])('fails when the deployment %s', async (_case, routes, message) => {
    const { run } = createWorld(routes);
    await expect(run()).rejects.toThrow(message);
    await expect(createWorld(routes).run()).rejects.toBeInstanceOf(CheckFailed);
  });

  test('fails and cancels the job when it is not delivered in time', async () => {
    const { world, run } = createWorld({ 'GET /jobs/1': [pending] });
    await expect(run()).rejects.toThrow('not delivered within 60 s: the job is PENDING');
    expect(world.requests.at(-1)).toBe('POST /jobs/1/cancel');
  });
});
