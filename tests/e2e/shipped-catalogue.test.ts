import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf, isOver } from './api.ts';
import { startThirdParties, type ThirdParties } from './third-parties.ts';

const JOBS = 12;

let cloud: Instance;
let parties: ThirdParties;

beforeAll(async () => {
  parties = await startThirdParties();
  cloud = await startInstance({
    FAILURE_RATE: '0.3',
    FAILURE_SEED: '7',
    RETRY_SCHEDULE_SECONDS: '1',
    SWEEP_SECONDS: '1',
  });
}, 30_000);

afterAll(async () => {
  await cloud.stop();
  await parties.close();
}, 30_000);

type Entry = { providerId: string; data?: unknown; error?: { code: string } };
type Callback = { jobId: string; data: Entry[]; metadata?: Record<string, string> };

const callbackOf = (jobId: string): Callback | undefined =>
  parties
    .callsTo('/callback')
    .map(({ body }) => JSON.parse(body) as Callback)
    .find((callback) => callback.jobId === jobId);

const accountOf = (number: number): string => String(20_000_000 + number);
const taxIdOf = (number: number): string => `DE-tax-${number}-secret`;

const jobOf = (number: number) => ({
  providers: [
    { id: 'gas', parameters: { account: accountOf(number), size: 2 } },
    'internet',
    { id: 'reports', parameters: { taxId: taxIdOf(number) } },
  ],
  callbackUrl: `${parties.url}/callback`,
  metadata: { orderId: `order-${number}` },
});

/** The bills of an account at the mock provider, in one page; retries simulated failures. */
const billsOf = async (account: string): Promise<unknown> => {
  for (;;) {
    const response = await fetch(`${cloud.providersUrl}/providers/gas/accounts/${account}/bills?size=200`);
    if (response.status === 200) return ((await response.json()) as { data: unknown }).data;
  }
};

describe('jobs for every provider of the shipped catalogue', () => {
  test('deliver the data of their parameters: pages by cursor and Link, and a polled report with OAuth', async () => {
    const { post, waitFor } = apiOf(cloud);
    const jobIds = await Promise.all(
      Array.from({ length: JOBS }, async (_, number) => {
        const response = await post(jobOf(number));
        expect(response.status).toBe(202);
        return ((await response.json()) as { jobId: string }).jobId;
      }),
    );
    const reports = new Set<string>();
    for (const [number, jobId] of jobIds.entries()) {
      const job = await waitFor(jobId, isOver, 90_000);
      expect(job.status).toBe('COMPLETE');
      const callback = callbackOf(jobId);
      expect(callback?.metadata).toEqual({ orderId: `order-${number}` });
      const [gas, internet, report] = callback?.data ?? [];
      expect(gas).toMatchObject({ providerId: 'gas', data: await billsOf(accountOf(number)) });
      expect(internet).toMatchObject({ providerId: 'internet', data: [{ amount: 15.12 }, { amount: 15.12 }] });
      expect(report).toMatchObject({ providerId: 'reports', data: { creditScore: expect.any(Number) } });
      reports.add(JSON.stringify(report?.data));
      // Secret parameters are sent but never shown.
      const shown = JSON.stringify(job);
      expect(shown).toContain('"account":"***"');
      for (const secret of [accountOf(number), taxIdOf(number)]) {
        expect(shown).not.toContain(secret);
        expect(cloud.output()).not.toContain(secret);
      }
    }
    expect(reports.size).toBeGreaterThan(1);
    expect(cloud.output()).not.toContain('local-demo-secret');
  }, 120_000);

  test('deliver a rejected report as an error', async () => {
    const { post, waitFor } = apiOf(cloud);
    const response = await post({
      providers: ['internet', { id: 'reports', parameters: { taxId: '0000' } }],
      callbackUrl: `${parties.url}/callback`,
    });
    const { jobId } = (await response.json()) as { jobId: string };
    const job = await waitFor(jobId, isOver, 60_000);
    expect(job).toMatchObject({
      status: 'PARTIAL',
      providers: [{ status: 'FETCHED' }, { status: 'REFUSED', error: { class: 'work_failed' } }],
    });
    const [, rejected] = callbackOf(jobId)?.data ?? [];
    expect(rejected).toMatchObject({ providerId: 'reports', error: { code: 'PROVIDER_REFUSED' } });
    expect(callbackOf(jobId)).not.toHaveProperty('metadata');
  }, 90_000);

  test('are refused with a JSON pointer to each invalid parameter', async () => {
    const { post } = apiOf(cloud);
    const response = await post({
      providers: [
        { id: 'gas', parameters: { account: '12', colour: 'red' } },
        { id: 'reports', parameters: {} },
      ],
      callbackUrl: `${parties.url}/callback`,
    });
    expect(response.status).toBe(422);
    const { errors } = (await response.json()) as { errors: { pointer: string }[] };
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual([
      '/providers/0/parameters/account',
      '/providers/0/parameters/colour',
      '/providers/1/parameters/taxId',
    ]);
  });
});
