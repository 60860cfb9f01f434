import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import type { Job } from '@boomerang/core/domain/job.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createBatches } from '../../functions/job-claim/batches.ts';
import { type ClaimDueJobsDeps, claimDueJobs } from '../../functions/job-claim/claim-due-jobs.ts';
import { aClaim, aJob, aLog, findClient, LEASE_MS, NOW, storeJob, withoutNotifications } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

const createWorld = async (count: number, change: Partial<Job> = {}) => {
  const store = createFakeJobStore();
  for (let index = 0; index < count; index += 1) {
    await storeJob(store, aJob({ dueAt: NOW - count + index, claimsSinceOutcome: 0, ...change }));
  }
  const log = aLog();
  const deps: ClaimDueJobsDeps = {
    ...withoutNotifications,
    isPaused: false,
    due: store.due,
    lastPause: async () => undefined,
    outcomes: store.outcomes,
    findClient,
    now: () => NOW,
    random: () => 0.5,
    log,
    policy: { schedule: { stepsMs: [1_000] }, patienceMs: 600_000, retentionMs: 60_000 },
    leaseMs: LEASE_MS,
    shardCount: 4,
    maxJobsPerSweep: 10_000,
  };
  return {
    store,
    log,
    claim: (changedDeps: Partial<ClaimDueJobsDeps> = {}, claimedBefore = 0) =>
      claimDueJobs({ ...deps, ...changedDeps }, claimedBefore),
  };
};

const longUrl = `https://example.com/${'x'.repeat(2_028)}`;
const metadata = { a: 'é'.repeat(508) };
const parameters = { gas: { a: '€'.repeat(335) } };
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

describe('a sweep', () => {
  test('claims every due job in any order of the shards', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 0.999, noNaN: true }), async (number) => {
        const { claim } = await createWorld(5);
        expect((await claim({ random: () => number })).claimed).toBe(5);
      }),
      { numRuns: 20 },
    );
  });

  test('claims jobs in the order in which they became due', async () => {
    const { claim, store } = await createWorld(9);
    const { batches } = await claim({ maxJobsPerSweep: 3 });
    expect(batches.flat().map((job) => job.jobId)).toEqual([...store.jobs.keys()].slice(0, 3));
  });

  test('extends a deadline by the time lost since the job became due, or since the last pause if that is later', async () => {
    const day = 86_400_000;
    const overdueJob = { dueAt: NOW - 2 * day, deadlineAt: NOW - day, status: 'PENDING' as const };
    const finalFlags = async (lastPause: () => Promise<number | undefined>) => {
      const { claim, store } = await createWorld(1, overdueJob);
      for (const job of store.jobs.values()) delete job.leasedUntil;
      return (await claim({ lastPause })).batches.flat().map(({ final }) => final);
    };
    expect(await finalFlags(async () => undefined)).toEqual([false]);
    expect(await finalFlags(async () => NOW)).toEqual([true]);
    const failToRead = async () => {
      throw new Error('down');
    };
    expect(await finalFlags(failToRead)).toEqual([false]);
  });

  test('returns each job leased, with its missing providers', async () => {
    const { claim, store } = await createWorld(1);
    const { batches } = await claim();
    const [job] = batches.flat();
    expect(job).toMatchObject({
      claims: 2,
      leasedUntil: NOW + LEASE_MS,
      trigger: 'scheduled',
      providers: ['gas', 'internet'],
    });
    expect(store.jobs.get(job?.jobId ?? '')).toMatchObject({ claims: 2, claimsSinceOutcome: 1 });
  });

  test('of many large jobs takes several passes, each within 256 KiB, until all are claimed', async () => {
    const { claim } = await createWorld(300, { callbackUrl: longUrl, metadata, parameters });
    const ids: string[] = [];
    let pass = await claim();
    for (; ; pass = await claim({}, pass.claimed)) {
      expect(bytesOf(pass)).toBeLessThan(256 * 1024);
      ids.push(...pass.batches.flat().map((job) => job.jobId));
      if (!pass.more) break;
    }
    expect([ids.length, new Set(ids).size, pass.claimed]).toEqual([300, 300, 300]);
  });

  test('ends when no job is due', async () => {
    const { claim } = await createWorld(0);
    expect(await claim({}, 7)).toEqual({ batches: [], more: false, claimed: 7 });
  });

  test('ends once it has claimed maxJobsPerSweep jobs', async () => {
    const { claim } = await createWorld(100);
    expect(await claim({ maxJobsPerSweep: 50 })).toMatchObject({ more: false, claimed: 50 });
    expect(await claim({ maxJobsPerSweep: 50 }, 50)).toEqual({ batches: [], more: false, claimed: 50 });
  });

  test('starts no claim after twenty seconds, and leaves the rest to the next pass', async () => {
    const { claim } = await createWorld(200);
    let now = NOW;
    const slowClock = { now: () => (now += 100) };
    const pass = await claim(slowClock);
    expect(pass.claimed).toBeGreaterThan(0);
    expect(pass.claimed).toBeLessThan(200);
    expect(pass.more).toBe(true);
  });

  test('skips jobs that another sweep claims first', async () => {
    const { claim, store } = await createWorld(10);
    const due = { ...store.due, claim: async () => undefined };
    expect(await claim({ due })).toEqual({ batches: [], more: false, claimed: 0 });
  });

  test('skips a malformed job', async () => {
    const { claim, store, log } = await createWorld(5);
    const [malformedJob] = store.jobs.values();
    if (malformedJob) store.jobs.set(malformedJob.jobId, { ...malformedJob, providers: undefined as never });
    expect((await claim()).claimed).toBe(4);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 'error', data: expect.objectContaining({ jobId: malformedJob?.jobId }) }),
    );
  });

  test('returns the jobs it has claimed when a shard cannot be read', async () => {
    const { claim, store, log } = await createWorld(5);
    let reads = 0;
    const find: typeof store.due.find = async function* (shard, now) {
      reads += 1;
      if (shard !== 0) throw new Error('throttled');
      yield* store.due.find(shard, now);
    };
    expect((await claim({ due: { ...store.due, find } })).claimed).toBe(5);
    expect(reads).toBe(4);
    expect(log.lines.filter((line) => line.level === 'error')).toHaveLength(3);
  });

  test('fails when it has claimed no job and no shard can be read', async () => {
    const { claim, store } = await createWorld(5);
    // biome-ignore lint/correctness/useYield: it throws before the first yield
    const find: typeof store.due.find = async function* () {
      throw new Error('throttled');
    };
    await expect(claim({ due: { ...store.due, find } })).rejects.toThrow('throttled');
  });
});

