import { cancelled, expunged, hasEnded, isHeld, nextChangeMs, redriven } from '@boomerang/core/domain/control.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import {
  type Attempt,
  type FetchedResult,
  JOB_STATUSES,
  type Job,
  type ProviderResult,
  toClaimedJob,
} from '@boomerang/core/domain/job.ts';
import { firstKeptUntil } from '@boomerang/core/domain/result-life.ts';
import type { JobWithData } from '@boomerang/core/ports/jobs.ts';
import { JobInProgress } from '@boomerang/core/use-cases/job-errors.ts';
import { redriveJob } from '@boomerang/core/use-cases/redrive-job.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { aJob, aLog, LEASE_MS, NOW, storeJob } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

const times = { now: NOW + 5, leaseMs: LEASE_MS, fetchDeadlineMs: 1_000 };
const fetchedResult = (providerId: string): FetchedResult => ({
  providerId,
  status: 'FETCHED',
  fetchedAt: NOW,
  bytes: 2,
});
const isFetched = (result: ProviderResult): result is FetchedResult => result.status === 'FETCHED';
const failedResult = (providerId: string, status: 'REFUSED' | 'UNAVAILABLE'): ProviderResult => ({
  providerId,
  status,
  error: { class: 'bad_status', statusCode: 500, excerpt: 'text of the provider' },
});
const { dueAt: _dueAt, leasedUntil: _leasedUntil, ...endedJob } = aJob({ expiresAt: NOW });

const anyJob = fc
  .record({
    status: fc.constantFrom(...JOB_STATUSES),
    phase: fc.constantFrom('FETCHING' as const, 'CALLING_BACK' as const),
    claims: fc.integer({ min: 1, max: 50 }),
    claimsSinceOutcome: fc.integer({ min: 0, max: 20 }),
    callbackAttempts: fc.integer({ min: 0, max: 11 }),
    redeliveries: fc.integer({ min: 0, max: 3 }),
    results: fc.constantFrom<ProviderResult[][]>(
      [],
      [fetchedResult('gas')],
      [fetchedResult('gas'), fetchedResult('internet')],
      [fetchedResult('gas'), failedResult('internet', 'REFUSED')],
      [failedResult('gas', 'UNAVAILABLE'), failedResult('internet', 'REFUSED')],
    ),
  })
  .map((change): Job => (change.status === 'PENDING' ? aJob(change) : { ...endedJob, ...change }));

describe('a job that is redriven', () => {
  test('is reset in every status, but keeps the results that are still stored', () => {
    fc.assert(
      fc.property(anyJob, fc.subarray(['gas', 'internet']), (job, storedIds) => {
        const kept = job.results.filter(isFetched).filter((result) => storedIds.includes(result.providerId));
        const next = redriven(job, kept, times);
        expect(next).toMatchObject({ status: 'PENDING', claimsSinceOutcome: 1, fetchAttempts: 0, callbackAttempts: 0 });
        expect(next).toMatchObject({ claims: job.claims + 1, deadlineAt: NOW + 1_005, dueAt: NOW + 5 + LEASE_MS });
        expect(next.expiresAt).toBeUndefined();
        expect(next.results).toEqual(kept);
        const claim = toClaimedJob(next, 'redrive', times.now);
        expect([...claim.providers, ...kept.map(({ providerId }) => providerId)].sort()).toEqual(['gas', 'internet']);
        expect(claim).toMatchObject({ final: false, trigger: 'redrive', checkpointed: kept.length > 0 });
      }),
    );
  });

  test.each<[string, Partial<Job>, number]>([
    [
      'after a delivery',
      { status: 'COMPLETE', claimsSinceOutcome: 0, results: [fetchedResult('gas'), fetchedResult('internet')] },
      1,
    ],
    [
      'after a delivery with errors',
      {
        status: 'PARTIAL',
        claimsSinceOutcome: 0,
        results: [fetchedResult('gas'), failedResult('internet', 'REFUSED')],
      },
      1,
    ],
    ['after the second delivery', { status: 'COMPLETE', redeliveries: 1 }, 2],
    [
      'after failed callbacks, with the same body',
      { status: 'FAILED', phase: 'CALLING_BACK', results: [fetchedResult('gas'), fetchedResult('internet')] },
      0,
    ],
    [
      'after failed callbacks, with a body that may change',
      {
        status: 'FAILED',
        phase: 'CALLING_BACK',
        claimsSinceOutcome: 0,
        results: [fetchedResult('gas'), failedResult('internet', 'UNAVAILABLE')],
      },
      1,
    ],
    [
      'before any callback',
      { status: 'CANCELLED', phase: 'FETCHING', claimsSinceOutcome: 0, results: [fetchedResult('gas')] },
      0,
    ],
    [
      'when a callback with other results may have been in flight',
      {
        status: 'CANCELLED',
        phase: 'FETCHING',
        claimsSinceOutcome: 1,
        results: [fetchedResult('gas'), fetchedResult('internet')],
      },
      1,
    ],
    ['when a callback may have been in flight', { status: 'CANCELLED', phase: 'FETCHING', claimsSinceOutcome: 1 }, 1],
  ])(
    'has a new webhook id after a delivery, or if an earlier callback may have had another body: %s',
    (_case, change, redeliveries) => {
      const job = { ...endedJob, ...change };
      const next = redriven(job, job.results.filter(isFetched), times);
      expect(next.redeliveries).toBe(redeliveries);
      const suffix = redeliveries === 0 ? '' : `_r${redeliveries}`;
      expect(toClaimedJob(next, 'redrive', NOW).webhookId).toBe(`${endedJob.jobId}${suffix}`);
    },
  );
});

