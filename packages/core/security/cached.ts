import { LRUCache } from 'lru-cache';

/** How long credentials may be remembered: so long a revoked one may still be taken. */
export const CREDENTIALS_TTL_MS = 60_000;
const MAX_ENTRIES = 10_000;

/** @param options `isFresh`: whether it is looked up anew, whatever is remembered */
export type CachedFind<T> = (key: string, options?: { isFresh?: boolean }) => Promise<T | undefined>;

/**
 * Remembers what a look-up found, or that it found nothing, for a minute. Look-ups of one key under way at the same time
 * are one; those that fail are not remembered.
 */
export const cached = <T>(find: (key: string) => Promise<T | undefined>): CachedFind<T> => {
  const cache = new LRUCache<string, { found: T | undefined }>({
    max: MAX_ENTRIES,
    ttl: CREDENTIALS_TTL_MS,
    fetchMethod: async (key) => ({ found: await find(key) }),
  });
  return async (key, { isFresh = false } = {}) => (await cache.fetch(key, { forceRefresh: isFresh }))?.found;
};
