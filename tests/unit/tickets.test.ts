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
const settlementOf = (job: Job, outcomes: Outcomes, { final = false, now = NOW, random = 0 }: Change = {}) =>
  settle(job, aClaim({ final }), outcomes, now, random, policy);

/** The job as stored after an execution. */
const jobAfter = (job: Job, outcomes: Outcomes, change: Change = {}): Job => {
  const { attempt: _attempt, fetchAttempts, callbackAttempts, ...settlement } = settlementOf(job, outcomes, change);
  return { ...job, ...settlement, claimsSinceOutcome: 0, fetchAttempts: job.fetchAttempts + fetchAttempts };
};
const resultOf = ({ results }: Pick<Job, 'results'>, providerId = 'gas') =>
  results.find((result) => result.providerId === providerId);
const pendingOf = (job: Pick<Job, 'results'>, providerId = 'gas'): PendingResult => {
  const result = resultOf(job, providerId);
  if (result?.status !== 'UNAVAILABLE') throw new Error(`${providerId} is ${result?.status}`);
  return result;
};

const ticketFailure = (failureClass: FailureClass = 'ticket_lost') => unavailable('gas', { class: failureClass });
/** A job with one provider, which has accepted the request. */
const jobWithTicket = (change: Partial<Job> = {}) =>
  jobAfter(aJob({ providers: ['gas'], ...change }), { fetches: [working('gas')] });
const redriveTimes = { now: NOW, leaseMs: undefined, fetchDeadlineMs: 86_400_000 };
const redrive = (job: Job): Job =>
  redriven(
    job,
    job.results.filter((result): result is FetchedResult => result.status === 'FETCHED'),
    redriveTimes,
  );

describe('a provider that is still working', () => {
  test('is polled after its interval plus jitter, without an attempt or a log entry', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 10_000_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (ms, random) => {
          const outcomes = { fetches: [working('gas', { retryAfterMs: ms })] };
          const settlement = settlementOf(aJob({ providers: ['gas'] }), outcomes, { random });
          expect(settlement).toMatchObject({ status: 'PENDING', phase: 'FETCHING', fetchAttempts: 0 });
          expect(settlement.attempt).toBeUndefined();
          expect(settlement.dueAt).toBe(pendingOf(settlement).retryAt);
          expect(settlement.dueAt).toBeGreaterThanOrEqual(NOW + ms);
          expect(settlement.dueAt).toBeLessThanOrEqual(NOW + ms * 1.1 + 1);
        },
      ),
    );
  });

  test('has the error still_working, and no consecutive failures', () => {
    const job = jobAfter(jobWithTicket(), { fetches: [unavailable('gas')] });
    expect(pendingOf(job)).toMatchObject({ attempts: 1, error: { class: 'bad_status' } });
    const workingJob = jobAfter(job, { fetches: [working('gas', { polls: 1 })] });
    expect(pendingOf(workingJob)).toMatchObject({
      attempts: 0,
      error: { class: 'still_working' },
      ticket: { polls: 1 },
    });
    expect(workingJob.fetchAttempts).toBe(1);
  });

  test('resets the count of consecutive internal faults, since a call was sent', () => {
    const job = aJob({ providers: ['gas'], internalFaults: 3 });
    expect(settlementOf(job, { fetches: [working('gas')] }).internalFaults).toBe(0);
  });

  test('keeps the error still_working while it is deferred or not called because of an internal fault', () => {
    for (const outcome of [deferred, notAttempted]) {
      const job = jobAfter(jobWithTicket(), { fetches: [outcome('gas')] });
      expect(pendingOf(job)).toMatchObject({ error: { class: 'still_working' }, ticket: { polls: 0 } });
    }
    expect(pendingOf(jobAfter(jobWithTicket(), { fetches: [deferred('gas')] })).deferred).toEqual({
      class: 'circuit_open',
    });
  });

  test('is polled once more at the deadline, then delivered as an error', () => {
    const job = jobWithTicket({ deadlineAt: NOW + 30 * SECOND });
    expect(job.dueAt).toBe(NOW + 30 * SECOND);
    const now = job.deadlineAt;
    const claimed = toClaimedJob({ ...job, leasedUntil: now + MINUTE, claimsSinceOutcome: 1 }, 'scheduled', now);
    expect(claimed).toMatchObject({ providers: ['gas'], final: true });
    const outcomes = { fetches: [working('gas', { polls: 1 })], delivery: DELIVERED };
    const settlement = settlementOf(job, outcomes, { final: true, now });
    expect(settlement).toMatchObject({ status: 'PARTIAL', fetchAttempts: 0, callbackAttempts: 1 });
    expect(pendingOf(settlement)).toMatchObject({ error: { class: 'still_working' } });
    expect(settlement.attempt).toMatchObject({ fetches: [{ class: 'still_working' }], callback: { status: 'OK' } });
  });

  test('keeps its ticket while an internal fault delays the callback at the deadline', () => {
    const job = aJob({ results: jobWithTicket().results });
    const outcomes = { fetches: [working('gas'), notAttempted('internet')], delivery: NOT_SENT };
    expect(pendingOf(settlementOf(job, outcomes, { final: true })).ticket).toBeDefined();
  });

  test('is in the log of an attempt in which another provider failed', () => {
    const { attempt, fetchAttempts } = settlementOf(aJob(), { fetches: [working('gas'), unavailable('internet')] });
    expect(fetchAttempts).toBe(1);
    expect(attempt?.fetches.map(({ class: failureClass }) => failureClass)).toEqual(['still_working', 'bad_status']);
  });
});

