import { LRUCache } from 'lru-cache';

/** How long credentials are cached. A revoked one may be accepted that long. */
export const CREDENTIALS_TTL_MS = 60_000;
const MAX_ENTRIES = 10_000;

/** A cached lookup. @param options `isFresh` bypasses the cache */
export type CachedFind<T> = (key: string, options?: { isFresh?: boolean }) => Promise<T | undefined>;

/**
 * Caches lookups, including misses, for a minute by default. Concurrent lookups of one key share a single call. Failed lookups
 * are not cached.
 */
export const cached = <T>(find: (key: string) => Promise<T | undefined>, ttlMs = CREDENTIALS_TTL_MS): CachedFind<T> => {
  const cache = new LRUCache<string, { found: T | undefined }>({
    max: MAX_ENTRIES,
    ttl: ttlMs,
    fetchMethod: async (key) => ({ found: await find(key) }),
  });
  return async (key, { isFresh = false } = {}) => (await cache.fetch(key, { forceRefresh: isFresh }))?.found;
};