describe('a job that is never settled', () => {
  test('is retried at growing intervals up to an hour, alone in its batch, and fails after a week', async () => {
    const { claim, store } = await createWorld(1, { claimsSinceOutcome: 0 });
    const [id = ''] = store.jobs.keys();
    const waits: number[] = [];
    let now = NOW;
    while (now <= NOW + 7 * 86_400_000) {
      expect((await claim({ now: () => now })).batches).toHaveLength(1);
      const { dueAt = 0, leasedUntil } = store.jobs.get(id) as Job;
      expect(leasedUntil).toBe(now + LEASE_MS);
      waits.push((dueAt - now) / 60_000);
      now = dueAt;
    }
    expect(waits.slice(0, 6)).toEqual([6, 12, 24, 48, 60, 60]);
    const { batches, claimed } = await claim({ now: () => now });
    expect([batches, claimed]).toEqual([[], 1]);
    expect([...store.jobs.values()]).toMatchObject([{ status: 'FAILED', failure: { code: 'NEVER_SETTLED' } }]);
    expect([...store.jobs.values()][0]?.dueAt).toBeUndefined();
  });

  test.each([
    ['another sweep claimed it', new StaleClaim('stale')],
    ['its end cannot be written', new Error('down')],
  ])('does not delay other jobs when %s', async (_name, error) => {
    const { claim, store } = await createWorld(5);
    await storeJob(store, aJob({ dueAt: NOW, claimsSinceOutcome: 20, updatedAt: NOW - 8 * 86_400_000 }));
    const outcomes = { save: async () => Promise.reject(error) };
    expect((await claim({ outcomes })).batches.flat()).toHaveLength(5);
  });
});

test('batches contain every job once, suspects alone, and have at most 40 jobs and 200 KiB each and 256 KiB in total', () => {
  const job = fc.record({
    length: fc.integer({ min: 20, max: 2_048 }),
    isSuspect: fc.boolean(),
    hasInput: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(job, { maxLength: 400 }), (jobs) => {
      const batches = createBatches();
      const jobIds: string[] = [];
      const suspects = new Set<string>();
      for (const { length, isSuspect, hasInput } of jobs) {
        if (batches.isFull() || batches.room() < 1) break;
        const claim = aClaim({ callbackUrl: 'x'.repeat(length), ...(hasInput && { metadata, parameters }) });
        batches.add(claim, isSuspect);
        jobIds.push(claim.jobId);
        if (isSuspect) suspects.add(claim.jobId);
      }
      const batchList = batches.toArray();
      expect(
        batchList
          .flat()
          .map(({ jobId }) => jobId)
          .sort(),
      ).toEqual(jobIds.sort());
      for (const batch of batchList) {
        expect(batch.length).toBeLessThanOrEqual(batch.some(({ jobId }) => suspects.has(jobId)) ? 1 : 40);
        expect(bytesOf(batch)).toBeLessThanOrEqual(200 * 1024);
      }
      expect(bytesOf({ batches: batchList, more: true, claimed: 1_000_000 })).toBeLessThan(256 * 1024);
    }),
    { numRuns: 30 },
  );
});