describe('a ticket', () => {
  test('is kept when a poll fails, and polled again on schedule', () => {
    const job = jobAfter(jobWithTicket(), { fetches: [unavailable('gas')] });
    expect(pendingOf(job)).toMatchObject({
      ticket: { url: 'https://example.com/work/gas' },
      retryAt: NOW + 10 * SECOND,
    });
    expect(pendingOf(job).round).toBeUndefined();
  });

  test.each(['ticket_lost', 'polling_timeout'] as const)(
    'is dropped by %s, with a failed attempt and a new round',
    (failureClass) => {
      const job = jobAfter(jobWithTicket(), { fetches: [ticketFailure(failureClass)] });
      expect(pendingOf(job)).toMatchObject({ attempts: 1, round: 1, error: { class: failureClass } });
      expect(pendingOf(job)).not.toHaveProperty('ticket');
      expect(job).toMatchObject({ fetchAttempts: 1, dueAt: NOW + 10 * SECOND });
    },
  );

  test('that does not exist starts no new round when the failure is ticket_lost', () => {
    expect(pendingOf(jobAfter(aJob({ providers: ['gas'] }), { fetches: [ticketFailure()] })).round).toBeUndefined();
  });

  test('that is dropped repeatedly has increasing delays up to the last step of the schedule', () => {
    let job = aJob({ providers: ['gas'], round: 4 });
    const delays: number[] = [];
    for (let index = 0; index < 4; index += 1) {
      job = jobAfter(job, { fetches: [working('gas')] });
      job = jobAfter(job, { fetches: [ticketFailure()] });
      delays.push(((job.dueAt ?? 0) - NOW) / SECOND);
    }
    expect(delays).toEqual([10, 60, 600, 600]);
    expect(pendingOf(job)).toMatchObject({ round: 8, attempts: 4 });
  });

  test('of one provider leaves the round of another unchanged, since its request may be in progress', () => {
    const job = jobAfter(jobAfter(aJob(), { fetches: [working('gas'), unavailable('internet')] }), {
      fetches: [ticketFailure()],
    });
    expect([roundOf(job, resultOf(job)), roundOf(job, resultOf(job, 'internet'))]).toEqual([1, 0]);
  });

  test.each<[string, (job: Job) => Pick<Job, 'results'>]>([
    [
      'once its results are frozen',
      (job) => settlementOf(job, { fetches: [], delivery: failedCallback() }, { final: true }),
    ],
    ['when it is delivered', (job) => settlementOf(job, { fetches: [], delivery: DELIVERED }, { final: true })],
    ['when it is cancelled', (job) => cancelled(job, { now: NOW, retentionMs: 1 })],
    ['when its data is deleted', (job) => expunged(job, NOW)],
    ['when it is redriven', (job) => redrive(job)],
    [
      'when it ends at its claim',
      (job) => abandon(job, aClaim(), { code: 'CLIENT_REVOKED', message: '' }, NOW, policy),
    ],
  ])('is deleted from its job %s, since it may contain a token', (_case, change) => {
    const job = jobWithTicket();
    expect(JSON.stringify(job)).toContain('example.com/work');
    expect(JSON.stringify(change(job))).not.toContain('example.com/work');
  });

  test('is not in a claimed job', () => {
    const job = { ...jobWithTicket(), leasedUntil: NOW + MINUTE };
    expect(JSON.stringify(toClaimedJob(job, 'scheduled', NOW + MINUTE))).not.toContain('example.com/work');
  });
});

