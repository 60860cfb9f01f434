import { type Job, type ProviderResult, toClaimedJob } from '@boomerang/core/domain/job.ts';
import type { CallbackOutcome, FetchOutcome, Outcomes } from '@boomerang/core/domain/outcomes.ts';
import { couldOutlive, firstKeptUntil, keptUntil } from '@boomerang/core/domain/result-life.ts';
import { holdMs, internalFaultDelayMs, retryDelayMs } from '@boomerang/core/domain/schedule.ts';
import { abandon, reasonToAbandon, type SettlePolicy, settle } from '@boomerang/core/domain/settle.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  aClaim,
  aJob,
  DELIVERED,
  deferred,
  deferredCallback,
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
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const policy: SettlePolicy = {
  schedule: { stepsMs: [1_000, 5_000, 60_000] },
  patienceMs: 600_000,
  retentionMs: 3_600_000,
};
/** The schedule of a deployment, whose last step is long enough for a Retry-After of a day. */
const slowPolicy: SettlePolicy = { ...policy, schedule: { stepsMs: [30 * SECOND, 2 * MINUTE, DAY] } };
const bothFetched = [fetched('gas'), fetched('internet')];
const dayLongHint = { class: 'bad_status', statusCode: 503, retryAfterMs: DAY } as const;

const settlementOf = (
  outcomes: Outcomes,
  { job = aJob(), claim = aClaim(), now = NOW, random = 0, settlePolicy = policy } = {},
) => settle(job, claim, outcomes, now, random, settlePolicy);

/** The job as stored after an execution with these outcomes. */
const jobAfter = (job: Job, outcomes: Outcomes, now = NOW, settlePolicy = policy): Job => {
  const {
    attempt: _attempt,
    fetchAttempts,
    callbackAttempts,
    ...settlement
  } = settlementOf(outcomes, { job, now, settlePolicy });
  const { heldSince: _heldSince, ...rest } = job;
  return {
    ...rest,
    ...settlement,
    claimsSinceOutcome: 0,
    fetchAttempts: job.fetchAttempts + fetchAttempts,
    callbackAttempts: job.callbackAttempts + callbackAttempts,
  };
};

const claimedAt = (job: Job, now: number): Job => ({
  ...job,
  claims: job.claims + 1,
  claimsSinceOutcome: job.claimsSinceOutcome + 1,
  heldSince: job.heldSince ?? now,
  leasedUntil: now + 6 * MINUTE,
});

const pendingOf = (results: ProviderResult[], providerId: string) => {
  const result = results.find((candidate) => candidate.providerId === providerId);
  if (result?.status !== 'UNAVAILABLE') throw new Error(`${providerId} is ${result?.status}`);
  return result;
};

describe('isInTrouble', () => {
  const isInTroubleAfter = (outcomes: Outcomes, job = aJob()) => settlementOf(outcomes, { job }).isInTrouble ?? false;
  const callingBack = aJob({ phase: 'CALLING_BACK' });

  test.each<[boolean, string, Outcomes]>([
    [true, 'a provider that failed', { fetches: [fetched('gas'), unavailable('internet')] }],
    [true, 'a refusal by one provider while another works', { fetches: [refused('gas'), working('internet')] }],
    [false, 'a provider that is still working', { fetches: [fetched('gas'), working('internet')] }],
    [false, 'a deferred provider', { fetches: [fetched('gas'), deferred('internet')] }],
    [false, 'an internal fault', { fetches: [fetched('gas'), notAttempted('internet')] }],
  ])('is %p after %s', (expected, _case, outcomes) => expect(isInTroubleAfter(outcomes)).toBe(expected));

  test.each<[boolean, string, CallbackOutcome]>([
    [true, 'a callback that failed', failedCallback()],
    [false, 'a deferred callback', deferredCallback()],
    [false, 'a callback that was not sent', NOT_SENT],
    [false, 'a delivered callback, which ends the job', DELIVERED],
    [false, 'a refused callback, which ends the job', { kind: 'refused', reason: 'gone', failure: { class: 'gone' } }],
  ])('is %p after %s', (expected, _case, delivery) =>
    expect(isInTroubleAfter({ fetches: [], delivery }, callingBack)).toBe(expected),
  );
});

test('only a job that has ended has an end time', () => {
  const job = aJob({ phase: 'CALLING_BACK' });
  expect(settlementOf({ fetches: bothFetched, delivery: DELIVERED }).endedAt).toBe(NOW);
  expect(settlementOf({ fetches: [], delivery: failedCallback() }, { job })).not.toHaveProperty('endedAt');
});

describe('while fetching', () => {
  test('a job with a missing provider is due after the step of the schedule', () => {
    const settlement = settlementOf({ fetches: [fetched('gas'), unavailable('internet')] });
    expect(settlement).toMatchObject({ status: 'PENDING', phase: 'FETCHING', dueAt: NOW + 1_000, fetchAttempts: 1 });
    expect(settlement.results.map((result) => result.status)).toEqual(['FETCHED', 'UNAVAILABLE']);
  });

  test('Retry-After prolongs a step, up to the longest step of the schedule', () => {
    const dueAtAfter = (retryAfterMs: number) =>
      settlementOf({ fetches: [unavailable('gas', { class: 'bad_status', retryAfterMs }), fetched('internet')] }).dueAt;
    expect([dueAtAfter(10), dueAtAfter(20_000), dueAtAfter(10 ** 9)]).toEqual([
      NOW + 1_000,
      NOW + 20_000,
      NOW + 60_000,
    ]);
  });

  test('a job is never due later than its deadline', () => {
    fc.assert(
      fc.property(
        fc.nat(200_000),
        fc.nat(50),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (msLeft, attempts, random) => {
          const job = aJob({ deadlineAt: NOW + msLeft, fetchAttempts: attempts });
          const { dueAt } = settlementOf({ fetches: [unavailable('gas'), fetched('internet')] }, { job, random });
          expect(dueAt).toBeGreaterThanOrEqual(NOW);
          if (msLeft > 0) expect(dueAt).toBeLessThanOrEqual(NOW + msLeft);
        },
      ),
    );
  });

  test('a fetched result is never lost or replaced', () => {
    const outcome = fc.constantFrom(fetched, refused, unavailable, deferred, notAttempted);
    fc.assert(
      fc.property(fc.array(fc.tuple(outcome, outcome), { minLength: 1, maxLength: 10 }), (rounds) => {
        let job = aJob();
        for (const [gas, internet] of rounds) {
          const { results } = settlementOf({ fetches: [gas('gas'), internet('internet')] }, { job });
          for (const previous of job.results)
            if (previous.status === 'FETCHED') expect(results).toContainEqual(previous);
          job = { ...job, results };
        }
      }),
    );
  });
});

