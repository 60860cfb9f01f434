import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf, isOver } from './api.ts';
import { describeMisbehaviour, IMPATIENT, MISBEHAVING, makeMisbehave } from './misbehaviour.ts';
import {
  hangs,
  inSequence,
  respondsWith,
  startThirdParties,
  type ThirdParties,
  writeCatalogue,
} from './third-parties.ts';

let cloud: Instance;
let parties: ThirdParties;

beforeAll(async () => {
  parties = await startThirdParties();
  makeMisbehave(parties);
  cloud = await startInstance({
    ...IMPATIENT,
    SWEEP_SECONDS: '1',
    PROVIDER_CATALOGUE: writeCatalogue(parties.url, MISBEHAVING),
  });
}, 30_000);

afterAll(async () => {
  await cloud.stop();
  await parties.close();
}, 30_000);

describe('the embedded cloud', () => {
  describeMisbehaviour(() => ({ cloud, parties }), 60_000);

  test('logs callback URLs without their query', () => {
    expect(cloud.output()).toContain('Callback delivered');
    expect(cloud.output()).not.toContain('token=secret');
  });

  test('delivers other jobs while a receiver hangs, and delivers the job of that receiver later', async () => {
    const { submit, waitFor, getJob } = apiOf(cloud);
    parties.set('/receiver/hanging', inSequence(hangs, respondsWith('ok')));
    const hanging = await submit(['good'], `${parties.url}/receiver/hanging`);
    await parties.until(() => parties.count('/receiver/hanging') === 1);
    const jobIds = await Promise.all(
      Array.from({ length: 20 }, () => submit(['good'], `${parties.url}/receiver/fine`)),
    );
    const others = await Promise.all(jobIds.map((jobId) => waitFor(jobId, isOver)));
    expect(others.map((job) => job.status)).toEqual(Array(20).fill('COMPLETE'));
    expect((await getJob(hanging)).status).toBe('PENDING');
    expect((await waitFor(hanging, isOver, 60_000)).status).toBe('COMPLETE');
  }, 90_000);
});
