import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { newApiKey, newSigningSecret } from '@boomerang/core/security/credentials.ts';
import { signatureHeaders } from '@boomerang/core/security/signature.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf, isOver } from './api.ts';
import { contractOf } from './contract.ts';
import { type Behaviour, respondsWith, startThirdParties, type ThirdParties, writeCatalogue } from './third-parties.ts';

const CLI = fileURLToPath(new URL('../../cli/clients.ts', import.meta.url));

const apiKey = newApiKey();
const signingSecret = newSigningSecret();
const credential = `credential-${randomBytes(8).toString('hex')}`;
const payload = `payload-${randomBytes(8).toString('hex')}`;
const token = `token-${randomBytes(8).toString('hex')}`;
const gatewayKey = `gateway-${randomBytes(8).toString('hex')}`;

let cloud: Instance;
let parties: ThirdParties;
const dataFolder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
const received: { headers: IncomingHttpHeaders; body: string }[] = [];
const credentials: (string | undefined)[] = [];

/** Records the headers and the body, then behaves as given. */
const records =
  (behaviour: Behaviour): Behaviour =>
  (response, call) => {
    received.push({ headers: call.request.headers, body: call.body });
    behaviour(response, call);
  };

type NewClient = { clientId: string; apiKey: string; signingSecret: string };
/**
 * Runs `npm run clients` with input. Asynchronous: a blocked process would not notice that the server closed a kept-alive
 * connection, and would reuse it.
 */
const clientsWithInput = async <T>(stdin: string, ...args: string[]): Promise<T> => {
  const env = { ...process.env, DATA_DIR: dataFolder };
  const running = promisify(execFile)(process.execPath, [CLI, ...args, '--json'], { env });
  running.child.stdin?.end(stdin);
  const { stdout } = await running;
  return JSON.parse(stdout) as T;
};
const clients = async <T>(...args: string[]): Promise<T> => clientsWithInput('', ...args);

beforeAll(async () => {
  parties = await startThirdParties();
  const catalogue = writeCatalogue(parties.url, { private: {}, echoing: {} });
  const { providers } = JSON.parse(readFileSync(catalogue, 'utf8')) as { providers: object[] };
  const auth = { header: 'X-Api-Key', secret: 'private-key' };
  writeFileSync(catalogue, JSON.stringify({ providers: providers.map((provider) => ({ ...provider, auth })) }));
  parties.set('/provider/private', (response, call) => {
    credentials.push(call.request.headers['x-api-key'] as string | undefined);
    respondsWith({ payload })(response, call);
  });
  parties.set('/provider/echoing', (response, call) =>
    respondsWith(`no such key: ${call.request.headers['x-api-key']} ${payload}`, 403)(response, call),
  );
  parties.set(`/receiver?token=${token}`, records(respondsWith('ok')));
  parties.set('/gateway', (response, call) => {
    const { authorization } = call.request.headers;
    const isAllowed = authorization === `Bearer ${gatewayKey}`;
    records(isAllowed ? respondsWith('ok') : respondsWith(`who is ${authorization}?`, 401))(response, call);
  });
  parties.set('/forbidding', (response, call) =>
    records(respondsWith(`not for ${call.request.headers.authorization}`, 403))(response, call),
  );
  parties.set('/rejecting', records(respondsWith(`no ${payload}`, 404)));
  cloud = await startInstance({
    DATA_DIR: dataFolder,
    LOCAL_API_KEY: apiKey,
    LOCAL_SIGNING_SECRET: signingSecret,
    PRIVATE_KEY: credential,
    PROVIDER_CATALOGUE: catalogue,
    RETRY_SCHEDULE_SECONDS: '1',
    SWEEP_SECONDS: '1',
  });
}, 30_000);

afterAll(async () => {
  await cloud.stop();
  await parties.close();
}, 30_000);

const verify = (secret: string, { headers, body }: (typeof received)[number]): void => {
  for (const webhook of [new Webhook(secret), new SvixWebhook(secret)]) {
    webhook.verify(body, headers as Record<string, string>);
  }
};

