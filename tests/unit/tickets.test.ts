import type { FailureClass } from '@boomerang/core/contracts/task-failure.ts';
import { cancelled, expunged, redriven } from '@boomerang/core/domain/control.ts';
import { type FetchedResult, type Job, type PendingResult, toClaimedJob } from '@boomerang/core/domain/job.ts';
import type { FetchOutcome, Outcomes } from '@boomerang/core/domain/outcomes.ts';
import { abandon, type SettlePolicy, settle } from '@boomerang/core/domain/settle.ts';
import { losesTicket, nextRound, roundOf } from '@boomerang/core/domain/tickets.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  aClaim,
  aJob,
  DELIVERED,
  deferred,
  failedCallback,
  fetched,
  NOT_SENT,
  NOW,
  notAttempted,
  refused,
  unavailable,
  working,
} from '../builders.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const policy: SettlePolicy = {
  schedule: { stepsMs: [10 * SECOND, 60 * SECOND, 600 * SECOND] },
  patienceMs: 600_000,
  retentionMs: 3_600_000,
};

type Change = { final?: boolean; now?: number; random?: number };
const run = (job: Job, outcomes: Outcomes, { final = false, now = NOW, random = 0 }: Change = {}) =>
  settle(job, aClaim({ final }), outcomes, now, random, policy);

/** The job as stored after an execution. */
const settled = (job: Job, outcomes: Outcomes, change: Change = {}): Job => {
  const { attempt: _, fetchAttempts, callbackAttempts, ...settlement } = run(job, outcomes, change);
  return { ...job, ...settlement, claimsSinceOutcome: 0, fetchAttempts: job.fetchAttempts + fetchAttempts };
};
const resultOf = ({ results }: Pick<Job, 'results'>, providerId = 'gas') =>
  results.find((result) => result.providerId === providerId);
const pendingOf = (job: Pick<Job, 'results'>, providerId = 'gas'): PendingResult => {
  const result = resultOf(job, providerId);
  if (result?.status !== 'UNAVAILABLE') throw new Error(`${providerId} is ${result?.status}`);
  return result;
};

const lost = (failureClass: FailureClass = 'ticket_lost') => unavailable('gas', { class: failureClass });
/** A job with one provider, which has accepted the request. */
const accepted = (change: Partial<Job> = {}) =>
  settled(aJob({ providers: ['gas'], ...change }), { fetches: [working('gas')] });
const times = { now: NOW, leaseMs: undefined, fetchDeadlineMs: 86_400_000 };
const redrive = (job: Job): Job =>
  redriven(
    job,
    job.results.filter((result): result is FetchedResult => result.status === 'FETCHED'),
    times,
  );

describe('a provider that is still working', () => {
  test('is polled after its interval, slightly spread and never sooner, without an attempt or a log entry', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 10_000_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (ms, random) => {
          const outcomes = { fetches: [working('gas', { retryAfterMs: ms })] };
          const settlement = run(aJob({ providers: ['gas'] }), outcomes, { random });
          expect(settlement).toMatchObject({ status: 'PENDING', phase: 'FETCHING', fetchAttempts: 0 });
          expect(settlement.attempt).toBeUndefined();
          expect(settlement.dueAt).toBe(pendingOf(settlement).retryAt);
          expect(settlement.dueAt).toBeGreaterThanOrEqual(NOW + ms);
          expect(settlement.dueAt).toBeLessThanOrEqual(NOW + ms * 1.1 + 1);
        },
      ),
    );
  });

  test('has that status, and resets its consecutive failures', () => {
    const job = settled(accepted(), { fetches: [unavailable('gas')] });
    expect(pendingOf(job)).toMatchObject({ attempts: 1, error: { class: 'bad_status' } });
    const again = settled(job, { fetches: [working('gas', { polls: 1 })] });
    expect(pendingOf(again)).toMatchObject({ attempts: 0, error: { class: 'still_working' }, ticket: { polls: 1 } });
    expect(again.fetchAttempts).toBe(1);
  });

  test('resets our own consecutive faults, since a call was sent', () => {
    const job = aJob({ providers: ['gas'], ownFaults: 3 });
    expect(run(job, { fetches: [working('gas')] }).ownFaults).toBe(0);
  });

  test('keeps that status while it is deferred or not called by our own fault', () => {
    for (const outcome of [deferred, notAttempted]) {
      const job = settled(accepted(), { fetches: [outcome('gas')] });
      expect(pendingOf(job)).toMatchObject({ error: { class: 'still_working' }, ticket: { polls: 0 } });
    }
    expect(pendingOf(settled(accepted(), { fetches: [deferred('gas')] })).deferred).toEqual({ class: 'circuit_open' });
  });

  test('is polled once more at the deadline, then delivered as an error in its place', () => {
    const job = accepted({ deadlineAt: NOW + 30 * SECOND });
    expect(job.dueAt).toBe(NOW + 30 * SECOND);
    const now = job.deadlineAt;
    const claimed = toClaimedJob({ ...job, leasedUntil: now + MINUTE, claimsSinceOutcome: 1 }, 'scheduled', now);
    expect(claimed).toMatchObject({ providers: ['gas'], final: true });
    const outcomes = { fetches: [working('gas', { polls: 1 })], delivery: DELIVERED };
    const over = run(job, outcomes, { final: true, now });
    expect(over).toMatchObject({ status: 'PARTIAL', fetchAttempts: 0, callbackAttempts: 1 });
    expect(pendingOf(over)).toMatchObject({ error: { class: 'still_working' } });
    expect(over.attempt).toMatchObject({ fetches: [{ class: 'still_working' }], callback: { status: 'OK' } });
  });

  test('keeps that status while our own fault delays the callback at the deadline', () => {
    const job = aJob({ results: accepted().results });
    const outcomes = { fetches: [working('gas'), notAttempted('internet')], delivery: NOT_SENT };
    expect(pendingOf(run(job, outcomes, { final: true })).ticket).toBeDefined();
  });

  test('keeps its place in the log of an attempt by others', () => {
    const { attempt, fetchAttempts } = run(aJob(), { fetches: [working('gas'), unavailable('internet')] });
    expect(fetchAttempts).toBe(1);
    expect(attempt?.fetches.map(({ class: failureClass }) => failureClass)).toEqual(['still_working', 'bad_status']);
  });
});

