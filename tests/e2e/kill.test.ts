import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seededRandom } from '@boomerang/core/domain/random.ts';
import { expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf } from './api.ts';
import { findDisagreements } from './database-check.ts';
import { type Behaviour, gives, inTurn, startThirdParties, writeCatalogue } from './third-parties.ts';

const ROUNDS = 20;
const JOBS_A_ROUND = 15;
const SEED = 20;

const slowly =
  (behaviour: Behaviour, ms: number): Behaviour =>
  (response, call) =>
    void setTimeout(() => behaviour(response, call), ms);

test('no accepted job is lost, however often the process is killed, and the indexes agree with the items', async () => {
  const random = seededRandom(SEED);
  const parties = await startThirdParties();
  parties.set('/provider/quick', gives('quick'));
  parties.set('/provider/slow', slowly(gives('slow'), 300));
  parties.set('/provider/flaky', (response, call) => gives('flaky', random() < 0.5 ? 500 : 200)(response, call));
  const settings = {
    DATA_DIR: mkdtempSync(path.join(tmpdir(), 'boomerang-kill-')),
    RETRY_SCHEDULE_SECONDS: '1',
    FETCH_DEADLINE_SECONDS: '600',
    SWEEP_SECONDS: '1',
    PROVIDER_CATALOGUE: writeCatalogue(parties.url, { quick: {}, slow: {}, flaky: {} }),
  };
  const expected = new Map<string, string[]>();
  const choices = [['quick'], ['slow', 'quick'], ['flaky'], ['flaky', 'slow', 'quick']];

  const round = async (cloud: Instance, number: number): Promise<void> => {
    const { submit } = apiOf(cloud);
    const callsBefore = parties.calls.length;
    const killAfter = 1 + Math.floor(random() * JOBS_A_ROUND * 2);
    const killed = parties.until(() => parties.calls.length >= callsBefore + killAfter).then(cloud.kill);
    const posts = Array.from({ length: JOBS_A_ROUND }, async (_, index) => {
      const providers = choices[index % choices.length] as string[];
      const receiver = `/receiver/${number}-${index}`;
      // Every third receiver fails at first, so that jobs wait for their callback too.
      if (index % 3 === 0) parties.set(receiver, inTurn(gives('no', 404), gives('ok')));
      // Only what was accepted must not be lost: a post may die with the process.
      const jobId = await submit(providers, `${parties.url}${receiver}`).catch(() => undefined);
      if (jobId) expected.set(jobId, providers);
    });
    await Promise.all([killed, ...posts]);
  };

  for (let number = 0; number < ROUNDS; number += 1) {
    await round(await startInstance(settings), number);
    expect(await findDisagreements(settings.DATA_DIR)).toEqual([]);
  }

  const cloud = await startInstance(settings);
  const { listAll, waitFor } = apiOf(cloud);
  const listed = new Set((await listAll()).map((job) => job.jobId));
  expect([...expected.keys()].filter((jobId) => !listed.has(jobId))).toEqual([]);
  for (const jobId of listed) await waitFor(jobId, ({ status }) => status === 'COMPLETE', 60_000);
  const bodies = parties.calls.filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body));
  for (const [jobId, providers] of expected) {
    const mine = bodies.filter((body) => body.jobId === jobId);
    expect(mine.length).toBeGreaterThan(0);
    for (const { data } of mine)
      expect(data).toMatchObject(providers.map((providerId) => ({ providerId, data: providerId })));
  }
  expect(expected.size).toBeGreaterThan(ROUNDS);
  await cloud.stop();
  await parties.close();
}, 240_000);
