import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seededRandom } from '@boomerang/core/domain/random.ts';
import { expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf } from './api.ts';
import { findDisagreements } from './database-check.ts';
import { delayed, inSequence, respondsWith, startThirdParties, writeCatalogue } from './third-parties.ts';

const KILLS = 20;
const JOBS_PER_ROUND = 15;
/** Minimum of accepted jobs before a kill, so that each kill could lose some even on a slow machine. */
const MIN_ACCEPTED_PER_ROUND = 3;
const SEED = 20;

const idsOf = (jobs: { jobId: string }[]): Set<string> => new Set(jobs.map(({ jobId }) => jobId));

/** Every accepted job missing from the lists, and every contradiction between them. Jobs may end while the lists are read. */
const findListErrors = async (cloud: Instance, accepted: Iterable<string>): Promise<string[]> => {
  const { listAll } = apiOf(cloud);
  const before = await listAll();
  const pending = idsOf(await listAll({ status: 'PENDING' }));
  const after = await listAll();
  const listed = idsOf(before);
  return [
    ...[...accepted].filter((jobId) => !listed.has(jobId)).map((jobId) => `${jobId} is not listed`),
    ...before
      .filter((job) => job.status !== 'PENDING' && pending.has(job.jobId))
      .map(({ jobId }) => `${jobId} has ended but is listed as pending`),
    ...after
      .filter((job) => job.status === 'PENDING' && !pending.has(job.jobId))
      .map(({ jobId }) => `${jobId} is pending but not listed as pending`),
  ];
};

test(`${KILLS} kills of the process lose no accepted job and leave the indexes consistent with the items`, async () => {
  const random = seededRandom(SEED);
  const parties = await startThirdParties();
  parties.set('/provider/quick', respondsWith('quick'));
  parties.set('/provider/slow', delayed(respondsWith('slow'), 300));
  parties.set('/provider/flaky', (response, call) => respondsWith('flaky', random() < 0.5 ? 500 : 200)(response, call));
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
    const killAfter = 1 + Math.floor(random() * JOBS_PER_ROUND * 2);
    const accepted = Promise.withResolvers<void>();
    let acceptedCount = 0;
    const killed = accepted.promise
      .then(() => parties.until(() => parties.calls.length >= callsBefore + killAfter))
      .then(cloud.kill);
    const posts = Array.from({ length: JOBS_PER_ROUND }, async (_, index) => {
      const providers = choices[index % choices.length] as string[];
      const receiver = `/receiver/${number}-${index}`;
      // Every third receiver fails once, so that some jobs wait to retry their callback.
      if (index % 3 === 0) parties.set(receiver, inSequence(respondsWith('no', 404), respondsWith('ok')));
      // A request may fail because of the kill. Only accepted jobs must survive.
      const jobId = await submit(providers, `${parties.url}${receiver}`).catch(() => undefined);
      if (!jobId) return;
      expected.set(jobId, providers);
      acceptedCount += 1;
      if (acceptedCount === MIN_ACCEPTED_PER_ROUND) accepted.resolve();
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
    // The first kill happens before there are any jobs.
    await (number === 0 ? cloud.kill() : round(cloud, number));
    // The check copies the folder before the next start changes it, and then runs concurrently with that start.
    const disagreements = findDisagreements(settings.DATA_DIR);
    cloud = await startInstance(settings);
    expect(await disagreements).toEqual([]);
    expect(await findListErrors(cloud, expected.keys())).toEqual([]);
    // A job that is leased during three kills in a row would be suspected as their cause, and wait for minutes.
    if (number % 2 === 0) await finish(cloud);
  }

  await finish(cloud);
  const bodies = parties.calls.filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body));
  for (const [jobId, providers] of expected) {
    const callbacks = bodies.filter((body) => body.jobId === jobId);
    expect(callbacks.length).toBeGreaterThan(0);
    for (const { data } of callbacks)
      expect(data).toMatchObject(providers.map((providerId) => ({ providerId, data: providerId })));
  }
  expect(expected.size).toBeGreaterThanOrEqual((KILLS - 1) * MIN_ACCEPTED_PER_ROUND);
  await cloud.stop();
  await parties.close();
}, 240_000);