describe('a ticket', () => {
  test('is kept when a poll fails, and retried by the schedule', () => {
    const job = settled(accepted(), { fetches: [unavailable('gas')] });
    expect(pendingOf(job)).toMatchObject({
      ticket: { url: 'https://example.com/work/gas' },
      retryAt: NOW + 10 * SECOND,
    });
    expect(pendingOf(job).round).toBeUndefined();
  });

  test.each(['ticket_lost', 'polling_timeout'] as const)(
    'is dropped by %s: a failed attempt, and a new round',
    (failureClass) => {
      const job = settled(accepted(), { fetches: [lost(failureClass)] });
      expect(pendingOf(job)).toMatchObject({ attempts: 1, round: 1, error: { class: failureClass } });
      expect(pendingOf(job)).not.toHaveProperty('ticket');
      expect(job).toMatchObject({ fetchAttempts: 1, dueAt: NOW + 10 * SECOND });
    },
  );

  test('that is not held cannot be dropped: the request is repeated in the same round', () => {
    expect(pendingOf(settled(aJob({ providers: ['gas'] }), { fetches: [lost()] })).round).toBeUndefined();
  });

  test('that is dropped repeatedly has its provider called less and less often', () => {
    let job = aJob({ providers: ['gas'], round: 4 });
    const delays: number[] = [];
    for (let index = 0; index < 4; index += 1) {
      job = settled(job, { fetches: [working('gas')] });
      job = settled(job, { fetches: [lost()] });
      delays.push(((job.dueAt ?? 0) - NOW) / SECOND);
    }
    expect(delays).toEqual([10, 60, 600, 600]);
    expect(pendingOf(job)).toMatchObject({ round: 8, attempts: 4 });
  });

  test('of one provider does not affect the round of another, whose request may be in progress', () => {
    const job = settled(settled(aJob(), { fetches: [working('gas'), unavailable('internet')] }), { fetches: [lost()] });
    expect([roundOf(job, resultOf(job)), roundOf(job, resultOf(job, 'internet'))]).toEqual([1, 0]);
  });

  test.each<[string, (job: Job) => Pick<Job, 'results'>]>([
    ['once its results are frozen', (job) => run(job, { fetches: [], delivery: failedCallback() }, { final: true })],
    ['when it is delivered', (job) => run(job, { fetches: [], delivery: DELIVERED }, { final: true })],
    ['when it is cancelled', (job) => cancelled(job, { now: NOW, retentionMs: 1 })],
    ['when its data is deleted', (job) => expunged(job, NOW)],
    ['when it is redriven', (job) => redrive(job)],
    [
      'when it ends at its claim',
      (job) => abandon(job, aClaim(), { code: 'CLIENT_REVOKED', message: '' }, NOW, policy),
    ],
  ])('is deleted from its job %s, since it may contain a token', (_case, change) => {
    const job = accepted();
    expect(JSON.stringify(job)).toContain('example.com/work');
    expect(JSON.stringify(change(job))).not.toContain('example.com/work');
  });

  test('is not in a claimed job', () => {
    const job = { ...accepted(), leasedUntil: NOW + MINUTE };
    expect(JSON.stringify(toClaimedJob(job, 'scheduled', NOW + MINUTE))).not.toContain('example.com/work');
  });
});