describe('an execution', () => {
  test('that resolved only some providers leaves the others due at once, without results', () => {
    const settlement = settlementOf({ fetches: [fetched('gas')] });
    expect(settlement).toMatchObject({ status: 'PENDING', phase: 'FETCHING', dueAt: NOW });
    expect(settlement.results.map(({ providerId }) => providerId)).toEqual(['gas']);
    // A Retry-After of a day from the first provider does not delay the others.
    expect(settlementOf({ fetches: [unavailable('gas', dayLongHint)] }, { settlePolicy: slowPolicy }).dueAt).toBe(NOW);
  });

  test('that made one of two calls counts as an attempt, and logs both', () => {
    const { attempt, fetchAttempts } = settlementOf({ fetches: [deferred('gas'), unavailable('internet')] });
    expect(fetchAttempts).toBe(1);
    expect(attempt?.fetches.map(({ class: failureClass }) => failureClass)).toEqual(['circuit_open', 'bad_status']);
  });

  test('that had all results and crashed before the callback leaves the callback due at once', () => {
    const settlement = settlementOf({ fetches: bothFetched });
    const callbackState = { phase: 'CALLING_BACK', dueAt: NOW, callbackDeadlineAt: NOW + policy.patienceMs };
    expect(settlement).toMatchObject({ ...callbackState, callbackAttempts: 0 });
  });

  test('that loses no time writes neither deadlineAt nor internalFaults, since each attribute costs', () => {
    const settlement = settlementOf({ fetches: [unavailable('gas'), fetched('internet')] });
    expect(settlement).not.toHaveProperty('internalFaults');
    expect(settlement).not.toHaveProperty('deadlineAt');
  });

  test('that calls no provider moves no deadline, since a deliberate wait is not a fault', () => {
    const job = jobAfter(
      aJob(),
      { fetches: [unavailable('gas', dayLongHint), unavailable('internet', dayLongHint)] },
      NOW,
      slowPolicy,
    );
    const settlement = settlementOf({ fetches: [] }, { job: claimedAt(job, NOW + HOUR), now: NOW + HOUR });
    expect(settlement).toMatchObject({ phase: 'FETCHING', dueAt: NOW + DAY });
    expect(settlement.deadlineAt).toBeUndefined();
  });
});

