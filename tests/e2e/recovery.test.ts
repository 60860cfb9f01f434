import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf, isOver } from './api.ts';
import { contractOf } from './contract.ts';
import {
  hangs,
  inSequence,
  respondsWith,
  startThirdParties,
  type ThirdParties,
  writeCatalogue,
} from './third-parties.ts';

const UNKNOWN = '01a20b4c-cf47-716b-85d8-5343742576b8';
const large = { text: 'x'.repeat(300_000) };

let cloud: Instance;
let parties: ThirdParties;

beforeAll(async () => {
  parties = await startThirdParties();
  parties.set('/provider/small', respondsWith({ small: true }));
  parties.set('/provider/large', respondsWith(large));
  parties.set('/provider/late', inSequence(respondsWith('no', 404), respondsWith('now')));
  parties.set('/provider/hanging', hangs);
  const catalogue = writeCatalogue(parties.url, { small: {}, large: {}, late: {}, hanging: { timeoutMs: 15_000 } });
  cloud = await startInstance({ PROVIDER_CATALOGUE: catalogue, RETRY_SCHEDULE_SECONDS: '3600', SWEEP_SECONDS: '1' });
}, 30_000);

afterAll(async () => {
  await cloud.stop();
  await parties.close();
}, 30_000);

const send = async (method: string, path: string, body?: object) => {
  const authorization = `Bearer ${cloud.apiKey}`;
  const headers = { authorization, ...(body && { 'content-type': 'application/json' }) };
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const response = await contractOf('service', cloud.serviceUrl)(path, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
};
const bodiesAt = (path: string) => parties.callsTo(path).map(({ body }) => JSON.parse(body));

test('redriving a delivered job sends the same data with a new webhook-id, without fetching', async () => {
  const { submit, waitFor } = apiOf(cloud);
  const ids: unknown[] = [];
  parties.set('/again', (response, call) => {
    ids.push(call.request.headers['webhook-id']);
    respondsWith('ok')(response, call);
  });
  const jobId = await submit(['small', 'large'], `${parties.url}/again`);
  await waitFor(jobId, isOver);
  expect(await send('POST', `/jobs/${jobId}/redrive`)).toMatchObject({
    status: 202,
    body: { jobId, status: 'PENDING' },
  });
  await waitFor(jobId, isOver);
  const [first, second] = bodiesAt('/again');
  expect(second).toEqual(first);
  expect(ids).toEqual([jobId, `${jobId}_r1`]);
  expect([parties.count('/provider/small'), parties.count('/provider/large')]).toEqual([1, 1]);
  const job = await waitFor(jobId, ({ status }) => status === 'COMPLETE');
  expect(job.attempts.map(({ trigger }) => trigger)).toEqual(['immediate', 'redrive']);
});

test('redriving a waiting job attempts it at once, and fetches refused providers again', async () => {
  const { submit, waitFor } = apiOf(cloud);
  parties.set('/broken', inSequence(respondsWith('no', 404), respondsWith('ok')));
  const jobId = await submit(['late', 'small'], `${parties.url}/broken`);
  await waitFor(jobId, ({ nextAttemptAt }) => nextAttemptAt !== null);
  const before = (await send('GET', `/jobs/${jobId}/data`)).body;
  expect(before).toMatchObject({
    jobId,
    data: [
      { providerId: 'late', error: { code: 'PROVIDER_REFUSED' } },
      { providerId: 'small', data: { small: true } },
    ],
  });
  expect((await send('POST', `/jobs/${jobId}/redrive`)).status).toBe(202);
  expect((await waitFor(jobId, isOver)).status).toBe('COMPLETE');
  expect(bodiesAt('/broken').at(-1).data).toMatchObject([{ data: 'now' }, { data: { small: true } }]);
});

test('a job in progress can be cancelled but not redriven; a cancelled job can be redriven', async () => {
  const { submit, getJob } = apiOf(cloud);
  const jobId = await submit(['hanging'], `${parties.url}/never`);
  await parties.until(() => parties.count('/provider/hanging') > 0);
  const refused = await send('POST', `/jobs/${jobId}/redrive`);
  expect(refused.status).toBe(409);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await send('DELETE', `/jobs/${jobId}`)).toMatchObject({ status: 409 });
  expect(await send('POST', `/jobs/${jobId}/cancel`)).toMatchObject({ status: 202, body: { status: 'CANCELLED' } });
  expect(await send('POST', `/jobs/${jobId}/cancel`)).toMatchObject({ status: 409 });
  expect((await getJob(jobId)).status).toBe('CANCELLED');
  parties.set('/provider/hanging', respondsWith('awake'));
  expect((await send('POST', `/jobs/${jobId}/redrive`)).status).toBe(202);
  await parties.until(() => parties.count('/never') === 1);
  expect(bodiesAt('/never')).toMatchObject([{ jobId, data: [{ data: 'awake' }] }]);
});

