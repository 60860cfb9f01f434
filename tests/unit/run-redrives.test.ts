import type { Job, JobStatus } from '@boomerang/core/domain/job.ts';
import {
  advanced,
  mustAbandonJob,
  newRedrive,
  PAGE_JOBS,
  pageSizeOf,
  type Redrive,
} from '@boomerang/core/domain/redrive.ts';
import { expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import {
  CLOCK_SKEW_MS,
  LEASE_MS as PAGE_LEASE_MS,
  PASS_MS,
  type RunRedrivesDeps,
  runRedrives,
} from '../../functions/redrive-run/run-redrives.ts';
import { requestRedrive } from '../../functions/redrives/request-redrive.ts';
import { readTemplate } from '../../local/template.ts';
import { aJob, aLog, LEASE_MS, NOW, storeJob } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';
import { createFakeRedrives } from '../fakes/redrives.ts';

const LATER = NOW + 60_000;
const MINUTE = 60_000;

/** A table, a clock, and sweeps of the table, each in its own process. */
const createWorld = () => {
  const store = createFakeJobStore();
  const redrives = createFakeRedrives();
  const log = aLog();
  const world = {
    now: LATER,
    /** Milliseconds to read a job. */
    readMs: 0,
    /** Jobs that crash the process. */
    crashingJobs: new Set<string>(),
    /** Called before each read of a job. */
    onRead: (_jobId: string): void => {},
    sweepsStarted: 0,
    /** The pages read, with their client and size. */
    pages: [] as { clientId: string; jobs: number }[],
  };
  const ports = {
    redrives: redrives as RunRedrivesDeps['redrives'],
    jobs: store.reader as RunRedrivesDeps['jobs'],
    results: store.results as RunRedrivesDeps['results'],
    control: store.control as RunRedrivesDeps['control'],
  };
  const isComplete = (redrive: Redrive | undefined) => redrive?.status === 'COMPLETE';

  const storeJobs = async (
    count: number,
    { clientId = aJob().clientId, status = 'FAILED' }: { clientId?: string; status?: JobStatus } = {},
  ): Promise<Job[]> => {
    const jobs: Job[] = [];
    for (let index = 0; index < count; index += 1) {
      const {
        dueAt: _dueAt,
        leasedUntil: _leasedUntil,
        ...job
      } = aJob({ jobId: uuidv7(), clientId, createdAt: NOW + index });
      await storeJob(store, job);
      const endedJob = { ...job, status, expiresAt: LATER / 1000 + 36_000 };
      store.jobs.set(job.jobId, endedJob);
      jobs.push(endedJob);
    }
    return jobs;
  };
  const request = async (clientId = aJob().clientId, query: Partial<Redrive['query']> = {}): Promise<Redrive> =>
    requestRedrive(
      {
        redrives,
        startSweep: async () => {
          world.sweepsStarted += 1;
        },
        newId: uuidv7,
        now: () => world.now,
        log,
      },
      clientId,
      { status: 'FAILED', from: 0, to: LATER, ...query },
    );

  /** Runs the pass of one sweep. After a crash, its calls never return. */
  const pass = async (): Promise<'ended' | 'crashed'> => {
    let hasCrashed = false;
    const crash = Promise.withResolvers<'crashed'>();
    const untilCrash =
      <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
      (...args: Args): Promise<Result> =>
        hasCrashed ? new Promise<Result>(() => {}) : call(...args);
    const allUntilCrash = <Port extends object>(port: Port): Port =>
      Object.fromEntries(Object.entries(port).map(([name, call]) => [name, untilCrash(call)])) as Port;
    /** Wraps a read of a job, which takes time, fails or crashes the process. */
    const crashable =
      <Found>(read: (jobId: string, now: number) => Promise<Found>) =>
      async (jobId: string, now: number): Promise<Found> => {
        world.now += world.readMs;
        world.onRead(jobId);
        if (!world.crashingJobs.has(jobId)) return read(jobId, now);
        hasCrashed = true;
        crash.resolve('crashed');
        return new Promise<never>(() => {});
      };
    const run = runRedrives({
      redrives: allUntilCrash(ports.redrives),
      jobs: {
        find: untilCrash(async (query) => {
          const page = await ports.jobs.find(query);
          world.pages.push({ clientId: query.clientId, jobs: page.jobs.length });
          return page;
        }),
        getWithData: untilCrash(crashable(ports.jobs.getWithData)),
      },
      results: allUntilCrash(ports.results),
      control: allUntilCrash(ports.control),
      fetchDeadlineMs: 1_000,
      policy: { schedule: { stepsMs: [1_000] }, patienceMs: 1_000, retentionMs: 3_600_000 },
      retentionMs: 3_600_000,
      now: () => world.now,
      log,
    });
    const end = run.then(() => 'ended' as const);
    return Promise.race([end, crash.promise]);
  };
  const read = async ({ clientId, redriveId }: Redrive): Promise<Redrive> =>
    (await redrives.get(clientId, redriveId, world.now)) as Redrive;
  return {
    world,
    store,
    redrives,
    log,
    ports,
    storeJobs,
    request,
    pass,
    read,
    statuses: () => [...store.jobs.values()].map(({ status }) => status),
    /** Runs a pass. @returns the redrive after it */
    run: async (redrive: Redrive) => {
      await pass();
      return read(redrive);
    },
    /** Runs a pass every minute until the redrive is complete. @returns the number of passes */
    sweepUntilComplete: async (redrive: Redrive, maxPasses = 100): Promise<number> => {
      for (let passes = 1; passes <= maxPasses; passes += 1) {
        await pass();
        if (isComplete(await read(redrive))) return passes;
        world.now += MINUTE;
      }
      throw new Error('redrive did not complete');
    },
  };
};

test('a redrive makes all matching jobs due at once, page by page, with fresh attempts', async () => {
  const { run, store, storeJobs, request } = createWorld();
  await storeJobs(60);
  expect(await run(await request())).toMatchObject({ status: 'COMPLETE', redriven: 60, skipped: 0, failed: 0 });
  for (const job of store.jobs.values()) {
    expect(job).toMatchObject({ status: 'PENDING', dueAt: LATER, claimsSinceOutcome: 0, claims: 2 });
    expect(job.leasedUntil).toBeUndefined();
  }
});

test('a redrive ignores jobs outside the time range', async () => {
  const { run, statuses, storeJobs, request } = createWorld();
  await storeJobs(10);
  const redrive = await request(undefined, { from: NOW + 3, to: NOW + 7 });
  expect(await run(redrive)).toMatchObject({ status: 'COMPLETE', redriven: 4 });
  expect(statuses().filter((status) => status === 'PENDING')).toHaveLength(4);
});

test('a redrive includes only the jobs that its filters select', async () => {
  const { run, store, storeJobs, request } = createWorld();
  const [gone, other, partial] = await storeJobs(3);
  for (const job of store.jobs.values()) {
    const code = job.jobId === gone?.jobId ? ('CALLBACK_GONE' as const) : ('CLIENT_REVOKED' as const);
    store.jobs.set(job.jobId, { ...job, failure: { code, message: 'any' } });
  }
  store.jobs.set(partial?.jobId ?? '', { ...(partial as Job), status: 'PARTIAL', providers: ['water'] });
  const statusOf = (job: Job | undefined) => store.jobs.get(job?.jobId ?? '')?.status;
  await run(await request(undefined, { failureCode: 'CALLBACK_GONE' }));
  expect([gone, other, partial].map(statusOf)).toEqual(['PENDING', 'FAILED', 'PARTIAL']);
  await run(await request(undefined, { status: ['FAILED', 'PARTIAL'], providerId: 'water' }));
  expect([gone, other, partial].map(statusOf)).toEqual(['PENDING', 'FAILED', 'PENDING']);
  expect(await run(await request(undefined, { status: ['FAILED', 'PARTIAL'] }))).toMatchObject({ redriven: 1 });
});

test('a redrive makes pending jobs in trouble due at once, except jobs that are leased or no longer in trouble', async () => {
  const { run, world, store, ports, storeJobs, request } = createWorld();
  const jobs = await storeJobs(4, { status: 'PENDING' });
  const [inTrouble, leased, healthy, recovered] = jobs.map(({ jobId }) => jobId) as [string, string, string, string];
  const change = (jobId: string, update: Partial<Job>) =>
    store.jobs.set(jobId, {
      ...(store.jobs.get(jobId) as Job),
      callbackAttempts: 3,
      dueAt: LATER + 9 * MINUTE,
      ...update,
    });
  change(inTrouble, { isInTrouble: true });
  change(leased, { isInTrouble: true, leasedUntil: LATER + MINUTE });
  change(healthy, {});
  change(recovered, { isInTrouble: true });
  // The client redrives this job after the list is read.
  const { getWithData } = ports.jobs;
  ports.jobs = {
    ...ports.jobs,
    getWithData: async (jobId, now) => {
      const found = await getWithData(jobId, now);
      if (jobId === recovered) delete found?.job.isInTrouble;
      return found;
    },
  };
  const redrive = await request(undefined, { status: undefined, inTrouble: true });
  expect(await run(redrive)).toMatchObject({ status: 'COMPLETE', redriven: 1, skipped: 2, failed: 0 });
  expect(store.jobs.get(inTrouble)).toMatchObject({ status: 'PENDING', dueAt: world.now, callbackAttempts: 0 });
  for (const jobId of [leased, healthy, recovered]) {
    expect(store.jobs.get(jobId)).toMatchObject({ callbackAttempts: 3, dueAt: LATER + 9 * MINUTE });
  }
});

test('a redrive stops when the time of its pass is up, and resumes in the next sweep', async () => {
  const { run, world, statuses, storeJobs, request } = createWorld();
  await storeJobs(60);
  const redrive = await request();
  world.readMs = 500;
  expect(await run(redrive)).toMatchObject({ status: 'RUNNING', redriven: 25, dueAt: world.now });
  expect(await run(redrive)).toMatchObject({ status: 'RUNNING', redriven: 50 });
  expect(await run(redrive)).toMatchObject({ status: 'COMPLETE', redriven: 60 });
  expect(statuses()).not.toContain('FAILED');
});

test('a pass costs one query if no redrive is due', async () => {
  const { pass, ports, redrives } = createWorld();
  const calls: string[] = [];
  const recordCall =
    <Args extends unknown[], Result>(name: string, call: (...args: Args) => Promise<Result>) =>
    (...args: Args) => {
      calls.push(name);
      return call(...args);
    };
  ports.redrives = Object.fromEntries(
    Object.entries(redrives).map(([name, call]) => [
      name,
      typeof call === 'function' ? recordCall(name, call as never) : call,
    ]),
  ) as typeof redrives;
  expect(await pass()).toBe('ended');
  expect(calls).toEqual(['findDue']);
});

test('a redrive is resumed by another sweep after its process crashes, and finds the remaining jobs', async () => {
  const { run, world, redrives, ports, storeJobs, request, statuses } = createWorld();
  await storeJobs(60);
  const redrive = await request();
  ports.redrives = {
    ...redrives,
    save: async () => {
      throw new Error('crashed');
    },
  };
  await expect(run(redrive)).rejects.toThrow('crashed');
  ports.redrives = redrives;
  // The lease of the crashed process has not expired.
  expect(await run(redrive)).toMatchObject({ status: 'RUNNING', redriven: 0 });
  world.now += MINUTE;
  expect(await run(redrive)).toMatchObject({ status: 'COMPLETE', redriven: 35 });
  expect(statuses()).not.toContain('FAILED');
});

test('a pass stops work on a redrive that another sweep has claimed', async () => {
  const { run, world, redrives, ports, storeJobs, request } = createWorld();
  await storeJobs(30);
  const redrive = await request();
  ports.redrives = {
    ...redrives,
    save: async (ownClaim) => {
      await redrives.claim(ownClaim, world.now + MINUTE, LEASE_MS);
      await redrives.save(ownClaim);
    },
  };
  expect(await run(redrive)).toMatchObject({ status: 'RUNNING', claims: 2, redriven: 0 });
});

test('a redrive counts jobs that it could not redrive, and still completes', async () => {
  const { run, world, store, storeJobs, request } = createWorld();
  const [held, broken] = await storeJobs(3);
  world.onRead = (jobId) => {
    if (jobId === broken?.jobId) throw new Error('down');
    if (held && jobId === held.jobId) store.jobs.set(jobId, { ...held, status: 'PENDING' });
  };
  expect(await run(await request())).toMatchObject({ status: 'COMPLETE', redriven: 1, skipped: 1, failed: 1 });
});

test('each page adds its counts to the redrive once', () => {
  const start = newRedrive('id', 'client', { status: 'FAILED', from: 0, to: 1 }, NOW);
  const times = { now: NOW + 1, dueAt: NOW + 2, retentionMs: 60_000 };
  const afterOne = advanced(start, { redriven: 1, skipped: 2, failed: 3 }, 'next', times);
  expect(afterOne).toMatchObject({ status: 'RUNNING', cursor: 'next', dueAt: NOW + 2 });
  const afterTwo = advanced(afterOne, { redriven: 1, skipped: 2, failed: 3 }, undefined, times);
  expect(afterTwo).toMatchObject({ status: 'COMPLETE', redriven: 2, skipped: 4, failed: 6, updatedAt: NOW + 1 });
  expect([afterTwo.dueAt, afterTwo.cursor, afterTwo.expiresAt]).toEqual([
    undefined,
    undefined,
    Math.ceil((NOW + 60_001) / 1000),
  ]);
});

// ------------------------------------------------------------------ Clients in turn

test('each client gets a page in turn, even if another client has many more jobs', async () => {
  const { run, world, storeJobs, request } = createWorld();
  await storeJobs(1_000, { clientId: 'large' });
  const large = await request('large');
  world.now += 1;
  await storeJobs(60, { clientId: 'small' });
  await storeJobs(10, { clientId: 'one page' });
  const small = await request('small');
  world.now += 1;
  const onePage = await request('one page');
  // A page takes half a second, so a pass has twenty.
  world.readMs = 20;
  expect(await run(large)).toMatchObject({ status: 'RUNNING' });
  const order = world.pages.map(({ clientId }) => clientId);
  expect(order.slice(0, 7)).toEqual(['large', 'small', 'one page', 'large', 'small', 'large', 'small']);
  expect(new Set(order.slice(7))).toEqual(new Set(['large']));
  for (const redrive of [small, onePage]) expect(await run(redrive)).toMatchObject({ status: 'COMPLETE' });
});

test('a pass resumes with the client that has waited longest', async () => {
  const { pass, world, storeJobs, request } = createWorld();
  const clients = Array.from({ length: 30 }, (_, index) => `client ${index}`);
  for (const clientId of clients) {
    await storeJobs(60, { clientId });
    await request(clientId);
    world.now += 1;
  }
  world.readMs = 20;
  for (let passes = 0; passes < 3; passes += 1) await pass();
  const pagesOf = (clientId: string) => world.pages.filter((page) => page.clientId === clientId).length;
  const counts = clients.map(pagesOf);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  expect(Math.min(...counts)).toBeGreaterThan(0);
});

test('a pass finds a redrive requested while it runs, without another sweep', async () => {
  const { pass, read, world, store, ports, storeJobs, request } = createWorld();
  await storeJobs(200, { clientId: 'large' });
  await storeJobs(10, { clientId: 'late' });
  const large = await request('large');
  expect(world.sweepsStarted).toBe(1);
  let late: Redrive | undefined;
  ports.jobs = {
    ...ports.jobs,
    find: async (query) => {
      late ??= await request('late');
      return store.reader.find(query);
    },
  };
  await pass();
  expect(world.sweepsStarted).toBe(1);
  expect(world.pages.map(({ clientId }) => clientId).indexOf('late')).toBe(1);
  for (const redrive of [large, late as Redrive]) expect(await read(redrive)).toMatchObject({ status: 'COMPLETE' });
});

test('a pass finds a redrive requested just before it ends', async () => {
  const { pass, read, world, redrives, ports, storeJobs, request } = createWorld();
  await storeJobs(10, { clientId: 'first' });
  await storeJobs(10, { clientId: 'late' });
  await request('first');
  let late: Redrive | undefined;
  ports.redrives = {
    ...redrives,
    findDue: async (now) => {
      const due = await redrives.findDue(now);
      // The redrive is stored after the index is read, while the pass is still announced.
      if (due.length === 0) late ??= await request('late');
      return due;
    },
  };
  await pass();
  expect(world.sweepsStarted).toBe(1);
  expect(await read(late as Redrive)).toMatchObject({ status: 'COMPLETE', redriven: 10 });
});

test('a pass completes a redrive that it has claimed, even if the index is stale', async () => {
  const { pass, read, redrives, ports, storeJobs, request, world } = createWorld();
  await storeJobs(60);
  const redrive = await request();
  const first = await redrives.findDue(world.now);
  ports.redrives = { ...redrives, findDue: async () => first };
  expect(await pass()).toBe('ended');
  expect(await read(redrive)).toMatchObject({ status: 'COMPLETE', redriven: 60 });
});

test('a single request starts a sweep at once, and many simultaneous requests start one sweep', async () => {
  const { pass, world, request } = createWorld();
  for (const expected of [1, 2, 3]) {
    await request('client');
    expect(world.sweepsStarted).toBe(expected);
    await pass();
  }
  await Promise.all(Array.from({ length: 60 }, (_, index) => request(`client ${index}`)));
  expect(world.sweepsStarted).toBe(4);
});

test('a pass claims a redrive at once, even if the clock that wrote it is ahead', async () => {
  const { pass, read, world, storeJobs, request } = createWorld();
  await storeJobs(60);
  world.now += CLOCK_SKEW_MS;
  const redrive = await request();
  world.now -= CLOCK_SKEW_MS;
  await pass();
  expect(await read(redrive)).toMatchObject({ status: 'COMPLETE', redriven: 60 });
});

test('a request starts another sweep if the previous sweep never began its pass, or is about to end it', async () => {
  const { pass, world, storeJobs, request } = createWorld();
  await request('a');
  world.now += 5_000;
  await request('b');
  expect(world.sweepsStarted).toBe(2);
  // A pass ends after ten seconds, and may not query again in the last three.
  await storeJobs(1_000, { clientId: 'large' });
  await request('large');
  world.readMs = 20;
  const startedAt = world.now;
  await pass();
  expect(world.now - startedAt).toBeGreaterThanOrEqual(10_000);
  world.now = startedAt + 6_999;
  await request('c');
  expect(world.sweepsStarted).toBe(2);
  world.now = startedAt + 7_000;
  await request('d');
  expect(world.sweepsStarted).toBe(3);
});

// ------------------------------------------------------------------ Pages that stall

test('a redrive skips the one job that crashes the function each time, logs its id, and counts every page once', async () => {
  const { sweepUntilComplete, read, world, store, log, storeJobs, request } = createWorld();
  const jobs = await storeJobs(60);
  const crashingJobId = jobs[37]?.jobId as string;
  world.crashingJobs.add(crashingJobId);
  const redrive = await request();
  expect(await sweepUntilComplete(redrive)).toBeLessThan(20);
  expect(store.jobs.get(crashingJobId)?.status).toBe('FAILED');
  expect([...store.jobs.values()].filter(({ status }) => status === 'FAILED')).toHaveLength(1);
  const { redriven, skipped, failed } = await read(redrive);
  expect([skipped, failed]).toEqual([0, 1]);
  // Jobs of a crashed page are redriven but not counted.
  expect(redriven).toBeLessThanOrEqual(59);
  const abandonedLines = log.lines.filter(({ message }) => message === 'Job left out of redrive');
  expect(abandonedLines).toMatchObject([
    { level: 'error', data: { jobId: crashingJobId, redriveId: redrive.redriveId } },
  ]);
});

test.each([
  ['the newest job', [59]],
  ['the oldest job', [0]],
  ['three adjacent jobs', [30, 31, 32]],
  ['every tenth job', [5, 15, 25, 35, 45, 55]],
])('a redrive skips only the jobs that crash the function: %s', async (_name, indexes) => {
  const { sweepUntilComplete, read, world, store, storeJobs, request } = createWorld();
  const jobs = await storeJobs(60);
  world.crashingJobs = new Set(indexes.map((index) => jobs[index]?.jobId as string));
  const redrive = await request();
  await sweepUntilComplete(redrive, 120);
  const failedJobIds = [...store.jobs.values()].filter(({ status }) => status === 'FAILED').map(({ jobId }) => jobId);
  expect(new Set(failedJobIds)).toEqual(world.crashingJobs);
  expect(await read(redrive)).toMatchObject({ skipped: 0, failed: indexes.length });
});

test('a redrive halves its page size with each claim that saves no progress, and grows it again slowly', () => {
  const start = newRedrive('id', 'client', { status: 'FAILED', from: 0, to: 1 }, NOW);
  const claimWithStalls = (stallsBefore: number) => ({ ...start, stalls: stallsBefore + 1 });
  expect([0, 1, 2, 3, 4, 5, 6, 40].map((stalls) => pageSizeOf(claimWithStalls(stalls)))).toEqual([
    25, 12, 6, 3, 1, 1, 1, 1,
  ]);
  expect([0, 4, 5, 6, 40].map((stalls) => mustAbandonJob(claimWithStalls(stalls)))).toEqual([
    false,
    false,
    false,
    true,
    true,
  ]);
  const times = { now: NOW, dueAt: NOW, retentionMs: 0 };
  const noJobs = { redriven: 0, skipped: 0, failed: 0 };
  let redrive: Redrive = claimWithStalls(6);
  const sizes: number[] = [];
  for (let pages = 0; pages < 40; pages += 1) {
    redrive = advanced(redrive, noJobs, 'next', times);
    redrive = { ...redrive, stalls: redrive.stalls + 1 };
    sizes.push(pageSizeOf(redrive));
  }
  expect(sizes.slice(0, 2)).toEqual([1, 1]);
  expect(sizes.at(-1)).toBe(PAGE_JOBS);
  expect([...sizes].sort((a, b) => a - b)).toEqual(sizes);
  expect(sizes.filter((size) => size === 3)).toHaveLength(8);
});

test('a redrive skips no job and shrinks no page when the table is unavailable', async () => {
  const { run, pass, world, store, ports, storeJobs, request, redrives, log } = createWorld();
  await storeJobs(60);
  const redrive = await request();
  ports.jobs = {
    ...ports.jobs,
    find: async () => {
      throw new Error('out of reach');
    },
  };
  for (let passes = 0; passes < 20; passes += 1) {
    await expect(pass()).rejects.toThrow('out of reach');
    world.now += MINUTE;
  }
  expect(redrives.all.get(redrive.redriveId)).toMatchObject({ stalls: 0, redriven: 0, failed: 0 });
  ports.jobs = store.reader;
  expect(await run(redrive)).toMatchObject({ status: 'COMPLETE', redriven: 60, failed: 0 });
  expect(log.lines.filter(({ message }) => message === 'Redrive page failed')).toHaveLength(20);
});

test("a client's failure does not delay other clients", async () => {
  const { pass, read, world, store, ports, storeJobs, request } = createWorld();
  for (const clientId of ['broken', 'healthy']) await storeJobs(60, { clientId });
  const broken = await request('broken');
  world.now += 1;
  const healthy = await request('healthy');
  ports.jobs = {
    ...ports.jobs,
    find: async (query) => {
      if (query.clientId === 'broken') throw new Error('its index is throttled');
      return store.reader.find(query);
    },
  };
  await expect(pass()).rejects.toThrow('its index is throttled');
  expect(await read(healthy)).toMatchObject({ status: 'COMPLETE', redriven: 60 });
  expect(await read(broken)).toMatchObject({ status: 'RUNNING' });
});

test("a client's job that crashes the function costs other clients at most one pass", async () => {
  const { pass, read, world, storeJobs, request } = createWorld();
  const jobs = await storeJobs(60, { clientId: 'crashing' });
  world.crashingJobs.add(jobs[30]?.jobId as string);
  const crashingRedrive = await request('crashing');
  expect(await pass()).toBe('crashed');
  world.now += MINUTE;
  for (let round = 0; round < 5; round += 1) {
    const clientId = `healthy ${round}`;
    await storeJobs(60, { clientId });
    const healthy = await request(clientId);
    await pass();
    expect(await read(healthy)).toMatchObject({ status: 'COMPLETE', redriven: 60 });
    world.now += MINUTE;
  }
  // The crashing redrive also completes while passes are full.
  await storeJobs(10_000, { clientId: 'large' });
  await request('large');
  world.readMs = 20;
  for (let passes = 0; passes < 20 && (await read(crashingRedrive)).status === 'RUNNING'; passes += 1) {
    await pass();
    world.now += MINUTE;
  }
  expect(await read(crashingRedrive)).toMatchObject({ status: 'COMPLETE', failed: 1 });
});

test('a request starts a sweep of its own when a stalled page may end the running pass', async () => {
  const { pass, world, storeJobs, request } = createWorld();
  const [crashingJob] = await storeJobs(1, { clientId: 'crashing' });
  world.crashingJobs.add(crashingJob?.jobId as string);
  await request('crashing');
  expect(await pass()).toBe('crashed');
  world.now += MINUTE;
  expect(await pass()).toBe('crashed');
  const { sweepsStarted } = world;
  await request('other');
  expect(world.sweepsStarted).toBe(sweepsStarted + 1);
});

test('a claim outlasts the function that holds it, and a pass ends well before that', () => {
  const timeoutMs = Number(readTemplate('template.yaml').Resources.RedriveRunFunction?.Properties?.Timeout) * 1000;
  expect(PAGE_LEASE_MS - 2 * CLOCK_SKEW_MS).toBeGreaterThan(timeoutMs);
  // Sweeps run every minute: the claims of a crashed process are due by the next one.
  expect(PAGE_LEASE_MS + PASS_MS + 2 * CLOCK_SKEW_MS).toBeLessThan(MINUTE);
  expect(PASS_MS + 10_000).toBeLessThan(timeoutMs);
});

test('a redrive skips jobs with deleted parameters, logs the reason, and redrives the other jobs', async () => {
  const { storeJobs, request, run, store, log } = createWorld();
  const jobs = await storeJobs(4, { status: 'COMPLETE' });
  const expungedJobs = jobs.slice(0, 2).map((job) => ({ ...job, isInputDeleted: true, expungedAt: NOW }));
  for (const job of expungedJobs) store.jobs.set(job.jobId, job);
  const redrive = await run(await request(jobs[0]?.clientId, { status: 'COMPLETE' }));
  expect(redrive).toMatchObject({ status: 'COMPLETE', redriven: 2, skipped: 2, failed: 0 });
  for (const job of expungedJobs) expect(store.jobs.get(job.jobId)).toEqual(job);
  expect(log.lines.filter(({ message }) => message === 'Job left out of redrive')).toMatchObject(
    [...expungedJobs]
      .reverse()
      .map(({ jobId }) => ({ level: 'info', data: { jobId, reason: 'its parameters or metadata were deleted' } })),
  );
});