describe('a callback', () => {
  test('is signed with the secret of the client', async () => {
    const { submit, waitFor } = apiOf(cloud);
    const jobId = await submit(['private'], `${parties.url}/receiver?token=${token}`);
    expect((await waitFor(jobId, isOver)).status).toBe('COMPLETE');
    const [callback] = received.filter(({ headers }) => headers['webhook-id'] === jobId);
    if (!callback) throw new Error('no callback came');
    verify(signingSecret, callback);
    expect(() => verify(newSigningSecret(), callback)).toThrow();
    expect(credentials).toContain(credential);
  });

  test('keeps its id across retries, each signed with its own timestamp', async () => {
    const { submit, waitFor } = apiOf(cloud);
    const jobId = await submit(['private'], `${parties.url}/rejecting`);
    const job = await waitFor(jobId, isOver);
    expect(job.failure?.code).toBe('CALLBACK_EXHAUSTED');
    const tries = received.filter(({ headers }) => headers['webhook-id'] === jobId);
    expect(tries).toHaveLength(2);
    for (const callback of tries) verify(signingSecret, callback);
    expect(new Set(tries.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(2);
  }, 30_000);

  test('to /complete must be signed if a secret is configured', async () => {
    const body = JSON.stringify({ jobId: 'a', data: [] });
    const post = (headers: Record<string, string>) =>
      contractOf('service', cloud.serviceUrl)('/complete', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers },
      });
    expect((await post({})).status).toBe(401);
    expect((await post(signatureHeaders([newSigningSecret()], 'a', body, Date.now()))).status).toBe(401);
    expect((await post(signatureHeaders([signingSecret], 'a', body, Date.now() - 360_000))).status).toBe(401);
    expect((await post(signatureHeaders([signingSecret], 'a', body, Date.now()))).status).toBe(200);
    const { submit, waitFor } = apiOf(cloud);
    expect((await waitFor(await submit(['private'], `${cloud.serviceUrl}/complete`), isOver)).status).toBe('COMPLETE');
  });
});

describe('custom callback headers', () => {
  test('are sent with callbacks of their client, and not with those of another', async () => {
    const { clientId, ...behind } = await clients<NewClient>('create', '--name', 'behind a gateway');
    const lines = `Authorization: Bearer ${gatewayKey}\nX-Tenant: ténant\n`;
    const set = await clientsWithInput<object>(lines, 'set-headers', clientId, '--header-file', '-');
    expect(set).toEqual({ clientId, callbackHeaders: ['authorization', 'x-tenant'] });
    const { submit, waitFor } = apiOf({ ...cloud, apiKey: behind.apiKey });
    const jobId = await submit(['private'], `${parties.url}/gateway`);
    expect((await waitFor(jobId, isOver)).status).toBe('COMPLETE');
    const [callback] = received.filter(({ headers }) => headers['webhook-id'] === jobId);
    if (!callback) throw new Error('no callback came');
    expect(callback.headers).toMatchObject({
      authorization: `Bearer ${gatewayKey}`,
      'x-tenant': 'ténant',
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^Boomerang\//),
    });
    verify(behind.signingSecret, callback);
    expect(Object.keys(JSON.parse(callback.body))).toEqual(['jobId', 'data']);

    const other = apiOf(cloud);
    const refused = await other.waitFor(await other.submit(['private'], `${parties.url}/gateway`), isOver);
    expect(refused.failure?.code).toBe('CALLBACK_EXHAUSTED');
    const list = await clients<{ clientId: string; callbackHeaders: string[] }[]>('list');
    expect(list.find((client) => client.clientId === clientId)?.callbackHeaders).toEqual(['authorization', 'x-tenant']);
    expect(JSON.stringify(list)).not.toContain(gatewayKey);
  }, 30_000);

  test('are masked in the job if a receiver repeats them', async () => {
    const args = ['--name', 'forbidden', '--header', `authorization: Bearer ${gatewayKey}`];
    const forbidden = await clients<NewClient>('create', ...args);
    const { submit, waitFor } = apiOf({ ...cloud, apiKey: forbidden.apiKey });
    const job = await waitFor(await submit(['private'], `${parties.url}/forbidding`), isOver);
    expect(job.failure?.code).toBe('CALLBACK_EXHAUSTED');
    expect(JSON.stringify(job)).toContain('not for Bearer ***');
    expect(JSON.stringify(job)).not.toContain(gatewayKey);
  }, 30_000);
});

