import { type Job, toClaimedJob } from '@boomerang/core/domain/job.ts';
import { isExhausted, retryDelayMs } from '@boomerang/core/domain/schedule.ts';
import { type Delivery, type Settlement, settle } from '@boomerang/core/domain/settle.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { aJob, caught, fetched, LEASE_MS, NOW, refused, unavailable } from '../builders.ts';

/** Whole lives of jobs: claim by claim, whatever the third parties do. */

const steps = [1_000, 5_000, 60_000] as const;
const policy = { schedule: { stepsMs: steps }, patienceMs: 600_000, retentionMs: 3_600_000 };
const DEADLINE_MS = 300_000;

/** What the world does in one execution. */
type Turn = {
  gives: ('fetched' | 'refused' | 'unavailable')[];
  callback: string;
  random: number;
  retryAfterMs: number;
};
type Lived = { job: Job; settlement: Settlement; now: number };

const give = { fetched, refused, unavailable };

const callbackOf = ({ callback, retryAfterMs }: Turn): Delivery => {
  if (callback === 'delivered') return { delivered: true, statusCode: 200, durationMs: 1 };
  if (callback === 'gone') return { delivered: false, error: caught('CallbackRejected', { class: 'gone' }) };
  return { delivered: false, error: caught(callback, { class: 'bad_status', retryAfterMs }) };
};

/** Lives through a job, each turn when it is due; the last turn repeats. Gives each job with what was made of it. */
const live = (turns: Turn[], limit = 200): Lived[] => {
  const lived: Lived[] = [];
  let job = aJob({ deadlineAt: NOW + DEADLINE_MS });
  let now = NOW;
  for (let index = 0; index < limit; index += 1) {
    const turn = turns[Math.min(index, turns.length - 1)] as Turn;
    const claimed = toClaimedJob(job, 'scheduled', now);
    const fetches = claimed.providers.map((id, place) => give[turn.gives[place] ?? 'fetched'](id));
    // As the state machine's Choice does.
    const isReady = claimed.final || fetches.every((outcome) => outcome.status !== 'UNAVAILABLE');
    const outcomes = { fetches, delivery: isReady ? callbackOf(turn) : undefined };
    const settlement = settle(job, claimed, outcomes, now, turn.random, policy);
    lived.push({ job, settlement, now });
    if (settlement.dueAt === undefined) return lived;
    const { attempt: _, fetchAttempts, callbackAttempts, ...rest } = settlement;
    now = Math.max(now + 1, settlement.dueAt);
    job = {
      ...job,
      ...rest,
      claims: job.claims + 1,
      leasedUntil: now + LEASE_MS,
      fetchAttempts: job.fetchAttempts + fetchAttempts,
      callbackAttempts: job.callbackAttempts + callbackAttempts,
    };
  }
  return lived;
};

const CALLBACKS = [
  'delivered',
  'gone',
  'CallbackUnavailable',
  'CallbackThrottled',
  'CallbackRejected',
  'OutcomeNotSaved',
];
const OWN_DOING = ['LeaseLost', 'Lambda.TooManyRequestsException'];

const aTurn = (callbacks: string[]) =>
  fc.record({
    gives: fc.array(fc.constantFrom('fetched' as const, 'refused' as const, 'unavailable' as const), {
      minLength: 2,
      maxLength: 2,
    }),
    callback: fc.constantFrom(...callbacks),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
    retryAfterMs: fc.nat(10_000_000),
  });

const forEveryLife = (check: (lived: Lived[], turns: Turn[]) => void, callbacks = [...CALLBACKS, ...OWN_DOING]) =>
  fc.assert(
    fc.property(fc.array(aTurn(callbacks), { minLength: 1, maxLength: 30 }), (turns) => check(live(turns), turns)),
  );

const endOf = (lived: Lived[]): Settlement => (lived.at(-1) as Lived).settlement;

