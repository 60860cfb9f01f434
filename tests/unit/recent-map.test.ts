import { createRecentMap } from '@boomerang/core/domain/recent-map.ts';
import { expect, test } from '@jest/globals';

/** The keys that the map has, of one-letter keys. */
const presentKeys = (map: ReturnType<typeof createRecentMap>, letters: string) =>
  [...letters].filter((key) => map.get(key));

test('a full map evicts the entry that was set or read least recently', () => {
  const map = createRecentMap(3);
  for (const key of 'abc') map.set(key, {});
  map.get('a');
  map.set('b', {});
  map.set('d', {});
  expect(presentKeys(map, 'abcd')).toEqual(['a', 'b', 'd']);
});

test('setting a key again keeps the others and replaces its value', () => {
  const map = createRecentMap<{ n: number }>(2);
  map.set('a', { n: 1 });
  map.set('b', { n: 2 });
  map.set('a', { n: 3 });
  expect([map.get('a'), map.get('b')]).toEqual([{ n: 3 }, { n: 2 }]);
});

test('a deleted key is gone', () => {
  const map = createRecentMap(2);
  map.set('a', {});
  map.delete('a');
  expect(map.get('a')).toBeUndefined();
});
