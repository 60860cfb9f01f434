import { advanced, newRedrive, type Redrive } from '@boomerang/core/domain/redrive.ts';
import { expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { runRedrives } from '../../functions/redrive-run/run-redrives.ts';
import { aJob, aLog, givenJob, LEASE_MS, NOW } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';
import { createFakeRedrives } from '../fakes/redrives.ts';

const LATER = NOW + 60_000;

/** Failed jobs, and a wish to try those of the given time again. */
const createWorld = async (count: number, query: Partial<Redrive['query']> = {}) => {
  const store = createFakeJobStore();
  const redrives = createFakeRedrives();
  for (let index = 0; index < count; index += 1) {
    const { dueAt: _, leasedUntil: __, ...job } = aJob({ jobId: uuidv7(), createdAt: NOW + index });
    await givenJob(store, job);
    store.jobs.set(job.jobId, { ...job, status: 'FAILED', expiresAt: LATER / 1000 + 3_600 });
  }
  const { clientId } = aJob();
  const redrive = newRedrive(uuidv7(), clientId, { status: 'FAILED', from: 0, to: LATER, ...query }, NOW);
  await redrives.create(redrive);
  let clock = LATER;
  const tick = { perRead: 0 };
  const deps = {
    ...store,
    jobs: {
      ...store.reader,
      getWithData: async (jobId: string, at: number) => {
        clock += tick.perRead;
        return store.reader.getWithData(jobId, at);
      },
    },
    redrives,
    fetchDeadlineMs: 1_000,
    policy: { schedule: { stepsMs: [1_000] as const }, patienceMs: 1_000, retentionMs: 60_000 },
    retentionMs: 60_000,
    now: () => clock,
    log: aLog(),
  };
  const statuses = () => [...store.jobs.values()].map(({ status }) => status);
  return {
    ...{ store, redrives, deps, tick, redrive, statuses },
    run: async () => {
      await runRedrives(deps);
      return redrives.get(redrive.redriveId, clock) as Promise<Redrive>;
    },
    wait: (ms: number) => {
      clock += ms;
    },
  };
};

test('makes all that match due at once, page by page, as good as new', async () => {
  const { run, store } = await createWorld(60);
  expect(await run()).toMatchObject({ status: 'COMPLETE', redriven: 60, skipped: 0, failed: 0 });
  for (const job of store.jobs.values()) {
    expect(job).toMatchObject({ status: 'PENDING', dueAt: LATER, unsettled: 0, claims: 2 });
    expect(job.leasedUntil).toBeUndefined();
  }
});

test('takes none from before or after the span of time', async () => {
  const { run, statuses } = await createWorld(10, { from: NOW + 3, to: NOW + 7 });
  expect(await run()).toMatchObject({ status: 'COMPLETE', redriven: 4 });
  expect(statuses().filter((status) => status === 'PENDING')).toHaveLength(4);
});

test('leaves off when its time is up, and goes on with the next sweep', async () => {
  const { run, tick, statuses } = await createWorld(60);
  tick.perRead = 500;
  expect(await run()).toMatchObject({ status: 'RUNNING', redriven: 25 });
  expect(await run()).toMatchObject({ status: 'RUNNING', redriven: 50 });
  expect(await run()).toMatchObject({ status: 'COMPLETE', redriven: 60 });
  expect(statuses()).not.toContain('FAILED');
});

test('is carried on by another when whoever held it died, and finds what was left', async () => {
  const { run, redrives, deps, wait, statuses } = await createWorld(60);
  const { save } = redrives;
  deps.redrives.save = async () => {
    throw new Error('died');
  };
  await expect(run()).rejects.toThrow('died');
  redrives.save = save;
  // Its lease holds.
  expect(await run()).toMatchObject({ status: 'RUNNING', redriven: 0 });
  wait(60_000);
  expect(await run()).toMatchObject({ status: 'COMPLETE', redriven: 35 });
  expect(statuses()).not.toContain('FAILED');
});

test('stops when another has taken it', async () => {
  const { run, redrives, deps, redrive } = await createWorld(30);
  const { save } = redrives;
  deps.redrives.save = async (mine) => {
    await redrives.claim({ redriveId: redrive.redriveId, claims: mine.claims }, LATER + 60_000, LEASE_MS);
    await save(mine);
  };
  expect(await run()).toMatchObject({ status: 'RUNNING', claims: 2, redriven: 0 });
});

test('counts what it could not take, and ends all the same', async () => {
  const { run, store, deps } = await createWorld(3);
  const [held, broken] = [...store.jobs.values()];
  const { getWithData } = deps.jobs;
  deps.jobs.getWithData = async (jobId, at) => {
    if (jobId === broken?.jobId) throw new Error('down');
    if (jobId === held?.jobId) store.jobs.set(jobId, { ...held, status: 'PENDING' });
    return getWithData(jobId, at);
  };
  expect(await run()).toMatchObject({ status: 'COMPLETE', redriven: 1, skipped: 1, failed: 1 });
});

test('a page is counted once, whatever came before', () => {
  const start = newRedrive('id', 'client', { status: 'FAILED', from: 0, to: 1 }, NOW);
  const times = { now: NOW + 1, dueAt: NOW + 2, retentionMs: 60_000 };
  const one = advanced(start, { redriven: 1, skipped: 2, failed: 3 }, 'next', times);
  expect(one).toMatchObject({ status: 'RUNNING', cursor: 'next', dueAt: NOW + 2 });
  const two = advanced(one, { redriven: 1, skipped: 2, failed: 3 }, undefined, times);
  expect(two).toMatchObject({ status: 'COMPLETE', redriven: 2, skipped: 4, failed: 6, updatedAt: NOW + 1 });
  expect([two.dueAt, two.cursor, two.expiresAt]).toEqual([undefined, undefined, Math.ceil((NOW + 60_001) / 1000)]);
});