test('a cancelled job has ended and has no lease', () => {
  const next = cancelled(aJob(), { now: NOW, retentionMs: 1_500 });
  expect(next).toMatchObject({ status: 'CANCELLED', claims: 2, expiresAt: NOW / 1000 + 2 });
  expect([hasEnded(next), isHeld(next, NOW), next.dueAt]).toEqual([true, false, undefined]);
});

test('a job keeps its end time when it is expunged, and loses it when it is redriven', () => {
  const cancelledJob = cancelled(aJob({ isInTrouble: true }), { now: NOW, retentionMs: 1_500 });
  expect(cancelledJob).toMatchObject({ endedAt: NOW });
  expect(cancelledJob).not.toHaveProperty('isInTrouble');
  expect(expunged(cancelledJob, NOW + 9).endedAt).toBe(NOW);
  // Jobs that ended under earlier versions have no end time.
  const { endedAt: _endedAt, ...olderJob } = cancelledJob;
  expect(expunged(olderJob, NOW + 9).endedAt).toBe(NOW);
  const redrivenJob = redriven({ ...cancelledJob, isInTrouble: true }, [], times);
  expect(redrivenJob).not.toHaveProperty('endedAt');
  expect(redrivenJob).not.toHaveProperty('isInTrouble');
});

test.each<[string, Partial<Job>, number | undefined]>([
  ['that is held', { leasedUntil: NOW + 9_000, dueAt: NOW + 9_000 }, 1_000],
  ['that is due soon', { leasedUntil: undefined as never, dueAt: NOW + 7_500 }, 7_500],
  ['that is due later', { leasedUntil: undefined as never, dueAt: NOW + 3_600_000 }, 60_000],
  ['that is overdue', { leasedUntil: NOW, dueAt: NOW - 5 }, 1_000],
  ['that has ended', { status: 'FAILED' }, undefined],
])('a job %s may change next in %p ms', (_case, change, expected) =>
  expect(nextChangeMs(aJob(change), NOW)).toBe(expected),
);

test('an expunged job keeps its history, but no data of third parties', () => {
  const next = expunged(
    { ...endedJob, status: 'PARTIAL', results: [fetchedResult('gas'), failedResult('internet', 'REFUSED')] },
    NOW,
  );
  expect(next).toMatchObject({ status: 'PARTIAL', expungedAt: NOW, claims: 2, expiresAt: NOW });
  expect(next.results.map(({ status }) => status)).toEqual(['FETCHED', 'REFUSED']);
  expect(JSON.stringify(next)).not.toContain('text of the provider');
});

describe('a job that is expunged', () => {
  const attempt: Attempt = {
    number: 1,
    trigger: 'scheduled',
    startedAt: NOW,
    endedAt: NOW,
    fetches: [{ providerId: 'gas', status: 'FAILED', class: 'bad_status', excerpt: 'text of the provider' }],
    callback: { status: 'FAILED', class: 'bad_status', excerpt: 'text of the receiver' },
  };

  test('keeps its attempts, without excerpts of responses', () => {
    const { callback: _callback, ...withoutCallback } = attempt;
    const { attemptLog } = expunged({ ...endedJob, attemptLog: [attempt, withoutCallback] }, NOW);
    expect(attemptLog).toMatchObject([
      { number: 1, fetches: [{ providerId: 'gas', status: 'FAILED' }], callback: { status: 'FAILED' } },
      { number: 1, fetches: [{ providerId: 'gas', status: 'FAILED' }] },
    ]);
    expect(attemptLog[1]?.callback).toBeUndefined();
    expect(JSON.stringify(attemptLog)).not.toContain('text of');
  });

  test('keeps fetched results and the class of errors', () => {
    const { results } = expunged(
      { ...endedJob, results: [fetchedResult('gas'), failedResult('internet', 'REFUSED')] },
      NOW,
    );
    expect(results).toEqual([
      fetchedResult('gas'),
      { providerId: 'internet', status: 'REFUSED', error: { class: 'bad_status', statusCode: 500 } },
    ]);
  });

  test.each<[string, Partial<Job>, true | undefined]>([
    ['parameters', { parameters: { gas: { account: '1' } } }, true],
    ['metadata', { metadata: { orderId: 'A-42' } }, true],
    ['neither', {}, undefined],
  ])(
    'with %s loses them, and records that its input was deleted only if it had any',
    (_case, input, isInputDeleted) => {
      const next = expunged({ ...endedJob, ...input }, NOW);
      expect(next.isInputDeleted).toBe(isInputDeleted);
      expect(next).not.toHaveProperty('parameters');
      expect(next).not.toHaveProperty('metadata');
    },
  );

  test('keeps the time of its first expunging', () => {
    const next = expunged(expunged(endedJob, NOW), NOW + 9);
    expect(next).toMatchObject({ expungedAt: NOW, updatedAt: NOW + 9 });
  });
});

