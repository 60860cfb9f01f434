import {
  deferralMs,
  internalFaultDelayMs,
  isExhausted,
  longestScheduleMs,
  longestStepMs,
  retryDelayMs,
} from '@boomerang/core/domain/schedule.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

const steps = [1_000, 5_000, 60_000] as const;

describe('the schedule', () => {
  const schedule = { stepsMs: steps };

  test('advances step by step, and stays on its last step', () => {
    expect([1, 2, 3, 4, 99].map((failed) => retryDelayMs(schedule, failed, undefined, 0))).toEqual([
      1_000, 5_000, 60_000, 60_000, 60_000,
    ]);
  });

  test('is exhausted after one more failure than it has steps', () => {
    expect([0, 1, 3, 4, 5].map((failed) => isExhausted(schedule, failed))).toEqual([false, false, false, true, true]);
  });

  test('follows a hint between its current step and its longest one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), fc.nat(1_000_000), (failed, hintMs) => {
        const delay = retryDelayMs(schedule, failed, hintMs, 0);
        expect(delay).toBe(Math.max(retryDelayMs(schedule, failed, undefined, 0), Math.min(hintMs, 60_000)));
      }),
    );
  });

  test('adds jitter to hints, and caps them at the longest step, even if it is not the last', () => {
    expect(retryDelayMs(schedule, 1, 20_000, 0.5)).toBe(21_000);
    expect(retryDelayMs({ stepsMs: [9_000, 1_000] }, 2, 5_000, 0)).toBe(5_000);
    expect(retryDelayMs({ stepsMs: [0] }, 1, undefined, 0.9)).toBe(0);
  });

  test('lasts at most the sum of its steps with jitter, so that an open circuit abandons a receiver no sooner than failed calls would', () => {
    expect(longestStepMs(schedule)).toBe(60_000);
    expect(longestScheduleMs(schedule)).toBe(72_600);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 9 }), (list) => {
        const stepsMs = list as [number, ...number[]];
        const latest = stepsMs.map((_, index) => retryDelayMs({ stepsMs }, index + 1, undefined, 0.999));
        // Each delay is rounded separately.
        const total = latest.reduce((sum, delay) => sum + delay, 0);
        expect(longestScheduleMs({ stepsMs })).toBeGreaterThanOrEqual(total - stepsMs.length / 2);
      }),
    );
  });
});

describe('jitter', () => {
  const DELAYS: [string, (random: number) => number][] = [
    ['a step', (random) => retryDelayMs({ stepsMs: steps }, 2, undefined, random)],
    ['a hint', (random) => retryDelayMs({ stepsMs: steps }, 1, 20_000, random)],
    ['a deferral', (random) => deferralMs(30_000, random)],
    ['the first delay after an internal fault', (random) => internalFaultDelayMs(1, random)],
    ['the longest delay after an internal fault', (random) => internalFaultDelayMs(99, random)],
  ];

  test.each(DELAYS)('spreads %s by up to a tenth, never to an earlier time', (_case, delayMs) => {
    const shortest = delayMs(0);
    expect(delayMs(0.5)).toBe(shortest * 1.05);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (random) => {
        expect(delayMs(random)).toBeGreaterThanOrEqual(shortest);
        expect(delayMs(random)).toBeLessThanOrEqual(shortest * 1.1);
      }),
    );
  });
});

test('a deferred call waits at least a second, so that it is not deferred again at once', () => {
  expect([undefined, 0, 999, 1_000, 5_000].map((hintMs) => deferralMs(hintMs, 0))).toEqual([
    1_000, 1_000, 1_000, 1_000, 5_000,
  ]);
});
