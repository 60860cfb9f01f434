import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf, isOver } from './api.ts';
import { delayed, respondsWith, startThirdParties, type ThirdParties, writeCatalogue } from './third-parties.ts';

/** Simulates a full disk: beyond the file size limit, every write of the process fails. */
const limitFileSize = (pid: number, bytes: string): void => {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
};
const canLimit = (): boolean => {
  try {
    execFileSync('prlimit', ['--version']);
    return true;
  } catch {
    return false;
  }
};

let parties: ThirdParties;
let cloud: Instance;

beforeAll(async () => {
  parties = await startThirdParties();
  parties.set('/provider/slow', delayed(respondsWith('given'), 500));
  const PROVIDER_CATALOGUE = writeCatalogue(parties.url, { slow: {} });
  cloud = await startInstance({ PROVIDER_CATALOGUE, RETRY_SCHEDULE_SECONDS: '1', SWEEP_SECONDS: '1' });
}, 30_000);

afterAll(async () => {
  await cloud.stop();
  await parties.close();
}, 30_000);

const statusOf = async (path: string, init: RequestInit = {}): Promise<number> =>
  (await fetch(`${cloud.serviceUrl}${path}`, init)).status;
const post = () =>
  statusOf('/webhook', {
    method: 'POST',
    headers: { authorization: `Bearer ${cloud.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ providers: ['slow'], callbackUrl: `${parties.url}/callback` }),
  });
const untilStatus = async (status: number, path: string): Promise<void> => {
  const deadline = Date.now() + 30_000;
  while ((await statusOf(path)) !== status) {
    if (Date.now() > deadline) throw new Error(`${path} did not respond with ${status} within 30 s`);
    await sleep(50);
  }
};

(canLimit() ? test : test.skip)(
  'after each full disk, the database recovers by itself and no accepted job is lost',
  async () => {
    const { submit, waitFor } = apiOf(cloud);
    const accepted: string[] = [];
    for (const _ of ['first', 'second']) {
      // Jobs in progress while the disk is full cannot save their outcome.
      for (let job = 0; job < 5; job += 1) accepted.push(await submit(['slow'], `${parties.url}/callback`));
      limitFileSize(cloud.pid as number, '1');
      expect(await post()).toBe(503);
      expect(await statusOf('/health')).toBe(503);
      // Routes that need no table still respond.
      expect(await statusOf('/openapi.json')).toBe(200);
      const failedRestarts = () => cloud.output().split('Database restart failed').length - 1;
      const before = failedRestarts();
      const deadline = Date.now() + 30_000;
      while (failedRestarts() < before + 3 && Date.now() < deadline) await sleep(50);
      expect(await statusOf('/health')).toBe(503);
      limitFileSize(cloud.pid as number, 'unlimited');
      await untilStatus(200, '/health');
      // The jobs complete long before their leases of six minutes expire.
      for (const jobId of accepted) expect((await waitFor(jobId, isOver, 60_000)).status).toBe('COMPLETE');
    }
    accepted.push(await submit(['slow'], `${parties.url}/callback`));
    expect((await waitFor(accepted.at(-1) as string, isOver)).status).toBe('COMPLETE');
  },
  180_000,
);
