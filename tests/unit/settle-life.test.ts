import { type Job, toClaimedJob } from '@boomerang/core/domain/job.ts';
import type { CallbackOutcome } from '@boomerang/core/domain/outcomes.ts';
import { type Settlement, type SettlePolicy, settle } from '@boomerang/core/domain/settle.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  aJob,
  DELIVERED,
  deferred,
  failedCallback,
  fetched,
  LEASE_MS,
  NOT_SENT,
  NOW,
  notAttempted,
  refused,
  unavailable,
} from '../builders.ts';

/** Runs jobs from creation to end, claim by claim, for any behaviour of third parties. */

const steps = [1_000, 5_000, 60_000] as const;
const policy: SettlePolicy = { schedule: { stepsMs: steps }, patienceMs: 600_000, retentionMs: 3_600_000 };
const DEADLINE_MS = 300_000;

/** The behaviour of third parties during one execution. */
type Turn = {
  outcomes: (keyof typeof createOutcome)[];
  callback: 'delivered' | 'gone' | 'failed' | 'not sent';
  random: number;
  retryAfterMs: number;
};
type SettledTurn = {
  job: Job;
  settlement: Settlement;
  now: number;
  claimedProviders: string[];
  /** Whether the callback step ran, after fetches without an internal fault. */
  isSent: boolean;
};

const createOutcome = {
  fetched: (id: string, _: Turn) => fetched(id),
  refused: (id: string, _: Turn) => refused(id),
  unavailable: (id: string, { retryAfterMs }: Turn) => unavailable(id, { class: 'bad_status', retryAfterMs }),
  deferred: (id: string, { retryAfterMs }: Turn) => deferred(id, retryAfterMs),
  notAttempted: (id: string, _: Turn) => notAttempted(id),
};

const callbackOf = ({ callback, retryAfterMs }: Turn): CallbackOutcome => {
  switch (callback) {
    case 'delivered':
      return DELIVERED;
    case 'gone':
      return { kind: 'refused', reason: 'gone', failure: { class: 'gone', statusCode: 410 } };
    case 'failed':
      return failedCallback({ class: 'bad_status', retryAfterMs });
    case 'not sent':
      return NOT_SENT;
  }
};

/** Runs a job until it ends, one turn each time it is due; the last turn repeats. Returns each claim with its settlement. */
const runJob = (turns: Turn[], limit = 200): SettledTurn[] => {
  const history: SettledTurn[] = [];
  let job = aJob({ deadlineAt: NOW + DEADLINE_MS });
  let now = NOW;
  for (let index = 0; index < limit; index += 1) {
    const turn = turns[Math.min(index, turns.length - 1)] as Turn;
    const claim = toClaimedJob(job, 'scheduled', now);
    const fetches = claim.providers.map((id, position) =>
      createOutcome[turn.outcomes[position] ?? 'fetched'](id, turn),
    );
    // The same rules as in the state machine's Choice state and in callback-deliver.
    const isSettled = fetches.every(({ kind }) => kind === 'fetched' || kind === 'refused');
    const isReady = claim.final || (isSettled && !claim.isAnyWaiting);
    const isInternalFault = fetches.some(({ kind }) => kind === 'notAttempted');
    const delivery = isReady ? (isInternalFault ? NOT_SENT : callbackOf(turn)) : undefined;
    const outcomes = { fetches, delivery };
    const settlement = settle(job, claim, outcomes, now, turn.random, policy);
    history.push({ job, settlement, now, claimedProviders: claim.providers, isSent: isReady && !isInternalFault });
    if (settlement.dueAt === undefined) return history;
    const { attempt: _attempt, fetchAttempts, callbackAttempts, ...rest } = settlement;
    now = Math.max(now + 1, settlement.dueAt);
    job = {
      ...job,
      ...rest,
      claims: job.claims + 1,
      heldSince: now,
      leasedUntil: now + LEASE_MS,
      fetchAttempts: job.fetchAttempts + fetchAttempts,
      callbackAttempts: job.callbackAttempts + callbackAttempts,
    };
  }
  return history;
};

const CALLBACKS = ['delivered', 'gone', 'failed'] as const;
const ALL_CALLBACKS = [...CALLBACKS, 'not sent'] as const;
const FETCHES = ['fetched', 'refused', 'unavailable'] as const;
const ALL_FETCHES = [...FETCHES, 'deferred', 'notAttempted'] as const;

const aTurn = (callbacks: readonly Turn['callback'][], fetchOutcomes: readonly Turn['outcomes'][number][]) =>
  fc.record({
    outcomes: fc.array(fc.constantFrom(...fetchOutcomes), { minLength: 2, maxLength: 2 }),
    callback: fc.constantFrom(...callbacks),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
    retryAfterMs: fc.nat(10_000_000),
  });

const forEveryHistory = (
  check: (history: SettledTurn[], turns: Turn[]) => void,
  callbacks: readonly Turn['callback'][] = ALL_CALLBACKS,
  fetchOutcomes: readonly Turn['outcomes'][number][] = ALL_FETCHES,
) =>
  fc.assert(
    fc.property(fc.array(aTurn(callbacks, fetchOutcomes), { minLength: 1, maxLength: 30 }), (turns) =>
      check(runJob(turns), turns),
    ),
  );

const endOf = (history: SettledTurn[]): Settlement => (history.at(-1) as SettledTurn).settlement;