describe('whatever third parties do, a job', () => {
  test('ends, at the latest when its list of callbacks is used up', () => {
    forEveryLife((lived) => {
      expect(endOf(lived).status).not.toBe('PENDING');
      const calls = lived.reduce((sum, { settlement }) => sum + settlement.callbackAttempts, 0);
      expect(calls).toBeGreaterThanOrEqual(1);
      expect(calls).toBeLessThanOrEqual(steps.length + 1);
    }, CALLBACKS);
  });

  test('ends FAILED only by a receiver that wants no more, or after every step of the list', () => {
    forEveryLife((lived) => {
      const end = endOf(lived);
      if (end.status !== 'FAILED') return expect(end.failure).toBeUndefined();
      const calls = lived.reduce((sum, { settlement }) => sum + settlement.callbackAttempts, 0);
      if (end.failure?.code !== 'CALLBACK_GONE') expect([end.failure?.code, calls]).toEqual(['CALLBACK_EXHAUSTED', 4]);
    });
  });

  test('loses nothing that was given, and asks no provider again that gave or refused', () => {
    forEveryLife((lived) => {
      for (const { job, settlement } of lived) {
        for (const result of job.results) {
          if (result.status !== 'UNAVAILABLE') expect(settlement.results).toContainEqual(result);
        }
        const settled = job.results.filter((result) => result.status !== 'UNAVAILABLE').map((one) => one.providerId);
        for (const { providerId } of settlement.attempt.fetches) expect(settled).not.toContain(providerId);
      }
    });
  });

  test('is never put off beyond its deadline while it fetches, and asks nobody after it', () => {
    forEveryLife((lived) => {
      for (const { job, settlement, now } of lived) {
        if (settlement.phase === 'FETCHING')
          expect(settlement.dueAt).toBeLessThanOrEqual(Math.max(now, job.deadlineAt));
        if (now > job.deadlineAt + 1) expect(settlement.attempt.fetches).toEqual([]);
      }
    });
  });

  test('is never due in the past', () => {
    forEveryLife((lived) => {
      for (const { settlement, now } of lived) expect(settlement.dueAt ?? now).toBeGreaterThanOrEqual(now);
    });
  });

  test('never goes back from calling to fetching, and its results are frozen then', () => {
    forEveryLife((lived) => {
      for (const { job, settlement } of lived) {
        if (job.phase !== 'CALLING_BACK') continue;
        expect(settlement.phase).toBe('CALLING_BACK');
        expect(settlement.results).toEqual(job.results);
      }
    });
  });

  test('has one result a provider, in the order of the request, when it calls back', () => {
    forEveryLife((lived) => {
      for (const { settlement } of lived) {
        if (settlement.phase !== 'CALLING_BACK') continue;
        expect(settlement.results.map((result) => result.providerId)).toEqual(['gas', 'internet']);
      }
    });
  });

  test('is COMPLETE if all was given and PARTIAL if not, once the receiver has it', () => {
    forEveryLife((lived) => {
      const { status, results } = endOf(lived);
      if (status === 'FAILED' || status === 'PENDING') return;
      expect(status).toBe(results.every((result) => result.status === 'FETCHED') ? 'COMPLETE' : 'PARTIAL');
    });
  });

  test('ends with the call that the receiver took, even if that could not be written', () => {
    forEveryLife((lived, turns) => {
      lived.forEach(({ settlement }, index) => {
        const { callback } = turns[Math.min(index, turns.length - 1)] as Turn;
        const isTaken = callback === 'delivered' || callback === 'OutcomeNotSaved';
        if (isTaken && settlement.attempt.callback) expect(settlement.dueAt).toBeUndefined();
      });
    });
  });
});

test.each(OWN_DOING)('%s never ends a job, nor counts, however often it comes', (callback) => {
  const lived = live([{ gives: ['fetched', 'fetched'], callback, random: 0, retryAfterMs: 0 }], 100);
  expect(lived).toHaveLength(100);
  expect(endOf(lived)).toMatchObject({ status: 'PENDING', callbackAttempts: 0 });
});

describe('the schedule', () => {
  const schedule = { stepsMs: steps };

  test('goes step by step, and stays on its last', () => {
    expect([1, 2, 3, 4, 99].map((failed) => retryDelayMs(schedule, failed, undefined, 0))).toEqual([
      1_000, 5_000, 60_000, 60_000, 60_000,
    ]);
  });

  test('is used up after as many failures as it has steps, and one', () => {
    expect([0, 1, 3, 4, 5].map((failed) => isExhausted(schedule, failed))).toEqual([false, false, false, true, true]);
  });

  test('waits as long as it is asked to, but no shorter than its step and no longer than its longest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), fc.nat(1_000_000), (failed, hintMs) => {
        const delay = retryDelayMs(schedule, failed, hintMs, 0);
        expect(delay).toBe(Math.max(retryDelayMs(schedule, failed, undefined, 0), Math.min(hintMs, 60_000)));
      }),
    );
  });

  test('adds jitter to a hint too, and takes the longest step wherever it stands', () => {
    expect(retryDelayMs(schedule, 1, 20_000, 0.5)).toBe(21_000);
    expect(retryDelayMs({ stepsMs: [9_000, 1_000] }, 2, 5_000, 0)).toBe(5_000);
    expect(retryDelayMs({ stepsMs: [0] }, 1, undefined, 0.9)).toBe(0);
  });
});