describe('each provider of a job', () => {
  test('waits for its own Retry-After: a day for one provider delays no other', () => {
    const settlement = settlementOf(
      { fetches: [unavailable('gas', dayLongHint), unavailable('internet')] },
      { settlePolicy: slowPolicy },
    );
    expect(settlement.dueAt).toBe(NOW + 30 * SECOND);
    expect(pendingOf(settlement.results, 'gas').retryAt).toBe(NOW + DAY);
    expect(pendingOf(settlement.results, 'internet').retryAt).toBe(NOW + 30 * SECOND);
  });

  test('is called when it is due, and not before, while the others wait', () => {
    const job = jobAfter(
      aJob(),
      { fetches: [unavailable('gas', dayLongHint), unavailable('internet')] },
      NOW,
      slowPolicy,
    );
    const firstClaim = toClaimedJob(claimedAt(job, NOW + 30 * SECOND), 'scheduled', NOW + 30 * SECOND);
    expect([firstClaim.providers, firstClaim.isAnyWaiting, firstClaim.final]).toEqual([['internet'], true, false]);
    const secondClaim = toClaimedJob(claimedAt(job, NOW + DAY), 'scheduled', NOW + DAY);
    expect([secondClaim.providers, secondClaim.isAnyWaiting, secondClaim.final]).toEqual([
      ['gas', 'internet'],
      false,
      true,
    ]);
  });

  test('has its own count of failed attempts', () => {
    let job = jobAfter(
      aJob(),
      { fetches: [unavailable('gas', dayLongHint), unavailable('internet')] },
      NOW,
      slowPolicy,
    );
    job = jobAfter(claimedAt(job, NOW + MINUTE), { fetches: [unavailable('internet')] }, NOW + MINUTE, slowPolicy);
    expect([pendingOf(job.results, 'gas').attempts, pendingOf(job.results, 'internet').attempts]).toEqual([1, 2]);
    expect(pendingOf(job.results, 'internet').retryAt).toBe(NOW + MINUTE + 2 * MINUTE);
    expect(pendingOf(job.results, 'gas').retryAt).toBe(NOW + DAY);
  });

  test('continues the count of a job stored by an earlier version', () => {
    const error = { class: 'timeout' } as const;
    const job = aJob({ fetchAttempts: 2, results: [{ providerId: 'gas', status: 'UNAVAILABLE', error }] });
    const { results } = settlementOf({ fetches: [unavailable('gas'), fetched('internet')] }, { job });
    expect(pendingOf(results, 'gas')).toMatchObject({ attempts: 3, retryAt: NOW + 60_000 });
  });

  test('is called together with the providers due within 30 seconds of the earliest', () => {
    const hints = [10_000, 25_000, 40_000, 40_001];
    const providers = ['a', 'b', 'c', 'd'];
    const fetches = providers.map((id, index) =>
      unavailable(id, { class: 'bad_status', retryAfterMs: hints[index] ?? 0 }),
    );
    const settlement = settlementOf({ fetches }, { job: aJob({ providers }) });
    expect(settlement.dueAt).toBe(NOW + 40_000);
  });

  test('gets the same jitter, so that providers that failed together are due together', () => {
    const { results, dueAt } = settlementOf(
      { fetches: [unavailable('gas'), unavailable('internet')] },
      { random: 0.7 },
    );
    expect(new Set(results.map((result) => pendingOf([result], result.providerId).retryAt))).toEqual(new Set([dueAt]));
  });

  test('is called once more at the deadline', () => {
    const job = aJob({ deadlineAt: NOW + HOUR });
    const { results } = settlementOf(
      { fetches: [unavailable('gas', dayLongHint), fetched('internet')] },
      { job, settlePolicy: slowPolicy },
    );
    expect(pendingOf(results, 'gas').retryAt).toBe(NOW + HOUR);
    const atDeadline = toClaimedJob({ ...claimedAt(job, NOW + HOUR), results }, 'scheduled', NOW + HOUR);
    expect(atDeadline).toMatchObject({ providers: ['gas'], final: true });
  });

  test('is called once more at the deadline, even if its last call ended past it', () => {
    const job = aJob({ deadlineAt: NOW - SECOND });
    const settlement = settlementOf(
      { fetches: [unavailable('gas', dayLongHint), fetched('internet')] },
      { job, settlePolicy: slowPolicy },
    );
    expect(settlement).toMatchObject({ phase: 'FETCHING', dueAt: NOW });
    const { results } = settlement;
    const atDeadline = toClaimedJob({ ...claimedAt(job, NOW), results, claimsSinceOutcome: 1 }, 'scheduled', NOW);
    expect(atDeadline).toMatchObject({ providers: ['gas'], final: true, isAnyWaiting: false });
  });

  test('that was called at the deadline is not called again while an internal fault delays another', () => {
    const job = aJob({ deadlineAt: NOW });
    const fetches = [unavailable('gas', dayLongHint), notAttempted('internet')];
    const { results } = settlementOf(
      { fetches, delivery: NOT_SENT },
      { job, claim: aClaim({ final: true }), settlePolicy: slowPolicy },
    );
    const nextClaim = toClaimedJob({ ...job, results }, 'scheduled', NOW + MINUTE);
    expect(nextClaim).toMatchObject({ providers: ['internet'], isAnyWaiting: true, final: true });
  });

  test('is called at the deadline, even if an internal fault prolonged its wait', () => {
    // The circuit of gas is open for a moment: no call is sent, and the deadline does not move.
    const job = aJob({ deadlineAt: NOW + MINUTE, internalFaults: 9 });
    const neitherCalled = settlementOf({ fetches: [deferred('gas', 5 * SECOND), notAttempted('internet')] }, { job });
    expect(pendingOf(neitherCalled.results, 'internet').retryAt).toBe(NOW + MINUTE);
    // Gas waits until its retry time: the deadline moves by five seconds only.
    const waitingGas: ProviderResult = {
      ...pendingOf(neitherCalled.results, 'gas'),
      retryAt: NOW + 5 * SECOND,
    };
    const internetFaulted = settlementOf(
      { fetches: [notAttempted('internet')] },
      { job: { ...claimedAt({ ...job, claimsSinceOutcome: 0 }, NOW), results: [waitingGas] } },
    );
    expect(internetFaulted).toMatchObject({ dueAt: NOW + 5 * SECOND, deadlineAt: NOW + MINUTE + 5 * SECOND });
    expect(pendingOf(internetFaulted.results, 'internet').retryAt).toBe(internetFaulted.deadlineAt);
  });

  test('keeps its last failure when deferred, with the reason of the deferral', () => {
    const failed = { class: 'timeout', statusCode: 504 } as const;
    const job = jobAfter(aJob(), { fetches: [unavailable('gas', failed), fetched('internet')] });
    const { results } = settlementOf({ fetches: [deferred('gas')] }, { job });
    expect(pendingOf(results, 'gas')).toMatchObject({
      error: failed,
      deferred: { class: 'circuit_open' },
      attempts: 1,
    });
    const afterCall = settlementOf({ fetches: [unavailable('gas')] }, { job: { ...job, results } });
    expect(pendingOf(afterCall.results, 'gas').deferred).toBeUndefined();
  });

  test('that has never failed has the reason of its latest deferral as its error', () => {
    const job = jobAfter(aJob(), { fetches: [deferred('gas'), fetched('internet')] });
    const failure = { class: 'limit_reached', retryAfterMs: 1_000 } as const;
    const { results } = settlementOf({ fetches: [{ kind: 'deferred', providerId: 'gas', failure }] }, { job });
    expect(pendingOf(results, 'gas')).toMatchObject({ attempts: 0, error: failure });
  });

  test('that is deferred shows the failure that opened its circuit, if known', () => {
    const cause = { class: 'bad_status', statusCode: 503 } as const;
    const failure = { class: 'circuit_open', retryAfterMs: 1_000, cause } as const;
    const { results } = settlementOf({
      fetches: [{ kind: 'deferred', providerId: 'gas', failure }, deferred('internet')],
    });
    expect(pendingOf(results, 'gas').deferred).toStrictEqual({ class: 'circuit_open', cause });
    expect(pendingOf(results, 'internet').deferred).toStrictEqual({ class: 'circuit_open' });
  });

  test('that refused stays refused, with its failure', () => {
    const { results } = settlementOf({ fetches: [refused('gas'), unavailable('internet')] });
    const { failure: error } = refused('gas');
    expect(results[0]).toEqual({ providerId: 'gas', status: 'REFUSED', error });
  });

  test('that is not called because of an internal fault has an error of class internal', () => {
    const { results } = settlementOf({ fetches: [fetched('gas'), notAttempted('internet')] });
    expect(pendingOf(results, 'internet')).toMatchObject({ attempts: 0, error: { class: 'internal' } });
    expect(pendingOf(results, 'internet')).not.toHaveProperty('ticket');
  });

  test('that rejects our credential is called again within ten minutes, even if the step of the schedule is longer', () => {
    const failure = { class: 'credential_refused', statusCode: 401, retryAfterMs: DAY } as const;
    const { results } = settlementOf(
      { fetches: [unavailable('gas', failure), fetched('internet')] },
      { settlePolicy: slowPolicy },
    );
    expect(pendingOf(results, 'gas')).toMatchObject({ attempts: 1, retryAt: NOW + 10 * MINUTE });
  });
});

