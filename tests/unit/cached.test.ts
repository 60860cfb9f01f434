import { cached } from '@boomerang/core/security/cached.ts';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A cached lookup whose values contain the number of calls so far. */
const createCountingFind = () => {
  let calls = 0;
  return cached(async (key) => {
    calls += 1;
    if (key === 'broken' && calls === 1) throw new Error('unavailable');
    return key === 'unknown' ? undefined : `${key} ${calls}`;
  });
};

test('a value is looked up again once it is a minute old', async () => {
  const find = createCountingFind();
  expect([await find('a'), await find('a'), await find('b')]).toEqual(['a 1', 'a 1', 'b 2']);
  jest.advanceTimersByTime(59_999);
  expect(await find('a')).toBe('a 1');
  jest.advanceTimersByTime(1);
  expect(await find('a')).toBe('a 3');
});

test('a miss is cached, a failure is not', async () => {
  const find = createCountingFind();
  await expect(find('broken')).rejects.toThrow('unavailable');
  expect([await find('broken'), await find('unknown'), await find('unknown'), await find('c')]).toEqual([
    'broken 2',
    undefined,
    undefined,
    'c 4',
  ]);
});

test('concurrent lookups of one key share a call, and a fresh one replaces the cached value', async () => {
  const find = createCountingFind();
  expect(await Promise.all([find('a'), find('a'), find('a', { bypassCache: true })])).toEqual(['a 1', 'a 1', 'a 1']);
  expect([await find('a', { bypassCache: true }), await find('a')]).toEqual(['a 2', 'a 2']);
});
