import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Attempt, Job } from '../../console/api-types.ts';
import { type Row, waterfallOf } from '../../console/job/waterfall.ts';

const START = Date.parse('2026-01-15T10:00:00.000Z');
const iso = (ms: number): string => new Date(START + ms).toISOString();

type PlannedAttempt = { waitMs: number; durationMs: number; tries: number; isTimed: boolean; isFetch: boolean };

/** A job whose attempts follow each other as planned. */
const jobOf = (planned: PlannedAttempt[], change: Partial<Job> = {}): Job => {
  let at = 0;
  const attempts = planned.map(({ waitMs, durationMs, tries, isTimed, isFetch }, index): Attempt => {
    const startedAt = iso(at + waitMs);
    at += waitMs + durationMs;
    const call = { status: 'FAILED' as const, tries, ...(isTimed && { startedAt, durationMs }) };
    const calls = isFetch
      ? [
          { providerId: 'gas', ...call },
          { providerId: 'tv', ...call },
        ]
      : [];
    return {
      number: index + 1,
      trigger: 'scheduled',
      startedAt,
      endedAt: iso(at),
      fetches: calls,
      callback: isFetch ? null : call,
      nextAttemptAt: null,
    };
  });
  return {
    jobId: '1',
    status: 'PENDING',
    phase: 'FETCHING',
    callbackUrl: 'https://example.com/',
    providers: [
      { providerId: 'gas', status: 'PENDING' },
      { providerId: 'tv', status: 'FETCHED' },
    ],
    attempts,
    nextAttemptAt: iso(at + 1000),
    createdAt: iso(0),
    updatedAt: iso(at),
    endedAt: null,
    deadlineAt: iso(1e9),
    links: { self: '/jobs/1', data: '/jobs/1/data' },
    ...change,
  };
};

const plannedArbitrary: fc.Arbitrary<PlannedAttempt[]> = fc.array(
  fc.record({
    waitMs: fc.oneof(fc.nat(50), fc.nat(60_000), fc.nat(24 * 3_600_000)),
    durationMs: fc.oneof(fc.nat(5), fc.nat(15_000)),
    tries: fc.integer({ min: 1, max: 4 }),
    isTimed: fc.boolean(),
    isFetch: fc.boolean(),
  }),
  { maxLength: 20 },
);
const checkEveryRow = (check: (row: Row, waterfall: ReturnType<typeof waterfallOf>) => void): void =>
  fc.assert(
    fc.property(plannedArbitrary, (planned) => {
      const waterfall = waterfallOf(jobOf(planned));
      for (const row of waterfall.rows) check(row, waterfall);
    }),
  );
const EPSILON = 1e-9;
/** The room that a label needs, as a fraction of the axis. */
const LABEL_WIDTH = 0.2;