describe('an internal fault', () => {
  test('counts as no fetch attempt and no callback attempt, and logs no attempt', () => {
    expect(settlementOf({ fetches: [notAttempted('gas'), notAttempted('internet')] })).toMatchObject({
      status: 'PENDING',
      phase: 'FETCHING',
      fetchAttempts: 0,
    });
    const callbackJob = aJob({ phase: 'CALLING_BACK', callbackAttempts: 3 });
    const settlement = settlementOf({ fetches: [], delivery: NOT_SENT }, { job: callbackJob });
    expect(settlement).toMatchObject({ status: 'PENDING', callbackAttempts: 0 });
    expect(settlement.attempt).toBeUndefined();
  });

  test('backs off by consecutive faults, from 30 seconds to ten minutes', () => {
    const delays: number[] = [];
    let job = aJob();
    let now = NOW;
    for (let index = 0; index < 7; index += 1) {
      job = jobAfter(claimedAt(job, now), { fetches: [notAttempted('gas'), notAttempted('internet')] }, now);
      delays.push((job.dueAt ?? 0) - now);
      now = job.dueAt ?? 0;
    }
    expect(delays).toEqual([30, 60, 120, 240, 480, 600, 600].map((seconds) => seconds * SECOND));
    expect(internalFaultDelayMs(1, 0.999)).toBeLessThanOrEqual(33_000);
    // A call that is sent resets the count.
    expect(jobAfter(job, { fetches: [unavailable('gas'), fetched('internet')] }, now).internalFaults).toBe(0);
  });

  test('backs off from 30 seconds to ten minutes near the deadline too, and moves the deadline by as much', () => {
    let job = aJob({ deadlineAt: NOW + 5 * SECOND, claimsSinceOutcome: 0 });
    let now = NOW;
    const delays: number[] = [];
    for (let index = 0; index < 7; index += 1) {
      job = jobAfter(claimedAt(job, now), { fetches: [notAttempted('gas'), notAttempted('internet')] }, now);
      delays.push((job.dueAt ?? 0) - now);
      now = job.dueAt ?? 0;
      expect(job.deadlineAt - now).toBe(5 * SECOND);
    }
    expect(delays).toEqual([30, 60, 120, 240, 480, 600, 600].map((seconds) => seconds * SECOND));
  });

  test("that delays claims moves the deadline by the time the jobs were due; a minute's delay does not", () => {
    const due = aJob({ deadlineAt: NOW + DAY, claimsSinceOutcome: 0, dueAt: NOW });
    const claimedAfter = (ms: number) => ({
      ...claimedAt({ ...due, heldSince: NOW }, NOW + ms),
      claimsSinceOutcome: 1,
    });
    const twoDaysLate = claimedAfter(2 * DAY);
    expect(toClaimedJob(twoDaysLate, 'scheduled', NOW + 2 * DAY).final).toBe(false);
    const settled = jobAfter(twoDaysLate, { fetches: [unavailable('gas'), fetched('internet')] }, NOW + 2 * DAY);
    expect(settled.deadlineAt).toBe(NOW + 3 * DAY);
    const aMinuteLate = claimedAfter(MINUTE);
    expect(jobAfter(aMinuteLate, { fetches: [unavailable('gas'), fetched('internet')] }, NOW + MINUTE).deadlineAt).toBe(
      NOW + DAY,
    );
    // The receiver is also abandoned later.
    const callingBack = { ...twoDaysLate, phase: 'CALLING_BACK' as const, callbackDeadlineAt: NOW + HOUR };
    const outcome = settlementOf(
      { fetches: [], delivery: deferredCallback() },
      { job: callingBack, now: NOW + 2 * DAY },
    );
    expect(outcome).toMatchObject({ status: 'PENDING', callbackDeadlineAt: NOW + 2 * DAY + HOUR });
  });

  test('leaves the job fetching, even at the deadline', () => {
    const claim = aClaim({ final: true });
    const fetches = [notAttempted('gas'), fetched('internet')];
    const settlement = settlementOf({ fetches, delivery: NOT_SENT }, { claim, job: aJob({ deadlineAt: NOW }) });
    expect(settlement).toMatchObject({
      status: 'PENDING',
      phase: 'FETCHING',
      callbackAttempts: 0,
      dueAt: NOW + 30_000,
    });
  });

  test('moves the deadline by its duration, so that after 48 hours a job has the same time left', () => {
    let job = aJob({ deadlineAt: NOW + DAY });
    let now = NOW;
    while (now < NOW + 2 * DAY) {
      job = jobAfter(claimedAt(job, now), { fetches: [notAttempted('gas'), notAttempted('internet')] }, now);
      now = job.dueAt ?? 0;
    }
    expect(job.deadlineAt - now).toBe(DAY);
    expect(toClaimedJob(claimedAt(job, now), 'scheduled', now).final).toBe(false);
  });

  test('moves the deadline even if executions disappear', () => {
    let job = claimedAt(aJob({ deadlineAt: NOW + DAY, claimsSinceOutcome: 0 }), NOW);
    for (let hour = 1; hour <= 48; hour += 1) job = claimedAt(job, NOW + hour * HOUR);
    const now = NOW + 2 * DAY;
    expect(toClaimedJob(job, 'scheduled', now).final).toBe(false);
    const settled = jobAfter(job, { fetches: [unavailable('gas'), fetched('internet')] }, now);
    expect(settled.deadlineAt).toBe(NOW + 3 * DAY);
  });

  test('moves the time at which a receiver is abandoned', () => {
    const job = aJob({
      phase: 'CALLING_BACK',
      callbackDeadlineAt: NOW + MINUTE,
      updatedAt: NOW - HOUR,
      claimsSinceOutcome: 0,
    });
    const settled = jobAfter(claimedAt(job, NOW), { fetches: [], delivery: NOT_SENT }, NOW + SECOND);
    expect(settled.callbackDeadlineAt).toBe(NOW + MINUTE + 31 * SECOND);
    const claimedTwice = claimedAt(claimedAt(job, NOW), NOW + HOUR);
    const outcome = settlementOf({ fetches: [], delivery: deferredCallback() }, { job: claimedTwice, now: NOW + HOUR });
    expect(outcome).toMatchObject({ status: 'PENDING', callbackDeadlineAt: NOW + MINUTE + HOUR });
  });

  test('moves the deadline that caps a Retry-After', () => {
    const job = aJob({ deadlineAt: NOW + MINUTE, claimsSinceOutcome: 2, heldSince: NOW - HOUR });
    const { results } = settlementOf(
      { fetches: [unavailable('gas', dayLongHint), fetched('internet')] },
      { job, settlePolicy: slowPolicy },
    );
    expect(pendingOf(results, 'gas').retryAt).toBe(NOW + MINUTE + HOUR);
  });

  test('before the first callback does not move the callback deadline', () => {
    const job = claimedAt(aJob({ phase: 'CALLING_BACK', claimsSinceOutcome: 0, updatedAt: NOW - HOUR }), NOW - HOUR);
    expect(settlementOf({ fetches: [], delivery: NOT_SENT }, { job }).callbackDeadlineAt).toBe(NOW + policy.patienceMs);
  });

  test('of one provider does not move the deadline if another provider was called', () => {
    const job = claimedAt(aJob({ deadlineAt: NOW + DAY, claimsSinceOutcome: 0 }), NOW);
    const settlement = settlementOf({ fetches: [notAttempted('gas'), unavailable('internet')] }, { job });
    expect(settlement.deadlineAt).toBeUndefined();
    expect(settlement).toMatchObject({ fetchAttempts: 1, internalFaults: 1 });
  });

  test('ends a job after over 20 claims and over a week, never by one of the two alone', () => {
    const failureCodeAfter = (claimsSinceOutcome: number, ms: number) =>
      reasonToAbandon(aJob({ claimsSinceOutcome }), false, NOW + ms)?.code;
    expect(failureCodeAfter(1_000, 7 * DAY)).toBeUndefined();
    expect(failureCodeAfter(20, 30 * DAY)).toBeUndefined();
    expect(failureCodeAfter(21, 7 * DAY + 1)).toBe('NEVER_SETTLED');
    expect(reasonToAbandon(aJob(), true, NOW)?.code).toBe('CLIENT_REVOKED');
  });

  test('prolongs the lease with every claim without an outcome, up to an hour', () => {
    const leasesMs = [holdMs(6 * MINUTE, undefined)];
    for (let claims = 2; claims <= 6; claims += 1) leasesMs.push(holdMs(6 * MINUTE, leasesMs.at(-1)));
    expect(leasesMs.map((ms) => ms / MINUTE)).toEqual([6, 12, 24, 48, 60, 60]);
    expect(holdMs(2 * HOUR, 2 * HOUR)).toBe(2 * HOUR);
  });
});