describe('a round', () => {
  test('of a provider is that of its result, or else that of its job', () => {
    expect(roundOf({}, undefined)).toBe(0);
    expect(roundOf({ round: 3 }, { round: undefined })).toBe(3);
    expect(roundOf({ round: 3 }, { round: 5 })).toBe(5);
  });

  test.each([
    ['refused', refused('gas')],
    ['succeeded', fetched('gas')],
  ] as const)('is stored for a provider that %s, so that a redrive starts an unused round', (_case, outcome) => {
    const job = jobAfter(jobAfter(jobWithTicket(), { fetches: [ticketFailure()] }), { fetches: [outcome] });
    expect(resultOf(job)?.round).toBe(1);
    expect(nextRound(job)).toBe(2);
    expect(redrive(job).round).toBe(2);
  });

  test('is kept for a missing result, since it identifies the work to the provider', () => {
    const job = jobAfter(jobAfter(jobWithTicket(), { fetches: [ticketFailure()] }), { fetches: [fetched('gas')] });
    const delivery = { kind: 'resultMissing', providerId: 'gas' } as const;
    const settlement = settlementOf({ ...job, phase: 'FETCHING' }, { fetches: [], delivery });
    expect(pendingOf(settlement)).toMatchObject({ round: 1 });
  });

  /** An event in the history of a job. */
  type Event = FetchOutcome['kind'] | FailureClass | 'redrive' | 'missing';
  const anyEvent = fc.constantFrom<Event>(
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
    'redrive',
    'missing',
  );
  const outcomeOf = (event: Event, providerId: string, polls: number): FetchOutcome | undefined => {
    if (event === 'working') return working(providerId, { polls });
    if (event === 'deferred') return deferred(providerId);
    if (event === 'notAttempted') return notAttempted(providerId);
    if (event === 'refused') return refused(providerId);
    if (event === 'fetched') return fetched(providerId);
    return unavailable(providerId, { class: event as FailureClass });
  };

  test('is never reused, and a ticket is removed only when it is dropped, in any history', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyEvent, anyEvent), { minLength: 1, maxLength: 40 }), (history) => {
        let job = aJob();
        const endedRounds = new Set<string>();
        const endRound = (providerId: string) =>
          endedRounds.add(`${providerId} ${roundOf(job, resultOf(job, providerId))}`);
        for (const [index, events] of history.entries()) {
          const previousJob = job;
          if (events.includes('redrive')) {
            for (const providerId of job.providers) endRound(providerId);
            job = redrive(job);
            expect(job.results.every((result) => result.status === 'FETCHED')).toBe(true);
          } else if (events.includes('missing')) {
            const fetchedResult = job.results.find(({ status }) => status === 'FETCHED');
            if (!fetchedResult) continue;
            const delivery = { kind: 'resultMissing', providerId: fetchedResult.providerId } as const;
            job = { ...jobAfter(job, { fetches: [], delivery }), phase: 'FETCHING', status: 'PENDING' };
            expect(roundOf(job, resultOf(job, fetchedResult.providerId))).toBe(roundOf(previousJob, fetchedResult));
          } else {
            const calls = job.providers.flatMap((providerId, at) => {
              const result = resultOf(job, providerId);
              const event = events[at] ?? 'working';
              const isPending = result === undefined || result.status === 'UNAVAILABLE';
              return isPending ? [{ providerId, event }] : [];
            });
            const fetches = calls.flatMap(({ providerId, event }) => outcomeOf(event, providerId, index) ?? []);
            for (const { providerId, event } of calls) {
              const result = resultOf(job, providerId);
              const hasTicket = result?.status === 'UNAVAILABLE' && result.ticket !== undefined;
              if (hasTicket && losesTicket(event as FailureClass)) endRound(providerId);
            }
            job = { ...jobAfter(job, { fetches }), phase: 'FETCHING' };
            for (const { providerId, event } of calls) {
              const [previous, current] = [resultOf(previousJob, providerId), resultOf(job, providerId)];
              if (previous?.status !== 'UNAVAILABLE' || !previous.ticket || current?.status !== 'UNAVAILABLE') continue;
              if (losesTicket(event as FailureClass)) expect(current.ticket).toBeUndefined();
              else if (event !== 'working') expect(current).toMatchObject({ ticket: previous.ticket });
            }
          }
          for (const providerId of job.providers) {
            expect(endedRounds).not.toContain(`${providerId} ${roundOf(job, resultOf(job, providerId))}`);
          }
        }
      }),
    );
  });
});
