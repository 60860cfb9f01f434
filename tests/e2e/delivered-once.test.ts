import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seededRandom } from '@boomerang/core/domain/random.ts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf } from './api.ts';
import { startThirdParties, type ThirdParties } from './third-parties.ts';

const JOBS = 200;
const FAILURE_RATE = 0.5;
const SEED = 7;

const BILLS = {
  gas: [
    { billedOn: '2020-04-07T15:03:14.257Z', amount: 22.27 },
    { billedOn: '2020-05-07T15:03:14.257Z', amount: 30 },
  ],
  internet: [
    { billedOn: '2020-02-07T15:03:14.257Z', amount: 15.12 },
    { billedOn: '2020-03-07T15:03:14.257Z', amount: 15.12 },
  ],
};

let cloud: Instance;
let parties: ThirdParties;

beforeAll(async () => {
  parties = await startThirdParties();
  const providers = ['gas', 'internet'].map((id) => ({ id, url: `\${PROVIDERS_API_URL}/providers/${id}` }));
  const catalogue = path.join(mkdtempSync(path.join(tmpdir(), 'boomerang-catalogue-')), 'providers.json');
  writeFileSync(catalogue, JSON.stringify({ providers }));
  cloud = await startInstance({
    FAILURE_RATE: String(FAILURE_RATE),
    FAILURE_SEED: String(SEED),
    // In this catalogue each fetch is a single call, which draws one random number.
    PROVIDER_CATALOGUE: catalogue,
    RETRY_SCHEDULE_SECONDS: '1',
    SWEEP_SECONDS: '1',
  });
}, 30_000);

afterAll(async () => {
  await cloud.stop();
  await parties.close();
}, 30_000);

/** How many random numbers the providers draw until `successes` fetches have succeeded, if none is repeated after a success. */
const drawsUntil = (successes: number): number => {
  const random = seededRandom(SEED);
  let draws = 0;
  let succeeded = 0;
  while (succeeded < successes) {
    draws += 1;
    if (random() >= FAILURE_RATE) succeeded += 1;
  }
  return draws;
};

test('each of 200 jobs is delivered once with the right data, and no provider is fetched again after a success', async () => {
  const { submit, listAll, getJob } = apiOf(cloud);
  const jobIds = await Promise.all(
    Array.from({ length: JOBS }, () => submit(['internet', 'gas'], `${parties.url}/callback`)),
  );
  const calledBack = () => new Set(parties.callsTo('/callback').map(({ body }) => JSON.parse(body).jobId));
  await parties.until(() => calledBack().size === JOBS);
  const deadline = Date.now() + 10_000;
  let jobs = await listAll();
  while (jobs.some((job) => job.status === 'PENDING') && Date.now() < deadline) jobs = await listAll();

  expect(jobs.map((job) => job.jobId).sort()).toEqual([...jobIds].sort());
  expect(new Set(jobs.map((job) => job.status))).toEqual(new Set(['COMPLETE']));
  expect(parties.callsTo('/callback')).toHaveLength(JOBS);
  expect([...calledBack()].sort()).toEqual([...jobIds].sort());
  for (const { body } of parties.callsTo('/callback')) {
    expect(JSON.parse(body)).toEqual({
      jobId: expect.stringMatching(/^[\da-f-]{36}$/),
      data: [
        { providerId: 'internet', fetchedAt: expect.stringMatching(/Z$/), data: BILLS.internet },
        { providerId: 'gas', fetchedAt: expect.stringMatching(/Z$/), data: BILLS.gas },
      ],
    });
  }

  const calls = cloud.output().match(/"message":"Provider (fetched|fetch failed)"/g)?.length ?? 0;
  expect(calls).toBe(drawsUntil(2 * JOBS));
  expect(Math.abs(calls / (2 * JOBS) - 2)).toBeLessThan(0.2);

  const job = await getJob(jobIds[0] as string);
  expect(job).toMatchObject({
    status: 'COMPLETE',
    nextAttemptAt: null,
    attempts: expect.arrayContaining([
      expect.objectContaining({ callback: expect.objectContaining({ status: 'OK', statusCode: 200 }) }),
    ]),
  });
}, 120_000);