describe('when the callback is delivered', () => {
  test.each([
    ['COMPLETE', bothFetched],
    ['PARTIAL', [fetched('gas'), refused('internet')]],
    ['PARTIAL', [refused('gas'), refused('internet')]],
  ] as const)('a job is %s', (status, fetches) => {
    const settlement = settlementOf({ fetches: [...fetches], delivery: DELIVERED });
    expect(settlement).toMatchObject({ status, callbackAttempts: 1, expiresAt: NOW / 1000 + 3_600 });
    expect(settlement.dueAt).toBeUndefined();
  });

  test('a job at the deadline is PARTIAL, with the results so far', () => {
    const fetches = [fetched('gas'), unavailable('internet')];
    expect(settlementOf({ fetches, delivery: DELIVERED }, { claim: aClaim({ final: true }) }).status).toBe('PARTIAL');
  });
});

describe('when the callback fails', () => {
  test('the results are frozen, and the schedule restarts', () => {
    const job = aJob({ fetchAttempts: 7 });
    const settlement = settlementOf({ fetches: bothFetched, delivery: failedCallback() }, { job });
    expect(settlement).toMatchObject({
      phase: 'CALLING_BACK',
      status: 'PENDING',
      dueAt: NOW + 1_000,
      callbackAttempts: 1,
    });
  });

  test('a job fails when the schedule is used up, and not before', () => {
    const failureCodes = [0, 1, 2, 3].map((callbackAttempts) => {
      const job = aJob({ phase: 'CALLING_BACK', callbackAttempts });
      return settlementOf({ fetches: [], delivery: failedCallback() }, { job }).failure?.code;
    });
    expect(failureCodes).toEqual([undefined, undefined, undefined, 'CALLBACK_EXHAUSTED']);
  });

  test.each([
    ['gone', 'CALLBACK_GONE', 1],
    ['too_large', 'CALLBACK_TOO_LARGE', 0],
    ['client_revoked', 'CLIENT_REVOKED', 0],
  ] as const)(
    '%s ends the job at once, and counts as an attempt only if a call was sent',
    (reason, code, callbackAttempts) => {
      const failure = { class: reason, ...(reason === 'gone' && { statusCode: 410 }) };
      const settlement = settlementOf({ fetches: bothFetched, delivery: { kind: 'refused', reason, failure } });
      expect(settlement).toMatchObject({ status: 'FAILED', failure: { code }, callbackAttempts });
      expect(settlement.dueAt).toBeUndefined();
    },
  );

  test("a receiver's Retry-After is followed, and moves the callback deadline by as much", () => {
    const job = aJob({ phase: 'CALLING_BACK', callbackDeadlineAt: NOW + MINUTE });
    const withHint = failedCallback({ class: 'bad_status', statusCode: 503, retryAfterMs: 50_000 });
    const settlement = settlementOf({ fetches: [], delivery: withHint }, { job });
    expect(settlement).toMatchObject({ dueAt: NOW + 50_000, callbackDeadlineAt: NOW + MINUTE + 49_000 });
    const withoutHint = settlementOf({ fetches: [], delivery: failedCallback() }, { job });
    expect(withoutHint.callbackDeadlineAt).toBe(NOW + MINUTE);
  });

  test('a pending job has a due time and no expiry, and an ended job has an expiry and no due time', () => {
    const deliveries = fc.constantFrom<CallbackOutcome>(
      DELIVERED,
      failedCallback(),
      deferredCallback(),
      NOT_SENT,
      { kind: 'resultMissing', providerId: 'gas' },
      { kind: 'refused', reason: 'gone', failure: { class: 'gone', statusCode: 410 } },
    );
    const fetches = fc.constantFrom<FetchOutcome>(
      fetched('gas'),
      unavailable('gas'),
      deferred('gas'),
      notAttempted('gas'),
    );
    fc.assert(
      fc.property(deliveries, fetches, fc.nat(6), fc.boolean(), (delivery, fetch, callbackAttempts, final) => {
        const settlement = settlementOf(
          { fetches: [fetch, fetched('internet')], delivery },
          { job: aJob({ callbackAttempts }), claim: aClaim({ final }) },
        );
        expect(settlement.status === 'PENDING').toBe(settlement.dueAt !== undefined);
        expect(settlement.status === 'PENDING').toBe(settlement.expiresAt === undefined);
      }),
    );
  });
});

