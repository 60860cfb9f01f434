import { JOB_STATUSES } from '@boomerang/core/domain/job.ts';
import {
  BUCKET_MS,
  BUCKET_SIZES,
  type CountedJob,
  chooseBucket,
  countBuckets,
  jobStats,
  percentile,
} from '@boomerang/core/domain/job-stats.ts';
import type { JobListQuery } from '@boomerang/core/ports/jobs.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createReadStats } from '../../functions/job-read/read-stats.ts';
import { aJob, NOW, storeJob } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const anySpan = fc
  .tuple(fc.integer({ min: 0, max: NOW }), fc.integer({ min: 1, max: 31 * DAY }))
  .map(([from, length]) => ({ from, to: from + length }));
const anySize = fc.constantFrom(...BUCKET_SIZES);
/** A span of at most 200 buckets, and jobs accepted in it. */
const anyInput = fc
  .tuple(anySpan, anySize)
  .filter(([span, size]) => countBuckets(span, size) <= 200)
  .chain(([span, size]) =>
    fc.record({
      span: fc.constant(span),
      size: fc.constant(size),
      jobs: fc.array(
        fc.record({
          status: fc.constantFrom(...JOB_STATUSES),
          createdAt: fc.integer({ min: span.from, max: span.to - 1 }),
          endedAt: fc.option(fc.integer({ min: span.to, max: span.to + DAY }), { nil: undefined }),
        }),
      ),
    }),
  );

describe('statistics of jobs', () => {
  test('count each job in the bucket in which it was accepted', () => {
    fc.assert(
      fc.property(anyInput, ({ span, size, jobs }) => {
        const { buckets, totals } = jobStats(jobs, span, size);
        for (const [index, { from }] of buckets.entries()) {
          expect(from % BUCKET_MS[size]).toBe(0);
          expect(from).toBe((buckets[0]?.from ?? 0) + index * BUCKET_MS[size]);
        }
        expect(buckets[0]?.from).toBeLessThanOrEqual(span.from);
        expect((buckets.at(-1)?.from ?? 0) + BUCKET_MS[size]).toBeGreaterThanOrEqual(span.to);
        for (const status of JOB_STATUSES) {
          const jobsInStatus = jobs.filter((job) => job.status === status);
          expect(totals[status]).toBe(jobsInStatus.length);
          for (const bucket of buckets) {
            const isInBucket = ({ createdAt }: CountedJob) =>
              createdAt >= bucket.from && createdAt < bucket.from + BUCKET_MS[size];
            expect(bucket[status]).toBe(jobsInStatus.filter(isInBucket).length);
          }
        }
      }),
    );
  });

  test('choose the finest size with at most 60 buckets', () => {
    fc.assert(
      fc.property(anySpan, (span) => {
        const size = chooseBucket(span);
        expect(countBuckets(span, size)).toBeLessThanOrEqual(60);
        const finerSize = BUCKET_SIZES[BUCKET_SIZES.indexOf(size) - 1];
        if (finerSize) expect(countBuckets(span, finerSize)).toBeGreaterThan(60);
      }),
    );
    expect(chooseBucket({ from: NOW, to: NOW + DAY })).toBe('hour');
    expect(chooseBucket({ from: 0, to: HOUR })).toBe('minute');
    expect(countBuckets({ from: 0, to: HOUR }, 'minute')).toBe(60);
    expect(chooseBucket({ from: 0, to: 61 * DAY })).toBe('day');
  });

  test('cover the delivered share, the time to callback and the oldest pending job', () => {
    const endedAfter = (status: CountedJob['status'], ms: number) => ({ status, createdAt: NOW, endedAt: NOW + ms });
    const jobs = [
      endedAfter('PARTIAL', 3),
      endedAfter('COMPLETE', 1),
      endedAfter('FAILED', 1_000),
      endedAfter('CANCELLED', 1_000),
      { status: 'COMPLETE' as const, createdAt: NOW },
      { status: 'PENDING' as const, createdAt: NOW + 2 },
      { status: 'PENDING' as const, createdAt: NOW + 1 },
      { status: 'PENDING' as const, createdAt: NOW + 3 },
    ];
    expect(jobStats(jobs, { from: NOW, to: NOW + 4 }, 'hour')).toMatchObject({
      deliveredShare: 3 / 4,
      timeToCallbackMs: { p50: 1, p95: 3 },
      oldestPendingAt: NOW + 1,
    });
    expect(jobStats([], { from: NOW, to: NOW + 2 }, 'hour')).toMatchObject({
      deliveredShare: undefined,
      timeToCallbackMs: undefined,
      oldestPendingAt: undefined,
    });
  });

  test('use as a percentile the smallest value with at least that share of the values at or below it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.integer({ min: 1, max: 100 }), (unsorted, percent) => {
        const values = unsorted.sort((a, b) => a - b);
        const result = percentile(values, percent / 100) ?? Number.NaN;
        const shareUpTo = (limit: number) => values.filter((value) => value <= limit).length / values.length;
        expect(values).toContain(result);
        expect(shareUpTo(result)).toBeGreaterThanOrEqual(percent / 100 - 1e-9);
        const smallerValues = values.filter((value) => value < result);
        if (smallerValues.length > 0) expect(shareUpTo(Math.max(...smallerValues))).toBeLessThan(percent / 100);
      }),
    );
    expect(percentile([], 0.5)).toBeUndefined();
  });
});