describe('the waterfall of a job', () => {
  test('has a row for each provider, in the order of the job, and for the callback', () => {
    const { rows } = waterfallOf(jobOf([]));
    expect(rows.map(({ providerId }) => providerId)).toEqual(['gas', 'tv', undefined]);
  });

  test('has a bar for each call', () => {
    fc.assert(
      fc.property(plannedArbitrary, (planned) => {
        const [gas, tv, callback] = waterfallOf(jobOf(planned)).rows;
        const fetches = planned.filter(({ isFetch }) => isFetch).length;
        expect([gas, tv, callback].map((row) => row?.bars.length)).toEqual([
          fetches,
          fetches,
          planned.length - fetches,
        ]);
      }),
    );
  });

  test('keeps bars within the axis', () =>
    checkEveryRow(({ bars, next = 0 }) => {
      for (const { from, to } of bars) {
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThanOrEqual(1 + EPSILON);
      }
      expect(next).toBeGreaterThanOrEqual(0);
      expect(next).toBeLessThanOrEqual(1 + EPSILON);
    }));

  test('keeps the order of bars, without overlaps', () =>
    checkEveryRow(({ bars }) => {
      for (const [index, { from }] of bars.entries()) {
        expect(from).toBeGreaterThanOrEqual((bars[index - 1]?.to ?? 0) - EPSILON);
      }
    }));

  test('keeps bars visible: at least 2 % wide', () =>
    checkEveryRow(({ bars }) => {
      for (const { from, to } of bars) expect(to - from).toBeGreaterThanOrEqual(0.02 - EPSILON);
    }));

  test('marks the immediate retries of a call within its bar', () =>
    checkEveryRow(({ bars }) => {
      for (const { from, to, call, ticks } of bars) {
        expect(ticks).toHaveLength((call.tries ?? 1) - 1);
        for (const tick of ticks) {
          expect(tick).toBeGreaterThan(from);
          expect(tick).toBeLessThan(to);
        }
      }
    }));

  test('has labels that do not overlap', () =>
    checkEveryRow((_, { labels }) => {
      let free = 0;
      for (const { at, isLast } of labels) {
        const from = isLast ? 1 - LABEL_WIDTH : at;
        expect(from).toBeGreaterThanOrEqual(free - EPSILON);
        free = from + LABEL_WIDTH;
      }
      expect(free).toBeLessThanOrEqual(1 + EPSILON);
    }));

  test('compresses hours between attempts, and labels them with their length', () => {
    const call = { durationMs: 2000, tries: 1, isTimed: true, isFetch: true };
    const { rows, gaps } = waterfallOf(
      jobOf(
        [
          { ...call, waitMs: 0 },
          { ...call, waitMs: 3_600_000 },
        ],
        { nextAttemptAt: null },
      ),
    );
    expect(gaps).toEqual([{ from: expect.closeTo(0.375), to: expect.closeTo(0.625), ms: 3_600_000 }]);
    expect(rows[0]?.bars).toMatchObject([
      { from: 0, to: expect.closeTo(0.375) },
      { from: expect.closeTo(0.625), to: expect.closeTo(1) },
    ]);
  });

  test('keeps the proportions of calls without a gap between them', () => {
    const call = { tries: 1, isTimed: true, waitMs: 0 };
    const planned = [
      { ...call, durationMs: 3000, isFetch: true },
      { ...call, durationMs: 1000, isFetch: false },
    ];
    const { rows, gaps } = waterfallOf(jobOf(planned, { status: 'COMPLETE', nextAttemptAt: null }));
    expect(gaps).toEqual([]);
    expect(rows.map(({ bars }) => bars.map(({ from, to }) => [from, to]))).toEqual([
      [[0, 0.75]],
      [[0, 0.75]],
      [[0.75, 1]],
    ]);
  });

  test('gives longer attempts more room, but not all of it', () => {
    const call = { tries: 1, isTimed: true, isFetch: true };
    const planned = [
      { ...call, durationMs: 100, waitMs: 0 },
      { ...call, durationMs: 10_000, waitMs: 3_600_000 },
    ];
    const [gas] = waterfallOf(jobOf(planned, { nextAttemptAt: null })).rows;
    const [short, long] = gas?.bars.map(({ from, to }) => to - from) ?? [];
    expect((long ?? 0) / (short ?? 1)).toBeCloseTo(10);
  });

  test('shows polled work in progress', () => {
    const working = {
      providerId: 'gas',
      status: 'UNAVAILABLE',
      workingSince: iso(1000),
      nextAttemptAt: iso(9000),
    } as const;
    const { rows } = waterfallOf(jobOf([], { providers: [working], nextAttemptAt: iso(9000) }));
    expect(rows[0]).toMatchObject({ ongoing: { from: expect.closeTo(1 / 9), to: 1 }, next: 1 });
    expect(rows[1]).toMatchObject({ ongoing: undefined, next: undefined });
  });

  test('reaches from the request to the next attempt while no call was made', () => {
    const { rows, gaps } = waterfallOf(jobOf([]));
    expect(rows[0]?.next).toBe(1);
    expect(gaps).toEqual([{ from: 0, to: 1, ms: 1000 }]);
    expect(waterfallOf(jobOf([], { nextAttemptAt: null }))).toMatchObject({ gaps: [], labels: [{ at: 0 }] });
  });

  test('marks the next attempt of each row that waits', () => {
    const { rows } = waterfallOf(jobOf([]));
    expect(rows.map(({ next }) => next !== undefined)).toEqual([true, false, false]);
    const calling = waterfallOf(jobOf([], { phase: 'CALLING_BACK' }));
    expect(calling.rows.map(({ next }) => next !== undefined)).toEqual([false, false, true]);
    const cancelled = waterfallOf(jobOf([], { status: 'CANCELLED' }));
    expect(cancelled.rows.map(({ next }) => next)).toEqual([undefined, undefined, undefined]);
  });
});