describe('a result that is no longer stored', () => {
  const resultMissing = { kind: 'resultMissing', providerId: 'gas' } as const;
  const storedResults: ProviderResult[] = [
    { providerId: 'gas', status: 'FETCHED', fetchedAt: NOW, bytes: 9 },
    { providerId: 'internet', status: 'FETCHED', fetchedAt: NOW, bytes: 9 },
  ];

  test('is fetched again on schedule while the job is fetching', () => {
    const job = aJob({ results: storedResults.slice(0, 1), fetchAttempts: 1 });
    const settlement = settlementOf({ fetches: [fetched('internet')], delivery: resultMissing }, { job });
    expect(settlement).toMatchObject({ status: 'PENDING', phase: 'FETCHING', dueAt: NOW + 5_000 });
    const settledJob = { ...claimedAt(job, NOW + 5_000), results: settlement.results };
    expect(toClaimedJob(settledJob, 'scheduled', NOW + 5_000).providers).toEqual(['gas']);
    // The provider did not fail, so its schedule begins with the first step.
    expect(pendingOf(settlement.results, 'gas').attempts).toBe(0);
  });

  test('becomes an error result once the deadline has passed', () => {
    const job = aJob({ results: storedResults });
    const settlement = settlementOf({ fetches: [], delivery: resultMissing }, { job, claim: aClaim({ final: true }) });
    // Counts as the first internal fault, which delays the callback by 30 seconds.
    const callbackState = { dueAt: NOW + 30 * SECOND, callbackDeadlineAt: NOW + policy.patienceMs };
    expect(settlement).toMatchObject({ status: 'PENDING', phase: 'CALLING_BACK', ...callbackState });
    expect(pendingOf(settlement.results, 'gas').error).toEqual({ class: 'result_missing' });
  });

  test('ends a job in CALLING_BACK, and becomes UNAVAILABLE for a redrive to fetch again', () => {
    const job = aJob({ phase: 'CALLING_BACK', results: storedResults });
    const settlement = settlementOf({ fetches: [], delivery: resultMissing }, { job });
    expect(settlement).toMatchObject({ status: 'FAILED', failure: { code: 'RESULT_MISSING' }, callbackAttempts: 0 });
    expect(settlement.results.map(({ status }) => status)).toEqual(['UNAVAILABLE', 'FETCHED']);
  });
});