test('a redriven job has no trace of its end, deadlines, faults and lease', () => {
  const past = {
    expiresAt: NOW,
    failure: { code: 'CALLBACK_GONE', message: 'Gone.' },
    expungedAt: NOW,
    callbackDeadlineAt: NOW,
    leasedUntil: NOW,
    heldSince: NOW,
    internalFaults: 3,
    callbackDeferred: { class: 'paused' },
    endedAt: NOW,
    isInTrouble: true,
  };
  const next = redriven({ ...aJob(), ...past } as unknown as Job, [], { ...times, leaseMs: undefined });
  for (const property of Object.keys(past)) expect(next).not.toHaveProperty(property);
  expect(next).toMatchObject({ dueAt: times.now, claimsSinceOutcome: 0, updatedAt: times.now });
});

test('a redriven job calls back if its data is complete, and otherwise fetches in a new round', () => {
  const complete = [
    { ...fetchedResult('gas'), round: 1 },
    { ...fetchedResult('internet'), round: 1 },
  ];
  const calling = redriven({ ...endedJob, results: complete }, complete, times);
  expect(calling).toMatchObject({ phase: 'CALLING_BACK', leasedUntil: times.now + LEASE_MS });
  expect(calling.results).toEqual([fetchedResult('gas'), fetchedResult('internet')]);
  const fetching = redriven({ ...endedJob, results: complete, round: 4 }, complete.slice(0, 1), times);
  expect(fetching).toMatchObject({ phase: 'FETCHING', round: 5 });
});

test('a job is held until its lease ends', () => {
  const at = (leasedUntil: number | undefined) => isHeld({ leasedUntil } as Job, NOW);
  expect([at(undefined), at(NOW), at(NOW + 1)]).toEqual([false, false, true]);
});

