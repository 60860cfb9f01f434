import { retryDelayMs } from '@boomerang/core/domain/schedule.ts';
import { type Outcomes, settle } from '@boomerang/core/domain/settle.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { aClaim, aJob, caught, fetched, NOW, refused, unavailable } from '../builders.ts';

const policy = { schedule: { stepsMs: [1_000, 5_000, 60_000] as const }, patienceMs: 600_000, retentionMs: 3_600_000 };
const both = [fetched('gas'), fetched('internet')];

const run = (outcomes: Outcomes, { job = aJob(), claim = aClaim(), now = NOW, random = 0 } = {}) =>
  settle(job, claim, outcomes, now, random, policy);

const failedWith = (name: string, failure?: Parameters<typeof caught>[1]) =>
  ({ delivered: false, error: caught(name, failure) }) as const;
const delivered = { delivered: true, statusCode: 200, durationMs: 1 } as const;

describe('while fetching', () => {
  test('a job that misses a provider is due after the step of the schedule', () => {
    const settlement = run({ fetches: [fetched('gas'), unavailable('internet')] });
    expect(settlement).toMatchObject({ status: 'PENDING', phase: 'FETCHING', dueAt: NOW + 1_000, fetchAttempts: 1 });
    expect(settlement.results.map((result) => result.status)).toEqual(['FETCHED', 'UNAVAILABLE']);
  });

  test('Retry-After prolongs a step, up to the longest', () => {
    const hinted = (retryAfterMs: number) =>
      run({ fetches: [unavailable('gas', { class: 'bad_status', retryAfterMs })] }).dueAt;
    expect([hinted(10), hinted(20_000), hinted(10 ** 9)]).toEqual([NOW + 1_000, NOW + 20_000, NOW + 60_000]);
  });

  test('it is never due later than its deadline', () => {
    fc.assert(
      fc.property(
        fc.nat(200_000),
        fc.nat(50),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (left, attempts, random) => {
          const job = aJob({ deadlineAt: NOW + left, fetchAttempts: attempts });
          const { dueAt } = run({ fetches: [unavailable('gas')] }, { job, random });
          expect(dueAt).toBeGreaterThanOrEqual(NOW);
          expect(dueAt).toBeLessThanOrEqual(NOW + left);
        },
      ),
    );
  });

  test('what was given is never lost or replaced, whatever comes later', () => {
    const outcome = fc.constantFrom(fetched, refused, unavailable);
    fc.assert(
      fc.property(fc.array(fc.tuple(outcome, outcome), { minLength: 1, maxLength: 10 }), (rounds) => {
        let job = aJob();
        for (const [gas, internet] of rounds) {
          const { results } = run({ fetches: [gas('gas'), internet('internet')] }, { job });
          for (const before of job.results) if (before.status === 'FETCHED') expect(results).toContainEqual(before);
          job = { ...job, results };
        }
      }),
    );
  });
});

describe('when the callback is delivered', () => {
  test.each([
    ['COMPLETE', both],
    ['PARTIAL', [fetched('gas'), refused('internet')]],
    ['PARTIAL', [refused('gas'), refused('internet')]],
  ] as const)('a job is %s', (status, fetches) => {
    const settlement = run({ fetches: [...fetches], delivery: delivered });
    expect(settlement).toMatchObject({ status, callbackAttempts: 1, expiresAt: NOW / 1000 + 3_600 });
    expect(settlement.dueAt).toBeUndefined();
  });

  test('a job is over even when that could not be written', () => {
    expect(run({ fetches: both, delivery: failedWith('OutcomeNotSaved') }).status).toBe('COMPLETE');
  });

  test('at the deadline, with what there is, a job is PARTIAL', () => {
    const fetches = [fetched('gas'), unavailable('internet')];
    expect(run({ fetches, delivery: delivered }, { claim: aClaim({ final: true }) }).status).toBe('PARTIAL');
  });
});

describe('when the callback fails', () => {
  test('the results are frozen, and the schedule begins anew', () => {
    const job = aJob({ fetchAttempts: 7 });
    const settlement = run({ fetches: both, delivery: failedWith('CallbackUnavailable') }, { job });
    expect(settlement).toMatchObject({
      phase: 'CALLING_BACK',
      status: 'PENDING',
      dueAt: NOW + 1_000,
      callbackAttempts: 1,
    });
  });

  test('a job fails when the list is used up, and not before', () => {
    const ends = [0, 1, 2, 3].map((callbackAttempts) => {
      const job = aJob({ phase: 'CALLING_BACK', callbackAttempts });
      return run({ fetches: [], delivery: failedWith('CallbackRejected') }, { job }).failure?.code;
    });
    expect(ends).toEqual([undefined, undefined, undefined, 'CALLBACK_EXHAUSTED']);
  });

  test.each([
    ['gone', 'CALLBACK_GONE'],
    ['too_large', 'CALLBACK_TOO_LARGE'],
  ] as const)('class %s ends it at once', (failureClass, code) => {
    const settlement = run({ fetches: both, delivery: failedWith('CallbackRejected', { class: failureClass }) });
    expect(settlement).toMatchObject({ status: 'FAILED', failure: { code } });
    expect(settlement.dueAt).toBeUndefined();
  });

  test.each(['LeaseLost', 'Lambda.TooManyRequestsException'])(
    '%s, which is our own doing, counts for nothing',
    (name) => {
      const job = aJob({ phase: 'CALLING_BACK', callbackAttempts: 3 });
      const settlement = run({ fetches: [], delivery: failedWith(name) }, { job });
      expect(settlement).toMatchObject({ status: 'PENDING', callbackAttempts: 0 });
      expect(settlement.dueAt).toBeDefined();
    },
  );

  test('a job is either over and expires, or due and does not', () => {
    const names = fc.constantFrom(
      'CallbackUnavailable',
      'CallbackThrottled',
      'CallbackRejected',
      'LeaseLost',
      'States.Timeout',
    );
    fc.assert(
      fc.property(names, fc.nat(6), fc.boolean(), (name, callbackAttempts, final) => {
        const settlement = run(
          { fetches: [unavailable('gas'), fetched('internet')], delivery: failedWith(name) },
          { job: aJob({ callbackAttempts }), claim: aClaim({ final }) },
        );
        expect(settlement.status === 'PENDING').toBe(settlement.dueAt !== undefined);
        expect(settlement.status === 'PENDING').toBe(settlement.expiresAt === undefined);
      }),
    );
  });
});

