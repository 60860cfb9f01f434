import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { contractOf } from './contract.ts';

const CLI = fileURLToPath(new URL('../../cli/clients.ts', import.meta.url));
const dataFolder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));

type Client = { clientId: string; apiKey: string };
type Answer = { status: number; body: Record<string, unknown> };

let cloud: Instance;
let ops: Client;
let acme: Client;

const clients = async <T>(...args: string[]): Promise<T> => {
  const env = { ...process.env, DATA_DIR: dataFolder };
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args, '--json'], { env });
  return JSON.parse(stdout) as T;
};

/** Sends a request as a client, and checks it against the OpenAPI document. */
const send = async ({ apiKey }: Client, route: string, body?: object): Promise<Answer> => {
  const [method = '', target = ''] = route.split(' ');
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const response = await contractOf('service', cloud.serviceUrl)(target, init);
  const text = await response.text();
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
};

/** Posts a job that stays pending: its provider always fails. */
const post = async (client: Client): Promise<string> => {
  const { body } = await send(client, 'POST /webhook', {
    providers: ['gas'],
    callbackUrl: `${cloud.serviceUrl}/complete`,
  });
  return String(body.jobId);
};

beforeAll(async () => {
  cloud = await startInstance({
    DATA_DIR: dataFolder,
    FAILURE_RATE: '1',
    SWEEP_SECONDS: '3600',
    RETRY_SCHEDULE_SECONDS: '3600',
  });
  ops = await clients('create', '--name', 'ops', '--operator');
  acme = await clients('create', '--name', 'acme');
}, 60_000);
afterAll(() => cloud.stop(), 30_000);

test('only an operator can read and change the jobs of another client', async () => {
  const jobId = await post(acme);
  const forAcme = `clientId=${acme.clientId}`;
  expect((await send(ops, `GET /jobs/${jobId}`)).status).toBe(404);
  expect((await send(ops, `GET /jobs/${jobId}?${forAcme}`)).body).toMatchObject({ jobId, status: 'PENDING' });
  expect((await send(ops, `GET /jobs?${forAcme}`)).body).toMatchObject({ jobs: [{ jobId }] });
  expect((await send(ops, 'GET /jobs')).body).toMatchObject({ jobs: [] });
  for (const clientId of [acme.clientId, ops.clientId]) {
    expect((await send(acme, `GET /jobs?clientId=${clientId}`)).status).toBe(403);
  }
  expect((await send(ops, `POST /jobs/${jobId}/cancel?${forAcme}`)).status).toBe(202);
  expect((await send(acme, `GET /jobs/${jobId}`)).body).toMatchObject({ status: 'CANCELLED' });
  expect(cloud.output()).toMatch(
    new RegExp(`"Operator acted for client".*"operatorId":"${ops.clientId}".*"clientId":"${acme.clientId}"`),
  );
}, 30_000);

test('GET /clients lists all clients for operators only; GET /me describes the caller', async () => {
  await post(acme);
  expect((await send(acme, 'GET /me')).body).toEqual({ clientId: acme.clientId, name: 'acme', isOperator: false });
  expect((await send(ops, 'GET /me')).body).toEqual({ clientId: ops.clientId, name: 'ops', isOperator: true });
  expect((await send(acme, 'GET /clients')).status).toBe(403);
  const { body } = await send(ops, 'GET /clients');
  expect(body.clients).toEqual([
    expect.objectContaining({ clientId: 'local', createdAt: null, isOperator: false }),
    expect.objectContaining({ clientId: acme.clientId, name: 'acme', pendingJobs: 1, revokedAt: null }),
    expect.objectContaining({ clientId: ops.clientId, name: 'ops', pendingJobs: 0, isOperator: true }),
  ]);
}, 30_000);

test('the list of clients shows operators', async () => {
  const list = await clients<{ clientId: string; isOperator: boolean }[]>('list');
  const isOperator = Object.fromEntries(list.map((client) => [client.clientId, client.isOperator]));
  expect(isOperator).toEqual({ local: false, [ops.clientId]: true, [acme.clientId]: false });
});

test('only create accepts --operator', async () => {
  await expect(clients('update', acme.clientId, '--rate-per-second', '1', '--operator')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--operator is not allowed'),
  });
});