describe('a redrive', () => {
  const policy = { schedule: { stepsMs: [1_000] as const }, patienceMs: 1_000, retentionMs: 60_000 };
  const createWorld = async (change: Partial<Job> = {}) => {
    const store = createFakeJobStore();
    const startedJobs: unknown[] = [];
    const job = aJob(change);
    await storeJob(store, job);
    const deps = {
      ...store,
      jobs: store.reader,
      startExecution: async (jobs: unknown[]) => void startedJobs.push(...jobs),
      now: () => times.now,
      log: aLog(),
      leaseMs: LEASE_MS,
      fetchDeadlineMs: 1_000,
      policy,
    };
    const redrive = async () => redriveJob(deps, (await store.reader.getWithData(job.jobId, NOW)) as never);
    return { store, startedJobs, job, deps, redrive };
  };
  const result = { providerId: 'gas', fetchedAt: NOW, bytes: 2, json: '{}' };

  test('is rejected while a job is leased', async () => {
    const { redrive, store, job } = await createWorld();
    await expect(redrive()).rejects.toMatchObject({ name: 'JobInProgress', retryAfterMs: LEASE_MS - 5 });
    await expect(redrive()).rejects.toBeInstanceOf(JobInProgress);
    await store.control.release(job.jobId, 1, NOW);
    expect(await redrive()).toMatchObject({ claims: 2, status: 'PENDING' });
  });

  test('claims a job whose lease has expired, and makes the former claim stale', async () => {
    const { redrive, store, job, startedJobs } = await createWorld({ dueAt: NOW, leasedUntil: NOW });
    await redrive();
    expect(startedJobs).toMatchObject([{ jobId: job.jobId, claims: 2, trigger: 'redrive' }]);
    await expect(store.control.release(job.jobId, 1, NOW)).rejects.toThrow(StaleClaim);
  });

  test('moves inline results to items that outlive the job', async () => {
    const { redrive, store, job } = await createWorld();
    const settlement = {
      status: 'COMPLETE' as const,
      phase: 'CALLING_BACK' as const,
      results: [fetchedResult('gas'), fetchedResult('internet')],
      attempt: { number: 1, trigger: 'immediate' as const, endedAt: NOW, fetches: [] },
      fetchAttempts: 1,
      callbackAttempts: 1,
      updatedAt: NOW,
      expiresAt: NOW,
    };
    await store.outcomes.save(job.jobId, 1, settlement, [result, { ...result, providerId: 'internet' }]);
    const next = await redrive();
    expect(next).toMatchObject({ phase: 'CALLING_BACK', redeliveries: 1 });
    const storedIds = (await store.results.load(job.jobId))?.results.map(({ providerId }) => providerId);
    expect(storedIds?.sort()).toEqual(['gas', 'internet']);
    // Until the end of the new retention, not of the former one.
    const keptUntil = firstKeptUntil(times.now, 1_000, policy);
    expect([...(store.stored.get(job.jobId)?.values() ?? [])].map(({ expiresAt }) => expiresAt)).toEqual([
      keptUntil,
      keptUntil,
    ]);
    expect(next.results).toMatchObject([{ keptUntil }, { keptUntil }]);
  });

  test('renews a stored result that would expire before the job, and leaves a longer-lived one unchanged', async () => {
    const newKeptUntil = firstKeptUntil(times.now, 1_000, policy);
    for (const [before, after] of [
      [NOW / 1000 + 60, newKeptUntil],
      [newKeptUntil + 60, newKeptUntil + 60],
    ] as const) {
      const { redrive, store, job } = await createWorld({ dueAt: NOW, leasedUntil: NOW });
      const storedResult = await store.results.save(job.jobId, 1, result, before);
      const claimedJob = store.jobs.get(job.jobId) as Job;
      store.jobs.set(job.jobId, { ...claimedJob, results: [{ ...fetchedResult('gas'), ...storedResult }] });
      expect((await redrive()).results).toMatchObject([{ providerId: 'gas', keptUntil: after }]);
      expect(store.stored.get(job.jobId)?.get('gas')?.expiresAt).toBe(after);
    }
  });

  test('drops results that have expired or were deleted, so that they are fetched again', async () => {
    const { redrive, store, job } = await createWorld({
      dueAt: NOW,
      leasedUntil: NOW,
      results: [fetchedResult('gas')],
    });
    expect((await redrive()).results).toEqual([]);
    await store.results.save(job.jobId, 2, result, NOW);
    const claimedJob = (await store.reader.get(job.jobId, NOW)) as Job;
    const expungedJob = {
      ...cancelled({ ...claimedJob, results: [fetchedResult('gas')] }, { now: NOW, retentionMs: 60_000 }),
      expungedAt: NOW,
    };
    await store.control.replace(claimedJob, expungedJob);
    const next = await redrive();
    expect(next.results).toEqual([]);
    expect(next.expungedAt).toBeUndefined();
  });

  test('stores no results of a job whose data was deleted after the read', async () => {
    const { store, job, deps } = await createWorld({ providers: ['gas'] });
    const end = { status: 'COMPLETE', phase: 'CALLING_BACK', updatedAt: NOW, expiresAt: NOW } as const;
    const settlement = { ...end, results: [fetchedResult('gas')], fetchAttempts: 1, callbackAttempts: 1 };
    await store.outcomes.save(job.jobId, 1, settlement, [result]);
    const read = (await store.reader.getWithData(job.jobId, NOW - 1_000)) as JobWithData;
    await store.control.replace(read.job, expunged(read.job, NOW));
    await store.results.expunge(job.jobId);
    const now = () => NOW - 1_000;
    await expect(redriveJob({ ...deps, now }, read)).rejects.toThrow(StaleClaim);
    expect(store.stored.get(job.jobId)?.size).toBe(0);
    // Of two concurrent redrives, the one that fails deletes no result of the other.
    const { store: sharedStore, job: sharedJob, deps: sharedDeps } = await createWorld({ providers: ['gas'] });
    await sharedStore.outcomes.save(sharedJob.jobId, 1, { ...settlement, expiresAt: NOW + 60 }, [result]);
    const found = (await sharedStore.reader.getWithData(sharedJob.jobId, NOW)) as JobWithData;
    await redriveJob(sharedDeps, found);
    await expect(redriveJob(sharedDeps, found)).rejects.toThrow(StaleClaim);
    expect(sharedStore.stored.get(sharedJob.jobId)?.size).toBe(1);
  });

  test('leaves the job due for the next sweep when the execution does not start', async () => {
    const { deps, store, job } = await createWorld({ dueAt: NOW, leasedUntil: NOW });
    const startExecution = async () => Promise.reject(new Error('throttled'));
    await redriveJob({ ...deps, startExecution }, { job, inline: [] });
    expect(store.jobs.get(job.jobId)).toMatchObject({ claims: 2, dueAt: times.now });
  });
});