test('GET /jobs/{jobId}/data returns the data until the job is expunged; the job itself stays', async () => {
  const { submit, waitFor, getJob } = apiOf(cloud);
  const jobId = await submit(['small', 'large'], `${parties.url}/callback`);
  await waitFor(jobId, isOver);
  expect((await send('GET', `/jobs/${jobId}/data`)).body).toEqual(bodiesAt('/callback').at(-1));
  const one = await send('GET', `/jobs/${jobId}/data?providerId=large`);
  expect(one.body.data).toMatchObject([{ providerId: 'large', data: large }]);
  expect((await send('GET', `/jobs/${jobId}/data?providerId=no-such-provider`)).status).toBe(422);
  for (const _ of ['once', 'twice']) expect((await send('DELETE', `/jobs/${jobId}`)).status).toBe(204);
  expect((await send('GET', `/jobs/${jobId}/data`)).status).toBe(410);
  expect(await getJob(jobId)).toMatchObject({ status: 'COMPLETE', expungedAt: expect.any(String) });
});

test.each([
  ['GET', '/data'],
  ['POST', '/redrive'],
  ['POST', '/cancel'],
  ['DELETE', ''],
])('%s /jobs/{jobId}%s responds with 404 for an unknown job, and with 401 without a key', async (method, suffix) => {
  for (const jobId of [UNKNOWN, 'nonsense']) {
    expect((await send(method, `/jobs/${jobId}${suffix}`)).status).toBe(404);
  }
  const withoutKey = await fetch(`${cloud.serviceUrl}/jobs/${UNKNOWN}${suffix}`, { method });
  expect(withoutKey.status).toBe(401);
});

test('POST /redrives counts the failed jobs of a time range in a dry run, and then redrives them', async () => {
  const { submit, waitFor } = apiOf(cloud);
  parties.set('/gone', respondsWith('no more', 410));
  const from = new Date().toISOString();
  const jobIds = await Promise.all(Array.from({ length: 60 }, () => submit(['small'], `${parties.url}/gone`)));
  for (const jobId of jobIds) await waitFor(jobId, isOver);
  const query = { status: 'FAILED', from };
  const dryRun = await send('POST', '/redrives', { ...query, dryRun: true });
  expect(dryRun).toMatchObject({ status: 200, body: { matched: 60, truncated: false } });
  const to = new Date(Date.now() - 60_000).toISOString();
  const none = await send('POST', '/redrives', { status: 'FAILED', to, dryRun: true });
  expect(none.body).toEqual({ matched: 0, truncated: false, more: false });

  parties.set('/gone', respondsWith('back'));
  const { status, body, headers } = await send('POST', '/redrives', query);
  expect(status).toBe(202);
  expect(headers.get('location')).toBe(body.links.self);
  let redrive = body;
  while (redrive.status === 'RUNNING') redrive = (await send('GET', body.links.self)).body;
  expect(redrive).toMatchObject({ status: 'COMPLETE', redriven: 60, skipped: 0, failed: 0, query });
  for (const jobId of jobIds) expect((await waitFor(jobId, isOver)).status).toBe('COMPLETE');

  expect((await send('POST', '/redrives', { status: 'PENDING' })).status).toBe(422);
  expect((await send('POST', '/redrives', { ...query, to: from })).status).toBe(422);
  expect((await send('GET', `/redrives/${UNKNOWN}`)).status).toBe(404);
  expect((await fetch(`${cloud.serviceUrl}${body.links.self}`)).status).toBe(401);
}, 60_000);
