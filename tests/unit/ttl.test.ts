import { isExpired, latestExpired, toEpochMs, toEpochSeconds } from '@boomerang/core/domain/ttl.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NOW } from '../builders.ts';

describe('a TTL', () => {
  test('is in epoch seconds: DynamoDB would read milliseconds as 50,000 years ahead', () => {
    expect(toEpochSeconds(NOW)).toBe(NOW / 1000);
    expect(toEpochMs(NOW / 1000)).toBe(NOW);
  });

  test('never expires early: it is rounded up to whole seconds', () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.integer({ min: 1, max: 100_000 }), (offset, keptMs) => {
        const storedAt = NOW + offset;
        const item = { expiresAt: toEpochSeconds(storedAt + keptMs) };
        expect(isExpired(item, storedAt + keptMs - 1)).toBe(false);
        expect(isExpired(item, storedAt + keptMs + 1_000)).toBe(true);
      }),
    );
  });

  test('has expired from its exact time on, and never expires if absent', () => {
    const item = { expiresAt: NOW / 1000 };
    expect([isExpired(item, NOW - 1), isExpired(item, NOW)]).toEqual([false, true]);
    expect(isExpired({}, Number.MAX_SAFE_INTEGER)).toBe(false);
  });

  test('expires at the same time in conditions of the table as for readers', () => {
    fc.assert(
      fc.property(fc.integer({ min: -3_000, max: 3_000 }), (offset) => {
        const expiresAt = NOW / 1000;
        expect(expiresAt <= latestExpired(NOW + offset)).toBe(isExpired({ expiresAt }, NOW + offset));
      }),
    );
  });
});