describe('a request for statistics', () => {
  const createWorld = () => {
    const store = createFakeJobStore();
    const world = { now: NOW, queries: [] as JobListQuery[], isBroken: false };
    const read = createReadStats({
      jobs: {
        find: async (query) => {
          world.queries.push(query);
          if (world.isBroken) throw new Error('the table is down');
          return store.reader.find(query);
        },
      },
      now: () => world.now,
    });
    return { store, world, read };
  };

  test('counts the jobs of a client in a time range', async () => {
    const { store, read } = createWorld();
    await storeJob(store, aJob({ createdAt: NOW - HOUR }));
    await storeJob(store, aJob({ createdAt: NOW - DAY - 1 }));
    await storeJob(store, aJob({ clientId: 'other', createdAt: NOW - HOUR }));
    const { jobId } = aJob();
    store.jobs.set(jobId, { ...aJob({ jobId, createdAt: NOW - 2 * HOUR }), isInTrouble: true });
    const stats = await read('client', {});
    expect(stats).toMatchObject({
      from: new Date(NOW - DAY).toISOString(),
      to: new Date(NOW).toISOString(),
      bucket: 'hour',
      totals: { PENDING: 2, COMPLETE: 0, PARTIAL: 0, FAILED: 0, CANCELLED: 0 },
      deliveredShare: null,
      timeToCallbackMs: null,
      oldestPendingAt: new Date(NOW - 2 * HOUR).toISOString(),
      inTrouble: 1,
      truncated: false,
    });
  });

  test('queries jobs in trouble only if a job is pending, and from the oldest pending job on', async () => {
    const { store, world, read } = createWorld();
    await read('client', {});
    expect(world.queries).toHaveLength(1);
    await storeJob(store, aJob({ createdAt: NOW - HOUR }));
    const { jobId } = aJob();
    store.jobs.set(jobId, { ...aJob({ jobId, createdAt: NOW - 2 * HOUR }), isInTrouble: true });
    world.now += 10_000;
    expect(await read('client', {})).toMatchObject({ inTrouble: 1 });
    expect(world.queries.slice(1)).toMatchObject([
      { from: NOW - DAY + 10_000 },
      { from: NOW - 2 * HOUR, inTrouble: true },
    ]);
  });

  test('queries jobs in trouble in the whole time range if not all jobs were counted', async () => {
    const queries: JobListQuery[] = [];
    const newest = { jobId: 'id', status: 'COMPLETE' as const, createdAt: NOW - 1 };
    const find = async (query: JobListQuery) => {
      queries.push(query);
      return { jobs: [newest], ...(!query.inTrouble && { cursor: 'more' }) };
    };
    expect(await createReadStats({ jobs: { find }, now: () => NOW })('client', {})).toMatchObject({ inTrouble: 1 });
    expect(queries[1]).toMatchObject({ from: NOW - DAY, inTrouble: true });
  });

  test('stops at 10,000 jobs, and sets truncated', async () => {
    const jobs = Array.from({ length: 10_000 }, () => ({
      jobId: 'id',
      status: 'COMPLETE' as const,
      createdAt: NOW - 1,
    }));
    const read = createReadStats({
      jobs: { find: async ({ inTrouble }) => (inTrouble ? { jobs: [] } : { jobs, cursor: 'more' }) },
      now: () => NOW,
    });
    expect(await read('client', {})).toMatchObject({ totals: { COMPLETE: 10_000 }, truncated: true });
  });

  test('queries the table at most once every ten seconds for each client and query, even if requests are concurrent', async () => {
    const { world, read } = createWorld();
    await Promise.all([read('client', {}), read('client', {})]);
    world.now += 9_999;
    await read('client', {});
    expect(world.queries).toHaveLength(1);
    await read('client', { bucket: 'day' });
    await read('other', {});
    expect(world.queries).toHaveLength(3);
    world.now += 1;
    await read('client', {});
    expect(world.queries).toHaveLength(4);
  });

  test('queries the table again after a failure', async () => {
    const { world, read } = createWorld();
    world.isBroken = true;
    await expect(read('client', {})).rejects.toThrow('down');
    world.isBroken = false;
    await expect(read('client', {})).resolves.toMatchObject({ inTrouble: 0 });
  });

  test.each([
    [{ from: NOW, to: NOW }, '/from'],
    [{ from: NOW + 1 }, '/from'],
    [{ from: NOW - 31 * DAY - 1 }, '/from'],
    [{ from: NOW - DAY, bucket: 'minute' as const }, '/bucket'],
  ])('is rejected with the query %j', async (query, pointer) => {
    const { read } = createWorld();
    await expect(read('client', query)).rejects.toMatchObject({ status: 422, errors: [{ pointer }] });
  });
});
