import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from '@jest/globals';
import { listen } from '../../local/http-server.ts';
import type { Job } from '../../packages/client/api-types.ts';
import { ApiProblem, createClient } from '../../packages/client/client.ts';

type ScriptedResponse = { status?: number; headers?: Record<string, string>; body?: unknown; raw?: string } | 'hang up';
type ReceivedRequest = { line: string; headers: IncomingMessage['headers']; body: string };

const closeServers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closeServers.splice(0)) await close();
});

/** A server that sends the nth response to the nth request; the last one repeats. */
const serve = async (...responses: ScriptedResponse[]) => {
  const requests: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      requests.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
      const scripted = responses[Math.min(requests.length, responses.length) - 1] ?? {};
      if (scripted === 'hang up') return request.socket.destroy();
      const { status = 200, headers = {}, body: responseBody, raw } = scripted;
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      return response.end(raw ?? (responseBody === undefined ? '' : JSON.stringify(responseBody)));
    });
  });
  const { url, close } = await listen(server, 0);
  closeServers.push(close);
  return { requests, client: createClient({ baseUrl: url, apiKey: 'bmr_key' }), url };
};

const JOB_ID = '01a20b4c-cf47-716b-85d8-5343742576b8';
const jobIn = (status: Job['status']) => ({ jobId: JOB_ID, status }) as Job;
const problem = (status: number, more: object = {}) => ({
  status,
  body: { type: 'about:blank', title: 'No', status, detail: 'Not now.', instance: 'r-1', ...more },
});
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const FAST = { pollEveryMs: 1 };

describe('each operation', () => {
  const body = { providers: ['gas'], callbackUrl: 'https://example.com/complete' };
  type Client = ReturnType<typeof createClient>;
  test.each<[string, (client: Client) => Promise<unknown>]>([
    ['POST /webhook', (client) => client.submit(body)],
    [`GET /jobs/${JOB_ID}`, (client) => client.get(JOB_ID)],
    ['GET /jobs/a%2Fb', (client) => client.get('a/b')],
    [`GET /jobs/${JOB_ID}/data`, (client) => client.data(JOB_ID)],
    [`GET /jobs/${JOB_ID}/data?providerId=gas`, (client) => client.data(JOB_ID, { providerId: 'gas' })],
    [`POST /jobs/${JOB_ID}/redrive`, (client) => client.redrive(JOB_ID)],
    [`POST /jobs/${JOB_ID}/cancel`, (client) => client.cancel(JOB_ID)],
    ['GET /jobs', (client) => client.listPage()],
    ['GET /jobs?status=FAILED&limit=5', (client) => client.listPage({ status: 'FAILED', limit: 5 })],
    ['GET /catalogue', (client) => client.catalogue()],
    ['GET /health', (client) => client.health()],
    ['GET /health?deep=1', (client) => client.health({ deep: true })],
    [
      'PUT /a?b=1%2C2&c=true',
      (client) =>
        client.request('/a', { method: 'PUT', query: { b: ['1', '2'], c: true } }).then((response) => response.body),
    ],
  ])('sends %s with the API key, and returns the body', async (line, operation) => {
    const { client, requests } = await serve({ body: { any: 'body' } });
    expect(await operation(client)).toEqual({ any: 'body' });
    expect(requests).toMatchObject([{ line, headers: { authorization: 'Bearer bmr_key' } }]);
  });

  test('submit sends the job as JSON, with its idempotency key', async () => {
    const { client, requests } = await serve({ status: 202, body: { jobId: JOB_ID } });
    await client.submit(body, { idempotencyKey: 'order-1' });
    await client.submit(body);
    expect(requests[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'idempotency-key': 'order-1' });
    expect(requests.map(({ headers }) => headers['idempotency-key'])).toEqual(['order-1', undefined]);
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual(body);
  });

  test('remove returns undefined', async () => {
    const { client, requests } = await serve({ status: 204 });
    expect(await client.remove(JOB_ID)).toBeUndefined();
    expect(requests).toMatchObject([{ line: `DELETE /jobs/${JOB_ID}` }]);
  });

  test('request returns the text of the body, with every digit', async () => {
    const { client } = await serve({ raw: '{"n":12345678901234567890}', headers: { etag: '"1"' } });
    const response = await client.request('/x');
    expect([response.status, response.text, response.headers.get('etag')]).toEqual([
      200,
      '{"n":12345678901234567890}',
      '"1"',
    ]);
  });

  test('sends no authorization without a key', async () => {
    const { url, requests } = await serve({ body: { status: 'ok' } });
    await createClient({ baseUrl: url }).health();
    expect(requests[0]?.headers.authorization).toBeUndefined();
  });
});

describe('the list', () => {
  test('follows the cursor to the last page, past empty pages', async () => {
    const { client, requests } = await serve(
      { body: { jobs: [{ jobId: '1' }, { jobId: '2' }], cursor: 'a' } },
      { body: { jobs: [], cursor: 'b' } },
      { body: { jobs: [{ jobId: '3' }], cursor: null } },
    );
    const ids: string[] = [];
    for await (const { jobId } of client.list({ status: 'FAILED' })) ids.push(jobId);
    expect(ids).toEqual(['1', '2', '3']);
    expect(requests.map(({ line }) => line)).toEqual([
      'GET /jobs?status=FAILED',
      'GET /jobs?status=FAILED&cursor=a',
      'GET /jobs?status=FAILED&cursor=b',
    ]);
  });

  test('requests no further page than the reader needs', async () => {
    const { client, requests } = await serve({ body: { jobs: [{ jobId: '1' }, { jobId: '2' }], cursor: 'a' } });
    for await (const { jobId } of client.list()) if (jobId === '2') break;
    expect(requests).toHaveLength(1);
  });
});