describe('for any behaviour of third parties, a job', () => {
  test('ends no later than the last step of its callback schedule', () => {
    forEveryHistory(
      (history) => {
        expect(endOf(history).status).not.toBe('PENDING');
        const calls = history.reduce((sum, { settlement }) => sum + settlement.callbackAttempts, 0);
        expect(calls).toBeGreaterThanOrEqual(1);
        expect(calls).toBeLessThanOrEqual(steps.length + 1);
      },
      CALLBACKS,
      FETCHES,
    );
  });

  test('ends FAILED only after 410 Gone or all steps of the schedule', () => {
    forEveryHistory((history) => {
      const end = endOf(history);
      if (end.status !== 'FAILED') return expect(end.failure).toBeUndefined();
      const calls = history.reduce((sum, { settlement }) => sum + settlement.callbackAttempts, 0);
      if (end.failure?.code !== 'CALLBACK_GONE') expect([end.failure?.code, calls]).toEqual(['CALLBACK_EXHAUSTED', 4]);
    });
  });

  test('keeps every fetched result, and never calls a provider again that succeeded or refused', () => {
    forEveryHistory((history) => {
      for (const { job, settlement } of history) {
        for (const result of job.results) {
          if (result.status !== 'UNAVAILABLE') expect(settlement.results).toContainEqual(result);
        }
        const finalProviders = job.results
          .filter(({ status }) => status !== 'UNAVAILABLE')
          .map((result) => result.providerId);
        for (const { providerId } of settlement.attempt?.fetches ?? [])
          expect(finalProviders).not.toContain(providerId);
      }
    });
  });

  test('is never due later than its deadline while it fetches, and calls no provider after it', () => {
    forEveryHistory(
      (history) => {
        for (const { job, settlement, now } of history) {
          if (settlement.phase === 'FETCHING')
            expect(settlement.dueAt).toBeLessThanOrEqual(Math.max(now, job.deadlineAt));
          if (now > job.deadlineAt + 1) expect(settlement.attempt?.fetches ?? []).toEqual([]);
        }
      },
      CALLBACKS,
      ['fetched', 'refused', 'unavailable', 'deferred'],
    );
  });

  test('calls no provider early, calls each unavailable provider at the deadline, and sends no callback before that', () => {
    forEveryHistory((history) => {
      for (const { job, now, claimedProviders, isSent } of history) {
        const unavailableResults = job.results.filter((result) => result.status === 'UNAVAILABLE');
        for (const { providerId, retryAt = 0 } of unavailableResults) {
          if (claimedProviders.includes(providerId)) expect(retryAt).toBeLessThanOrEqual(now);
          else if (isSent && job.phase === 'FETCHING') expect(now).toBeGreaterThanOrEqual(job.deadlineAt);
          if (now < job.deadlineAt) expect(retryAt).toBeLessThanOrEqual(job.deadlineAt);
        }
      }
    });
  });

  test('counts no attempt without a call, and extends its deadline by the time lost to internal faults', () => {
    forEveryHistory((history, turns) => {
      history.forEach(({ job, settlement, claimedProviders, now }, index) => {
        const turn = turns[Math.min(index, turns.length - 1)] as Turn;
        const fetchOutcomes = claimedProviders.map((_, position) => turn.outcomes[position] ?? 'fetched');
        const isInternalFault =
          claimedProviders.length > 0 && fetchOutcomes.every((outcome) => outcome === 'notAttempted');
        if (fetchOutcomes.every((outcome) => outcome === 'notAttempted' || outcome === 'deferred'))
          expect(settlement.fetchAttempts).toBe(0);
        if (!isInternalFault || settlement.dueAt === undefined) return;
        expect(settlement.phase).toBe('FETCHING');
        expect((settlement.deadlineAt ?? 0) - job.deadlineAt).toBe(settlement.dueAt - now);
      });
    });
  });

  test('is never due in the past', () => {
    forEveryHistory((history) => {
      for (const { settlement, now } of history) expect(settlement.dueAt ?? now).toBeGreaterThanOrEqual(now);
    });
  });

  test('never returns from calling back to fetching, and freezes its results', () => {
    forEveryHistory((history) => {
      for (const { job, settlement } of history) {
        if (job.phase !== 'CALLING_BACK') continue;
        expect(settlement.phase).toBe('CALLING_BACK');
        expect(settlement.results).toEqual(job.results);
      }
    });
  });

  test('has one result per provider, in the order of the request, when it calls back', () => {
    forEveryHistory((history) => {
      for (const { settlement } of history) {
        if (settlement.phase !== 'CALLING_BACK') continue;
        expect(settlement.results.map((result) => result.providerId)).toEqual(['gas', 'internet']);
      }
    });
  });

  test('is COMPLETE once delivered if all data was fetched, and PARTIAL otherwise', () => {
    forEveryHistory((history) => {
      const { status, results } = endOf(history);
      if (status === 'FAILED' || status === 'PENDING') return;
      expect(status).toBe(results.every((result) => result.status === 'FETCHED') ? 'COMPLETE' : 'PARTIAL');
    });
  });

  test('ends with the delivered callback', () => {
    forEveryHistory((history, turns) => {
      history.forEach(({ settlement }, index) => {
        const { callback } = turns[Math.min(index, turns.length - 1)] as Turn;
        if (callback === 'delivered' && settlement.attempt?.callback?.status === 'OK')
          expect(settlement.dueAt).toBeUndefined();
      });
    });
  });
});

test.each<[string, Turn['outcomes'], Turn['callback']]>([
  ['in a delivery', ['fetched', 'fetched'], 'not sent'],
  ['in both fetches', ['notAttempted', 'notAttempted'], 'delivered'],
])(
  'an internal fault %s never ends a job and never counts as an attempt, even if it occurs a hundred times',
  (_case, outcomes, callback) => {
    const history = runJob([{ outcomes, callback, random: 0, retryAfterMs: 0 }], 100);
    expect(history).toHaveLength(100);
    expect(endOf(history)).toMatchObject({ status: 'PENDING', callbackAttempts: 0 });
  },
);
