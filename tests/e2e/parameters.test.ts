import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf, isOver } from './api.ts';
import { contractOf } from './contract.ts';
import { inSequence, respondsWith, startThirdParties, type ThirdParties } from './third-parties.ts';

let cloud: Instance;
let parties: ThirdParties;
const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-parameters-'));
const catalogueFile = path.join(folder, 'providers.json');

const writeCatalogue = (...providers: object[]): void => writeFileSync(catalogueFile, JSON.stringify({ providers }));
const start = () =>
  startInstance({
    DATA_DIR: path.join(folder, 'data'),
    PROVIDER_CATALOGUE: catalogueFile,
    RETRY_SCHEDULE_SECONDS: '1',
    SWEEP_SECONDS: '1',
  });

beforeAll(async () => {
  parties = await startThirdParties();
  writeCatalogue(
    {
      id: 'gas',
      title: 'Gas bills',
      url: `${parties.url}/gas/{account}{?size}`,
      parameters: {
        type: 'object',
        required: ['account'],
        properties: {
          account: { type: 'string', pattern: '^[0-9]{8}$', writeOnly: true },
          size: { type: 'integer', maximum: 200, default: 100, as: 'page_size' },
        },
      },
    },
    { id: 'plain', url: `${parties.url}/plain` },
  );
  cloud = await start();
}, 30_000);

afterAll(async () => {
  await cloud.stop();
  await parties.close();
}, 30_000);

const call = async (method: string, route: string) => {
  const headers = { authorization: `Bearer ${cloud.apiKey}` };
  const response = await contractOf('service', cloud.serviceUrl)(route, { method, headers });
  const text = await response.text();
  return { status: response.status, text, body: text === '' ? undefined : JSON.parse(text) };
};
const request = () => ({
  providers: [{ id: 'gas', parameters: { account: '12345678' } }, 'plain'],
  callbackUrl: `${parties.url}/receiver`,
  metadata: { orderId: 'A-42', note: '"é😀\u2028' },
});

test('GET /catalogue lists providers and their parameters, but not how they are called', async () => {
  const { status, body, text } = await call('GET', '/catalogue');
  expect(status).toBe(200);
  expect(body.providers).toMatchObject([
    { id: 'gas', title: 'Gas bills', parameters: { required: ['account'] }, circuit: 'closed' },
    { id: 'plain', circuit: 'closed' },
  ]);
  expect(text).not.toMatch(/127\.0\.0\.1|page_size/);
  expect((await contractOf('service', cloud.serviceUrl)('/catalogue')).status).toBe(401);
});

test('each invalid parameter is refused with a JSON pointer', async () => {
  const response = await apiOf(cloud).post({
    ...request(),
    providers: ['gas', { id: 'plain', parameters: { size: 1 } }],
    metadata: { 'order id': 7 },
  });
  expect(response.status).toBe(422);
  const { errors } = (await response.json()) as { errors: { pointer: string }[] };
  expect(errors.map(({ pointer }) => pointer).sort()).toEqual([
    '/metadata/order id',
    '/providers/0/parameters/account',
    '/providers/1/parameters/size',
  ]);
});

test('a job fetches with its parameters, and every callback has its metadata, until its data is deleted', async () => {
  parties.set(
    '/receiver',
    inSequence(respondsWith('no', 500), respondsWith('no', 500), respondsWith('no', 500), respondsWith('ok')),
  );
  const { post, waitFor } = apiOf(cloud);
  const { jobId } = (await (await post(request())).json()) as { jobId: string };
  expect(await waitFor(jobId, isOver)).toMatchObject({ status: 'COMPLETE' });
  expect(parties.count('/gas/12345678?page_size=100')).toBe(1);
  const { text, body } = await call('GET', `/jobs/${jobId}`);
  expect(body.metadata).toEqual(request().metadata);
  expect(body.providers[0].parameters).toEqual({ account: '***' });
  expect(text).not.toContain('12345678');
  expect((await call('GET', `/jobs/${jobId}/data`)).body.metadata).toEqual(request().metadata);

  expect((await call('POST', `/jobs/${jobId}/redrive`)).status).toBe(202);
  await waitFor(jobId, isOver);
  const bodies = parties.callsTo('/receiver').map((one) => JSON.parse(one.body));
  expect(bodies.length).toBeGreaterThan(4);
  for (const sent of bodies) {
    expect(Object.keys(sent)).toEqual(['jobId', 'data', 'metadata']);
    expect(sent.metadata).toEqual(request().metadata);
  }

  expect((await call('DELETE', `/jobs/${jobId}`)).status).toBe(204);
  const jobWithoutData = await call('GET', `/jobs/${jobId}`);
  expect(jobWithoutData.body).not.toHaveProperty('metadata');
  expect(jobWithoutData.body.providers[0]).not.toHaveProperty('parameters');
  expect((await call('POST', `/jobs/${jobId}/redrive`)).status).toBe(409);
  // The functions log neither parameters nor metadata.
  expect(cloud.output()).not.toMatch(/12345678|A-42/);
}, 30_000);

test('a repeated request gets the same response after a change of the catalogue', async () => {
  parties.set('/receiver', respondsWith('ok'));
  const key = { 'idempotency-key': 'edited' };
  const first = await apiOf(cloud).post(request(), key);
  const accepted = await first.text();
  await cloud.stop();
  writeCatalogue({ id: 'plain', url: `${parties.url}/plain` });
  cloud = await start();
  const again = await apiOf(cloud).post(request(), key);
  expect([again.status, await again.text()]).toEqual([202, accepted]);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect((await apiOf(cloud).post({ ...request(), metadata: {} }, key)).status).toBe(422);
  expect((await apiOf(cloud).post(request())).status).toBe(422);
  const { jobId } = JSON.parse(accepted) as { jobId: string };
  // Without the provider in the catalogue, it is unknown which parameters are secret, so all are masked.
  expect((await call('GET', `/jobs/${jobId}`)).body.providers[0].parameters).toEqual({ account: '***' });
}, 30_000);