describe('a refused request', () => {
  test('throws an ApiProblem with the status and retryAfterMs', async () => {
    const errors = [{ pointer: '/providers/0', message: 'Unknown provider.' }];
    const { client } = await serve({ ...problem(422, { errors }), headers: { 'retry-after': '7' } });
    const error = await errorOf(client.get(JOB_ID));
    expect(error).toBeInstanceOf(ApiProblem);
    expect(error).toMatchObject({
      name: 'ApiProblem',
      message: 'Not now.',
      status: 422,
      retryAfterMs: 7_000,
      problem: { title: 'No', errors },
    });
  });

  test.each<[string, ScriptedResponse, object]>([
    [
      "a gateway's own error",
      { status: 429, body: { message: 'Too Many Requests' } },
      { status: 429, message: 'Too Many Requests' },
    ],
    ['HTML from a proxy', { status: 502, raw: '<html>' }, { status: 502, message: 'Bad Gateway' }],
    ['no body', { status: 503 }, { status: 503, message: 'Service Unavailable' }],
    ['JSON that is not an object', { status: 500, raw: 'null' }, { status: 500, message: 'Internal Server Error' }],
  ])('with %s throws an ApiProblem', async (_case, response, expected) => {
    const { client } = await serve(response);
    expect(await errorOf(client.get(JOB_ID))).toMatchObject({ ...expected, retryAfterMs: undefined });
  });

  test('has a retryAfterMs of 0 if Retry-After is a past date', async () => {
    const { client } = await serve({ ...problem(503), headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } });
    expect(await errorOf(client.get(JOB_ID))).toMatchObject({ retryAfterMs: 0 });
  });

  test('without a response throws the TypeError of fetch', async () => {
    const { client } = await serve('hang up');
    expect(await errorOf(client.get(JOB_ID))).toMatchObject({ name: 'TypeError' });
  });
});

describe('wait', () => {
  test('polls until the job has ended, and calls onChange for each response', async () => {
    const { client } = await serve({ body: jobIn('PENDING') }, { body: jobIn('PENDING') }, { body: jobIn('PARTIAL') });
    const statuses: string[] = [];
    const job = await client.wait(JOB_ID, { ...FAST, onChange: ({ status }) => statuses.push(status) });
    expect(job.status).toBe('PARTIAL');
    expect(statuses).toEqual(['PENDING', 'PENDING', 'PARTIAL']);
  });

  test("stops when the caller's condition holds", async () => {
    const { client, requests } = await serve({ body: { ...jobIn('PENDING'), phase: 'CALLING_BACK' } });
    await client.wait(JOB_ID, { ...FAST, until: ({ phase }) => phase === 'CALLING_BACK' });
    expect(requests).toHaveLength(1);
  });

  test('sends the ETag of the last response, and continues after 304', async () => {
    const { client, requests } = await serve(
      { body: jobIn('PENDING'), headers: { etag: '"1"' } },
      { status: 304, headers: { etag: '"1"' } },
      { body: jobIn('COMPLETE'), headers: { etag: '"2"' } },
    );
    let changes = 0;
    await client.wait(JOB_ID, { ...FAST, onChange: () => changes++ });
    expect(requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"', '"1"']);
    expect(changes).toBe(2);
  });

  test('polls no sooner than Retry-After', async () => {
    const { client, requests } = await serve({ body: jobIn('PENDING'), headers: { 'retry-after': '3600' } });
    expect(await errorOf(client.wait(JOB_ID, { timeoutMs: 1_100 }))).toMatchObject({ name: 'TimeoutError' });
    expect(requests).toHaveLength(1);
  });

  test('polls at once if Retry-After is 0', async () => {
    const { client } = await serve(
      { body: jobIn('PENDING'), headers: { 'retry-after': '0' } },
      { body: jobIn('COMPLETE') },
    );
    expect((await client.wait(JOB_ID)).status).toBe('COMPLETE');
  });

  test('polls again after a broken connection, 503 and 429', async () => {
    const { client, requests } = await serve('hang up', problem(503), problem(429), { body: jobIn('COMPLETE') });
    expect((await client.wait(JOB_ID, FAST)).status).toBe('COMPLETE');
    expect(requests).toHaveLength(4);
  });

  test('waits for the Retry-After of a failed poll, even if pollEveryMs is shorter', async () => {
    const { client, requests } = await serve({ ...problem(503), headers: { 'retry-after': '3600' } });
    expect(await errorOf(client.wait(JOB_ID, { ...FAST, timeoutMs: 200 }))).toMatchObject({ name: 'TimeoutError' });
    expect(requests).toHaveLength(1);
  });

  test.each([401, 403, 404])('throws the ApiProblem of a %s', async (status) => {
    const { client, requests } = await serve(problem(status));
    expect(await errorOf(client.wait(JOB_ID, FAST))).toMatchObject({ name: 'ApiProblem', status });
    expect(requests).toHaveLength(1);
  });

  test('throws the reason of its signal, before and between polls', async () => {
    const { client, requests } = await serve({ body: jobIn('PENDING') });
    const reason = new Error('stop');
    expect(await errorOf(client.wait(JOB_ID, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(requests).toHaveLength(0);
    const controller = new AbortController();
    const jobPromise = client.wait(JOB_ID, { signal: controller.signal, onChange: () => controller.abort(reason) });
    expect(await errorOf(jobPromise)).toBe(reason);
  });

  test('throws an error thrown by until', async () => {
    const { client } = await serve({ body: jobIn('PENDING') });
    const error = new TypeError('thrown by until');
    const until = () => {
      throw error;
    };
    expect(await errorOf(client.wait(JOB_ID, { ...FAST, until }))).toBe(error);
  });
});
