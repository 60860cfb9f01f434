import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seededRandom } from '@boomerang/core/domain/random.ts';
import { expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf } from './api.ts';
import { findDisagreements } from './database-check.ts';
import { gives, inTurn, slowly, startThirdParties, writeCatalogue } from './third-parties.ts';

const KILLS = 20;
const JOBS_A_ROUND = 15;
/** No kill before so many jobs of its round were accepted: however slow the machine, there is something to lose. */
const ACCEPTED_A_ROUND = 3;
const SEED = 20;

const idsOf = (jobs: { jobId: string }[]): Set<string> => new Set(jobs.map(({ jobId }) => jobId));

/** Every place where the lists contradict each other, or lack an accepted job; jobs may end while they are read. */
const findUnlisted = async (cloud: Instance, accepted: Iterable<string>): Promise<string[]> => {
  const { listAll } = apiOf(cloud);
  const before = await listAll();
  const pending = idsOf(await listAll({ status: 'PENDING' }));
  const after = await listAll();
  const listed = idsOf(before);
  return [
    ...[...accepted].filter((jobId) => !listed.has(jobId)).map((jobId) => `${jobId} is not listed`),
    ...before
      .filter((job) => job.status !== 'PENDING' && pending.has(job.jobId))
      .map(({ jobId }) => `${jobId} is over`),
    ...after.filter((job) => job.status === 'PENDING' && !pending.has(job.jobId)).map(({ jobId }) => `${jobId} waits`),
  ];
};

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
    const accepted = Promise.withResolvers<void>();
    let acceptedCount = 0;
    const killed = accepted.promise
      .then(() => parties.until(() => parties.calls.length >= callsBefore + killAfter))
      .then(cloud.kill);
    const posts = Array.from({ length: JOBS_A_ROUND }, async (_, index) => {
      const providers = choices[index % choices.length] as string[];
      const receiver = `/receiver/${number}-${index}`;
      // Every third receiver fails at first, so that jobs wait for their callback too.
      if (index % 3 === 0) parties.set(receiver, inTurn(gives('no', 404), gives('ok')));
      // Only what was accepted must not be lost: a post may die with the process.
      const jobId = await submit(providers, `${parties.url}${receiver}`).catch(() => undefined);
      if (!jobId) return;
      expected.set(jobId, providers);
      acceptedCount += 1;
      if (acceptedCount === ACCEPTED_A_ROUND) accepted.resolve();
    });
    await Promise.all([killed, ...posts]);
  };

  const finish = async (running: Instance): Promise<void> => {
    const { listAll, waitFor } = apiOf(running);
    const listed = idsOf(await listAll());
    for (const jobId of listed) await waitFor(jobId, ({ status }) => status === 'COMPLETE', 60_000);
  };

  let cloud = await startInstance(settings);
  for (let number = 0; number < KILLS; number += 1) {
    // The first kill strikes before there is any job.
    await (number === 0 ? cloud.kill() : round(cloud, number));
    // The folder is copied before the next start changes it; the two then work side by side.
    const disagreements = findDisagreements(settings.DATA_DIR);
    cloud = await startInstance(settings);
    expect(await disagreements).toEqual([]);
    expect(await findUnlisted(cloud, expected.keys())).toEqual([]);
    // A job that was held at three kills in a row may be their cause: it waits for its lease, minutes longer than this test.
    if (number % 2 === 0) await finish(cloud);
  }

  await finish(cloud);
  const bodies = parties.calls.filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body));
  for (const [jobId, providers] of expected) {
    const mine = bodies.filter((body) => body.jobId === jobId);
    expect(mine.length).toBeGreaterThan(0);
    for (const { data } of mine)
      expect(data).toMatchObject(providers.map((providerId) => ({ providerId, data: providerId })));
  }
  expect(expected.size).toBeGreaterThanOrEqual((KILLS - 1) * ACCEPTED_A_ROUND);
  await cloud.stop();
  await parties.close();
}, 240_000);
