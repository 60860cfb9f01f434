import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import type { Job } from '../../packages/client/api-types.ts';
import { apiOf, isOver } from './api.ts';
import { respondsWith, startThirdParties, type ThirdParties, writeCatalogue } from './third-parties.ts';

const JOBS = 40;

let parties: ThirdParties;
let cloud: Instance;
const settings = (change: Record<string, string> = {}) => ({
  PROVIDER_CATALOGUE: writeCatalogue(parties.url, {
    down: { timeoutMs: 500 },
    up: {},
    narrow: { concurrency: 2, ratePerSecond: 5 },
  }),
  RETRY_SCHEDULE_SECONDS: '1',
  SWEEP_SECONDS: '1',
  BREAKER_MIN_CALLS: '10',
  BREAKER_OPEN_SECONDS: '1',
  ...change,
});

beforeAll(async () => {
  parties = await startThirdParties();
});

afterEach(async () => {
  await cloud.stop();
}, 30_000);

afterAll(async () => {
  await parties.close();
});

test('while a provider is down, its open circuit allows few calls and slows no other provider; once it recovers, all jobs are delivered', async () => {
  cloud = await startInstance(settings({ PUBLISH_EVENTS: 'all' }));
  const { client, submit, waitFor } = apiOf(cloud);
  parties.set('/provider/down', respondsWith('no', 500));
  const waiting: string[] = [];
  for (let index = 0; index < JOBS; index += 1) waiting.push(await submit(['down'], `${parties.url}/callback`));
  const others = await Promise.all(Array.from({ length: 10 }, () => submit(['up'], `${parties.url}/callback`)));
  for (const jobId of others) await waitFor(jobId, isOver);
  // The circuit starts counting calls 9.5 s after the first failure.
  const isDeferred = ({ providers }: Job) => providers[0]?.deferred?.class === 'circuit_open';
  await waitFor(waiting.at(-1) as string, isDeferred, 60_000);
  const { providers } = await client.catalogue();
  const [down, up] = ['down', 'up'].map((id) => providers.find((provider) => provider.id === id)?.recentCalls);
  expect(down?.failures).toBeGreaterThanOrEqual(36);
  expect(down?.calls).toBe(down?.failures);
  expect(up).toEqual({ calls: 0, failures: 0 });
  const calls = parties.count('/provider/down');
  // Without a circuit, each of the 40 jobs would make three calls per attempt. An open circuit allows one probe after 1, 2, 4 and
  // 8 s. Each attempt of the first job updates `updatedAt` once.
  const updates = new Set<string>();
  const job = await waitFor(
    waiting[0] as string,
    (seen) => {
      if (!isDeferred(seen)) return false;
      updates.add(seen.updatedAt);
      return updates.size >= 4;
    },
    60_000,
  );
  expect(parties.count('/provider/down') - calls).toBeLessThan(JOBS / 2);
  // The job shows the last failure of the provider even though it was not called.
  expect(job.providers[0]).toMatchObject({ error: { class: 'bad_status', statusCode: 500 } });
  parties.set('/provider/down', respondsWith('back'));
  for (const jobId of waiting) expect((await waitFor(jobId, isOver, 60_000)).status).toBe('COMPLETE');
  expect(cloud.output()).toContain('Circuit opened');
  expect(cloud.output()).toContain('Circuit closed');
  // The embedded event bus logs the events for operators.
  for (const type of ['CircuitOpened', 'CircuitClosed', 'JobCompleted']) expect(cloud.output()).toContain(`"${type}"`);
}, 120_000);

test("concurrent jobs stay within a provider's concurrency and rate limits", async () => {
  cloud = await startInstance(settings());
  const { submit, waitFor } = apiOf(cloud);
  let active = 0;
  let maxActive = 0;
  const times: number[] = [];
  parties.set('/provider/narrow', (response) => {
    active += 1;
    maxActive = Math.max(maxActive, active);
    times.push(Math.floor(Date.now() / 1000));
    setTimeout(() => {
      active -= 1;
      respondsWith('given')(response, undefined as never);
    }, 50);
  });
  const jobIds = await Promise.all(Array.from({ length: 20 }, () => submit(['narrow'], `${parties.url}/callback`)));
  for (const jobId of jobIds) expect((await waitFor(jobId, isOver, 60_000)).status).toBe('COMPLETE');
  expect(maxActive).toBeLessThanOrEqual(2);
  expect(times).toHaveLength(20);
  // Five calls may start in each second, and a call may arrive in the second after its start.
  for (const second of new Set(times)) expect(times.filter((time) => time === second).length).toBeLessThanOrEqual(10);
}, 120_000);

test.each(['fetch', 'callbacks', 'all'])(
  'with PAUSED=%s, jobs are accepted, and wait with the data fetched so far',
  async (paused) => {
    cloud = await startInstance(settings({ PAUSED: paused }));
    const { submit, waitFor } = apiOf(cloud);
    const callback = `/paused-${paused}`;
    const jobId = await submit(['up'], `${parties.url}${callback}`);
    const job = await waitFor(jobId, ({ nextAttemptAt }) => nextAttemptAt !== null);
    expect(job.status).toBe('PENDING');
    expect(parties.count(callback)).toBe(0);
    expect(job.providers[0]?.status).toBe(paused === 'callbacks' ? 'FETCHED' : 'UNAVAILABLE');
  },
  60_000,
);