describe('a client', () => {
  test('sees its own jobs, and gets 404 for those of others', async () => {
    const other = await clients<NewClient>('create', '--name', 'other');
    const theirs = apiOf({ ...cloud, apiKey: other.apiKey });
    const mine = apiOf(cloud);
    const jobId = await theirs.submit(['private'], `${parties.url}/other`);
    await theirs.waitFor(jobId, isOver);
    expect((await theirs.listAll()).map((job) => job.jobId)).toEqual([jobId]);
    expect((await mine.listAll()).map((job) => job.jobId)).not.toContain(jobId);
    await expect(mine.getJob(jobId)).rejects.toMatchObject({ name: 'ApiProblem', status: 404 });
  });

  test('may use the idempotency key of another client', async () => {
    const other = await clients<NewClient>('create', '--name', 'namesake');
    const request = { providers: ['private'], callbackUrl: `${parties.url}/same` };
    const key = { 'idempotency-key': 'the same' };
    const ids = await Promise.all(
      [cloud, { ...cloud, apiKey: other.apiKey }].map(async (caller) => {
        const response = await apiOf(caller).post(request, key);
        return ((await response.json()) as { jobId: string }).jobId;
      }),
    );
    expect(new Set(ids).size).toBe(2);
  });

  test('that exceeds its rate gets 429 with Retry-After, while other clients are accepted', async () => {
    const limited = await clients<NewClient>('create', '--name', 'limited', '--rate-per-second', '0.05');
    const request = { providers: ['private'], callbackUrl: `${parties.url}/limited` };
    const responses: Response[] = [];
    // Three per minute; a new minute may begin during the test.
    for (let index = 0; index < 8; index += 1) {
      responses.push(await apiOf({ ...cloud, apiKey: limited.apiKey }).post(request));
    }
    expect(responses[0]?.status).toBe(202);
    const refused = responses.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(responses.filter(({ status }) => status === 202).length).toBeLessThanOrEqual(6);
    const retryAfter = Number(refused[0]?.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect(await refused[0]?.json()).toMatchObject({ status: 429, title: 'Too Many Requests' });
    expect((await apiOf(cloud).post(request)).status).toBe(202);
    const updated = await clients<{ ratePerSecond: number }>('update', limited.clientId, '--rate-per-second', '7');
    expect(updated).toEqual({ clientId: limited.clientId, ratePerSecond: 7 });
    const list = await clients<{ clientId: string; ratePerSecond: number | null }[]>('list');
    expect(list.find(({ clientId }) => clientId === limited.clientId)?.ratePerSecond).toBe(7);
  }, 30_000);

  test('can have its secret rotated, and is refused once revoked', async () => {
    const gone = await clients<NewClient>('create', '--name', 'gone');
    const rotated = await clients<{ signingSecret: string }>('rotate-secret', gone.clientId);
    expect(rotated.signingSecret).not.toBe(gone.signingSecret);
    await clients('revoke', gone.clientId);
    expect((await apiOf({ ...cloud, apiKey: gone.apiKey }).post({})).status).toBe(401);
    const list = await clients<{ clientId: string; liveSecrets: number; revokedAt: string | null }[]>('list');
    expect(list.find(({ clientId }) => clientId === gone.clientId)).toMatchObject({
      liveSecrets: 2,
      revokedAt: expect.any(String),
    });
  }, 30_000);
});

test('logs contain no keys, secrets, signatures, tokens or payloads, and jobs contain no credentials', async () => {
  const { submit, waitFor, post } = apiOf(cloud);
  const job = await waitFor(await submit(['echoing', 'private'], `${parties.url}/receiver?token=${token}`), isOver);
  expect(job.status).toBe('PARTIAL');
  expect(JSON.stringify(job)).not.toContain(credential);
  expect(JSON.stringify(job)).not.toContain(token);
  await post({ providers: [payload], callbackUrl: `https://user:${token}@example.com` });
  await post('{', { authorization: `Bearer ${token}` });
  const output = cloud.output();
  const signatures = received.map(({ headers }) => String(headers['webhook-signature']).split(',')[1] as string);
  expect(signatures.length).toBeGreaterThan(3);
  for (const secret of [
    apiKey,
    signingSecret,
    signingSecret.slice(6),
    credential,
    payload,
    token,
    gatewayKey,
    ...signatures,
  ]) {
    expect(output).not.toContain(secret);
  }
  expect(output).toContain(job.jobId);
});