describe('a round', () => {
  test('is the same for all providers of a job until a ticket is dropped', () => {
    expect(roundOf({}, undefined)).toBe(0);
    expect(roundOf({ round: 3 }, { round: undefined })).toBe(3);
    expect(roundOf({ round: 3 }, { round: 5 })).toBe(5);
  });

  test.each([
    ['refused', refused('gas')],
    ['succeeded', fetched('gas')],
  ] as const)('is stored for a provider that %s, so that a redrive starts an unused one', (_case, end) => {
    const job = settled(settled(accepted(), { fetches: [lost()] }), { fetches: [end] });
    expect(resultOf(job)?.round).toBe(1);
    expect(nextRound(job)).toBe(2);
    expect(redrive(job).round).toBe(2);
  });

  test('stays with a result that went missing, since the provider knows its work by it', () => {
    const job = settled(settled(accepted(), { fetches: [lost()] }), { fetches: [fetched('gas')] });
    const missing = { kind: 'resultMissing', providerId: 'gas' } as const;
    const again = run({ ...job, phase: 'FETCHING' }, { fetches: [], delivery: missing });
    expect(pendingOf(again)).toMatchObject({ round: 1 });
  });

  /** Events of a history; `again` is a redrive. */
  type Event = FetchOutcome['kind'] | FailureClass | 'again' | 'missing';
  const event = fc.constantFrom<Event>(
    'working',
    'working',
    'working',
    'bad_status',
    'bad_polling',
    'ticket_lost',
    'polling_timeout',
    'deferred',
    'notAttempted',
    'refused',
    'fetched',
    'again',
    'missing',
  );
  const outcomeOf = (what: Event, providerId: string, polls: number): FetchOutcome | undefined => {
    if (what === 'working') return working(providerId, { polls });
    if (what === 'deferred') return deferred(providerId);
    if (what === 'notAttempted') return notAttempted(providerId);
    if (what === 'refused') return refused(providerId);
    if (what === 'fetched') return fetched(providerId);
    return unavailable(providerId, { class: what as FailureClass });
  };

  test('is never reused, and a ticket is only forgotten when it is dropped, in any history', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(event, event), { minLength: 1, maxLength: 40 }), (history) => {
        let job = aJob();
        const over = new Set<string>();
        const end = (providerId: string) => over.add(`${providerId} ${roundOf(job, resultOf(job, providerId))}`);
        for (const [index, whats] of history.entries()) {
          const before = job;
          if (whats.includes('again')) {
            for (const providerId of job.providers) end(providerId);
            job = redrive(job);
            expect(job.results.every((result) => result.status === 'FETCHED')).toBe(true);
          } else if (whats.includes('missing')) {
            const fetchedResult = job.results.find(({ status }) => status === 'FETCHED');
            if (!fetchedResult) continue;
            const delivery = { kind: 'resultMissing', providerId: fetchedResult.providerId } as const;
            job = { ...settled(job, { fetches: [], delivery }), phase: 'FETCHING', status: 'PENDING' };
            expect(roundOf(job, resultOf(job, fetchedResult.providerId))).toBe(roundOf(before, fetchedResult));
          } else {
            const asked = job.providers.flatMap((providerId, at) => {
              const result = resultOf(job, providerId);
              const what = whats[at] ?? 'working';
              const isPending = result === undefined || result.status === 'UNAVAILABLE';
              return isPending ? [{ providerId, what }] : [];
            });
            const fetches = asked.flatMap(({ providerId, what }) => outcomeOf(what, providerId, index) ?? []);
            for (const { providerId, what } of asked) {
              const result = resultOf(job, providerId);
              const hasTicket = result?.status === 'UNAVAILABLE' && result.ticket !== undefined;
              if (hasTicket && losesTicket(what as FailureClass)) end(providerId);
            }
            job = { ...settled(job, { fetches }), phase: 'FETCHING' };
            for (const { providerId, what } of asked) {
              const [was, is] = [resultOf(before, providerId), resultOf(job, providerId)];
              if (was?.status !== 'UNAVAILABLE' || !was.ticket || is?.status !== 'UNAVAILABLE') continue;
              if (losesTicket(what as FailureClass)) expect(is.ticket).toBeUndefined();
              else if (what !== 'working') expect(is).toMatchObject({ ticket: was.ticket });
            }
          }
          for (const providerId of job.providers) {
            expect(over).not.toContain(`${providerId} ${roundOf(job, resultOf(job, providerId))}`);
          }
        }
      }),
    );
  });
});
