import { isExpired, latestExpired, toEpochMs, toEpochSeconds } from '@boomerang/core/domain/ttl.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NOW } from '../builders.ts';

describe('the time of a TTL', () => {
  test('is in epoch seconds: in milliseconds nothing would be deleted for 50,000 years', () => {
    expect(toEpochSeconds(NOW)).toBe(NOW / 1000);
    expect(toEpochMs(NOW / 1000)).toBe(NOW);
  });

  test('never comes early: what is kept for some milliseconds is there until they are over', () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.integer({ min: 1, max: 100_000 }), (offset, keptMs) => {
        const storedAt = NOW + offset;
        const item = { expiresAt: toEpochSeconds(storedAt + keptMs) };
        expect(isExpired(item, storedAt + keptMs - 1)).toBe(false);
        expect(isExpired(item, storedAt + keptMs + 1_000)).toBe(true);
      }),
    );
  });

  test('is over in the millisecond that it names, and never where there is none', () => {
    const item = { expiresAt: NOW / 1000 };
    expect([isExpired(item, NOW - 1), isExpired(item, NOW)]).toEqual([false, true]);
    expect(isExpired({}, Number.MAX_SAFE_INTEGER)).toBe(false);
  });

  test('compared by the table is over when it is by a reader', () => {
    fc.assert(
      fc.property(fc.integer({ min: -3_000, max: 3_000 }), (offset) => {
        const expiresAt = NOW / 1000;
        expect(expiresAt <= latestExpired(NOW + offset)).toBe(isExpired({ expiresAt }, NOW + offset));
      }),
    );
  });
});