describe('a job that fails', () => {
  const callbackJob = aJob({ phase: 'CALLING_BACK', callbackAttempts: 3, callbackDeadlineAt: NOW });
  const refusal = (reason: 'gone' | 'too_large' | 'client_revoked'): CallbackOutcome => ({
    kind: 'refused',
    reason,
    failure: { class: reason },
  });

  test.each<[string, CallbackOutcome, RegExp]>([
    ['its callback schedule is used up', failedCallback(), /4 times/],
    ['its callback is still deferred at the deadline', deferredCallback(), /still deferred/],
    ['its receiver answers 410 Gone', refusal('gone'), /410/],
    ['its callback is too large', refusal('too_large'), /exceed the maximum/],
    ['its client is revoked', refusal('client_revoked'), /revoked/],
    ['a stored result is missing', { kind: 'resultMissing', providerId: 'gas' }, /gas/],
  ])('has a sentence with the reason as its failure message when %s', (_case, delivery, words) => {
    const { status, failure } = settlementOf({ fetches: [], delivery }, { job: callbackJob });
    expect(status).toBe('FAILED');
    expect(failure?.message).toMatch(words);
    expect(failure?.message).toMatch(/^[A-Z].*\.$/);
  });

  test('without a call in its last execution still logs an attempt, so that the history includes its end', () => {
    const { attempt, status } = settlementOf({ fetches: [], delivery: deferredCallback() }, { job: callbackJob });
    expect(status).toBe('FAILED');
    expect(attempt?.callback).toMatchObject({ status: 'FAILED', class: 'circuit_open' });
  });

  test('when it is claimed keeps its results, logs the claim, and expires after the retention', () => {
    const results: ProviderResult[] = [{ providerId: 'gas', status: 'FETCHED', fetchedAt: NOW, bytes: 9 }];
    const job = aJob({ results, claimsSinceOutcome: 21, updatedAt: NOW - 8 * DAY });
    const failure = reasonToAbandon(job, false, NOW);
    expect(failure?.message).toMatch(/21 times/);
    const claim = aClaim({ claims: 21, trigger: 'scheduled' });
    expect(failure && abandon(job, claim, failure, NOW, policy)).toStrictEqual({
      status: 'FAILED',
      phase: 'FETCHING',
      results,
      attempt: { number: 21, trigger: 'scheduled', endedAt: NOW, fetches: [] },
      fetchAttempts: 0,
      callbackAttempts: 0,
      updatedAt: NOW,
      failure,
      endedAt: NOW,
      expiresAt: NOW / 1000 + 3_600,
    });
  });
});

test('jitter adds up to a tenth of a step, and never shortens it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempts, random) => {
      const step = policy.schedule.stepsMs[Math.min(attempts, 3) - 1] ?? 0;
      const delay = retryDelayMs(policy.schedule, attempts, undefined, random);
      expect(delay).toBeGreaterThanOrEqual(step);
      expect(delay).toBeLessThanOrEqual(step * 1.1);
    }),
  );
});

describe('a deferred call', () => {
  const callbackJob = aJob({ phase: 'CALLING_BACK', callbackAttempts: 2 });
  const deliver = (outcome: CallbackOutcome, job = callbackJob, now = NOW) =>
    settlementOf({ fetches: [], delivery: outcome }, { job, now, random: 0.5 });

  test('to a receiver shows the failure that opened its circuit, if known', () => {
    const cause = { class: 'timeout' } as const;
    const failure = { class: 'circuit_open', retryAfterMs: 1_000, cause } as const;
    expect(deliver({ kind: 'deferred', failure }).callbackDeferred).toStrictEqual({ class: 'circuit_open', cause });
    expect(deliver(deferredCallback()).callbackDeferred).toStrictEqual({ class: 'circuit_open' });
  });

  test('counts as no attempt, and is due at its retry time plus jitter', () => {
    const settlement = settlementOf(
      { fetches: [deferred('gas', 90_000), deferred('internet', 40_000)] },
      { random: 0.5 },
    );
    expect(settlement).toMatchObject({ status: 'PENDING', fetchAttempts: 0, dueAt: NOW + 42_000 });
    expect(settlement.attempt).toBeUndefined();
    for (const failureClass of ['circuit_open', 'paused'] as const) {
      expect(deliver(deferredCallback(90_000, failureClass))).toMatchObject({
        status: 'PENDING',
        callbackAttempts: 0,
        dueAt: NOW + 94_500,
        callbackDeferred: { class: failureClass },
      });
    }
  });

  test('with the shortest Retry-After decides when the job is due', () => {
    const { dueAt } = settlementOf({ fetches: [deferred('gas', 500_000), deferred('internet', 40_000)] });
    expect(dueAt).toBe(NOW + 40_000);
  });

  test('does not delay a provider of the same job that was called', () => {
    const settlement = settlementOf({ fetches: [deferred('gas', 500_000), unavailable('internet')] });
    expect(settlement).toMatchObject({ fetchAttempts: 1, dueAt: NOW + 1_000 });
  });

  test('waits no longer than the fetch deadline', () => {
    const job = aJob({ deadlineAt: NOW + 5_000 });
    expect(settlementOf({ fetches: [deferred('gas', 90_000), fetched('internet')] }, { job }).dueAt).toBe(NOW + 5_000);
  });

  test('to a failing receiver ends the job at the callback deadline, unless callbacks are paused', () => {
    const { callbackDeadlineAt = 0 } = deliver(deferredCallback());
    expect(callbackDeadlineAt).toBe(NOW + policy.patienceMs);
    const job = { ...callbackJob, callbackDeadlineAt };
    expect(deliver(deferredCallback(), job, callbackDeadlineAt - 1).status).toBe('PENDING');
    expect(deliver(deferredCallback(60_000, 'paused'), job, callbackDeadlineAt).status).toBe('PENDING');
    expect(deliver(deferredCallback(), job, callbackDeadlineAt)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'CALLBACK_EXHAUSTED' },
      callbackAttempts: 0,
    });
  });
});