test('jitter adds up to a tenth, and never takes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempts, random) => {
      const step = policy.schedule.stepsMs[Math.min(attempts, 3) - 1] ?? 0;
      const delay = retryDelayMs(policy.schedule, attempts, undefined, random);
      expect(delay).toBeGreaterThanOrEqual(step);
      expect(delay).toBeLessThanOrEqual(step * 1.1);
    }),
  );
});

describe('a call that was put off', () => {
  const parked = (name: string, retryAfterMs?: number) => caught(name, { class: 'circuit_open', retryAfterMs });
  const off = (providerId: string, retryAfterMs?: number) => ({
    providerId,
    status: 'UNAVAILABLE' as const,
    error: parked('ProviderCircuitOpen', retryAfterMs),
  });
  const frozen = aJob({ phase: 'CALLING_BACK', callbackAttempts: 2 });
  const claimed = { claims: 3, trigger: 'scheduled' as const, final: false };
  const deliver = (name: string, job = frozen, now = NOW) =>
    settle(
      job,
      claimed,
      { fetches: [], delivery: { delivered: false, error: parked(name, 90_000) } },
      now,
      0.5,
      policy,
    );

  test('burns no attempt, and comes back when it may be worth it, a little spread', () => {
    const settlement = settle(
      aJob(),
      claimed,
      { fetches: [off('gas', 90_000), off('internet', 40_000)] },
      NOW,
      0.5,
      policy,
    );
    expect(settlement).toMatchObject({ status: 'PENDING', fetchAttempts: 0, dueAt: NOW + 42_000 });
    for (const name of ['CallbackCircuitOpen', 'Paused']) {
      expect(deliver(name)).toMatchObject({ status: 'PENDING', callbackAttempts: 0, dueAt: NOW + 94_500 });
    }
  });

  test('does not hold up a provider of the same job that was asked', () => {
    const settlement = settle(
      aJob(),
      claimed,
      { fetches: [off('gas', 500_000), unavailable('internet')] },
      NOW,
      0,
      policy,
    );
    expect(settlement).toMatchObject({ fetchAttempts: 1, dueAt: NOW + 1_000 });
  });

  test('waits no longer than the fetching deadline', () => {
    const job = aJob({ deadlineAt: NOW + 5_000 });
    expect(settle(job, claimed, { fetches: [off('gas', 90_000)] }, NOW, 0, policy).dueAt).toBe(NOW + 5_000);
  });

  test('to a receiver that never comes back ends the job, but not while we have paused', () => {
    const { callbackDeadlineAt = 0 } = deliver('CallbackCircuitOpen');
    expect(callbackDeadlineAt).toBe(NOW + policy.patienceMs);
    const job = { ...frozen, callbackDeadlineAt };
    expect(deliver('CallbackCircuitOpen', job, callbackDeadlineAt - 1).status).toBe('PENDING');
    expect(deliver('Paused', job, callbackDeadlineAt).status).toBe('PENDING');
    expect(deliver('CallbackCircuitOpen', job, callbackDeadlineAt)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'CALLBACK_EXHAUSTED' },
    });
  });
});

describe('the log of an attempt', () => {
  const claimed = { claims: 3, trigger: 'scheduled' as const, final: false };
  const failure = {
    class: 'bad_status',
    statusCode: 500,
    startedAt: NOW - 900,
    durationMs: 7,
    tries: 3,
    excerpt: 'x'.repeat(150),
  } as const;

  test('says when it began and ended, what each call came to, and when the next is due', () => {
    const slow = { ...fetched('internet'), fetchedAt: NOW - 500, durationMs: 1_500 };
    const { attempt, dueAt } = settle(
      aJob(),
      claimed,
      { fetches: [unavailable('gas', failure), slow] },
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
    expect(attempt.fetches).toMatchObject([
      { status: 'FAILED', class: 'bad_status', statusCode: 500, startedAt: NOW - 900, durationMs: 7, tries: 3 },
      { status: 'OK', startedAt: NOW - 2_000, durationMs: 1_500 },
    ]);
    expect(attempt.fetches[0]?.excerpt).toHaveLength(100);
  });

  test('names no next attempt when there is none', () => {
    const delivery = { delivered: true, statusCode: 200, durationMs: 5 } as const;
    const { attempt } = settle(aJob({ phase: 'CALLING_BACK' }), claimed, { fetches: [], delivery }, NOW, 0, policy);
    expect(attempt.nextAttemptAt).toBeUndefined();
    expect(attempt.callback).toMatchObject({ status: 'OK', startedAt: NOW - 5 });
  });

  test('tells how often a callback was tried', () => {
    const delivery = { delivered: true, statusCode: 200, durationMs: 5, tries: 2 } as const;
    const { attempt } = settle(aJob({ phase: 'CALLING_BACK' }), claimed, { fetches: [], delivery }, NOW, 0, policy);
    expect(attempt.callback).toMatchObject({ tries: 2 });
  });
});