describe('the lifetime of a stored result', () => {
  const deployed: SettlePolicy = {
    schedule: { stepsMs: [30 * SECOND, DAY] },
    patienceMs: 2 * DAY,
    retentionMs: DAY,
  };

  test('covers the deadline, the longest callbacks, the patience, the retention and a week of internal faults', () => {
    const job = aJob({ deadlineAt: NOW + DAY });
    const days = (keptUntil(job, NOW, deployed) * 1000 - NOW) / DAY;
    expect(days).toBeCloseTo(1 + 2 * 1.1 + 2 + 1 + 7, 5);
    expect(firstKeptUntil(NOW, DAY, deployed)).toBe(keptUntil(job, NOW, deployed));
  });

  test('is shorter once the results are frozen: the fetch deadline and later callbacks no longer count', () => {
    const daysLeft = (callbackAttempts: number) => {
      const job = aJob({ phase: 'CALLING_BACK', callbackAttempts, deadlineAt: NOW + 30 * DAY });
      return (keptUntil(job, NOW, deployed) * 1000 - NOW) / DAY;
    };
    expect(daysLeft(0)).toBeCloseTo(2 * 1.1 + 2 + 1 + 7, 5);
    expect(daysLeft(1)).toBeCloseTo(1 * 1.1 + 2 + 1 + 7, 5);
    expect(daysLeft(5)).toBeCloseTo(2 + 1 + 7, 5);
  });

  test('is not renewed for a job without internal faults, even if each failure has a Retry-After of a day', () => {
    const stored = { keptUntil: firstKeptUntil(NOW, DAY, deployed) };
    let job = aJob({ deadlineAt: NOW + DAY });
    let now = NOW;
    const outcomes: Outcomes[] = [
      { fetches: [unavailable('gas', dayLongHint), fetched('internet')] },
      { fetches: [fetched('gas')], delivery: failedCallback(dayLongHint) },
      { fetches: [], delivery: failedCallback(dayLongHint) },
    ];
    for (const outcome of outcomes) {
      job = jobAfter(claimedAt(job, now), outcome, now, deployed);
      expect(couldOutlive(stored, job, now, deployed)).toBe(false);
      now = job.dueAt ?? 0;
    }
  });

  test('is renewed when half of the reserve for internal faults is used up, or when its expiry is unknown', () => {
    const stored = { keptUntil: firstKeptUntil(NOW, DAY, deployed) };
    const withDeadlineMoved = (days: number) => aJob({ deadlineAt: NOW + DAY + days * DAY });
    expect(couldOutlive(stored, withDeadlineMoved(3.4), NOW, deployed)).toBe(false);
    expect(couldOutlive(stored, withDeadlineMoved(3.6), NOW, deployed)).toBe(true);
    expect(couldOutlive({}, aJob(), NOW, deployed)).toBe(true);
  });
});

describe('the log of an attempt', () => {
  const claim = { claims: 3, trigger: 'scheduled' as const, final: false };
  const failure = {
    class: 'bad_status',
    statusCode: 500,
    startedAt: NOW - 900,
    durationMs: 7,
    tries: 3,
    excerpt: 'x'.repeat(150),
  } as const;

  test('has its start and end, the result of each call, and the next due time', () => {
    const internetFetch = { ...fetched('internet'), fetchedAt: NOW - 500, durationMs: 1_500 };
    const { attempt, dueAt } = settle(
      aJob(),
      claim,
      { fetches: [unavailable('gas', failure), internetFetch] },
      NOW,
      0,
      policy,
    );
    expect(attempt).toMatchObject({
      number: 3,
      trigger: 'scheduled',
      startedAt: NOW - 2_000,
      endedAt: NOW,
      nextAttemptAt: dueAt,
    });
    expect(attempt?.fetches).toMatchObject([
      { status: 'FAILED', class: 'bad_status', statusCode: 500, startedAt: NOW - 900, durationMs: 7, tries: 3 },
      { status: 'OK', startedAt: NOW - 2_000, durationMs: 1_500 },
    ]);
    expect(attempt?.fetches[0]?.excerpt).toHaveLength(100);
  });

  test('has a failed callback, including one with a missing result', () => {
    const attemptOf = (delivery: CallbackOutcome) =>
      settle(aJob({ phase: 'CALLING_BACK' }), claim, { fetches: [], delivery }, NOW, 0, policy).attempt;
    expect(attemptOf(failedCallback(failure))).toMatchObject({
      startedAt: NOW - 900,
      callback: { status: 'FAILED', class: 'bad_status', statusCode: 500, startedAt: NOW - 900, durationMs: 7 },
    });
    const attemptWithMissingResult = attemptOf({ kind: 'resultMissing', providerId: 'gas' });
    expect(attemptWithMissingResult).toMatchObject({
      startedAt: NOW,
      callback: { status: 'FAILED', class: 'result_missing' },
    });
    const delivered = { ...DELIVERED, durationMs: 5 };
    expect(attemptOf(delivered)?.startedAt).toBe(NOW - 5);
  });

  test('has a provider that is still working, and starts at its own end if the call times are unknown', () => {
    const fetches = [working('gas'), unavailable('internet')];
    const { attempt } = settle(aJob(), claim, { fetches }, NOW, 0, policy);
    expect(attempt).toMatchObject({ startedAt: NOW, fetches: [{ status: 'FAILED', class: 'still_working' }, {}] });
  });

  test('has no time of a next attempt when the job has ended', () => {
    const delivery = { ...DELIVERED, durationMs: 5 };
    const { attempt } = settle(aJob({ phase: 'CALLING_BACK' }), claim, { fetches: [], delivery }, NOW, 0, policy);
    expect(attempt?.nextAttemptAt).toBeUndefined();
    expect(attempt?.callback).toMatchObject({ status: 'OK', startedAt: NOW - 5 });
  });

  test('counts the calls of a callback', () => {
    const delivery = { ...DELIVERED, tries: 2 };
    const { attempt } = settle(aJob({ phase: 'CALLING_BACK' }), claim, { fetches: [], delivery }, NOW, 0, policy);
    expect(attempt?.callback).toMatchObject({ tries: 2 });
  });
});
