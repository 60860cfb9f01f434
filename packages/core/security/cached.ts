import { createRecentMap } from '../domain/recent-map.ts';

/** How long credentials are cached. A revoked one may be accepted that long. */
export const CREDENTIALS_TTL_MS = 60_000;
const MAX_ENTRIES = 10_000;

/** A cached lookup. @param options `bypassCache` looks the value up again */
export type CachedFind<T> = (key: string, options?: { bypassCache?: boolean }) => Promise<T | undefined>;

/**
 * Caches lookups, including misses, for a minute by default. Concurrent lookups of one key share a single call. Failed lookups
 * are not cached.
 */
export const cached = <T>(find: (key: string) => Promise<T | undefined>, ttlMs = CREDENTIALS_TTL_MS): CachedFind<T> => {
  /** `until` is not set while the lookup runs. */
  const entries = createRecentMap<{ found: Promise<T | undefined>; until?: number }>(MAX_ENTRIES);
  return async (key, { bypassCache = false } = {}) => {
    const existing = entries.get(key);
    const isUsable = existing && (existing.until === undefined || (!bypassCache && performance.now() < existing.until));
    if (isUsable) return existing.found;
    const entry: typeof existing = { found: find(key) };
    entries.set(key, entry);
    entry.found.then(
      () => Object.assign(entry, { until: performance.now() + ttlMs }),
      () => {
        if (entries.get(key) === entry) entries.delete(key);
      },
    );
    return entry.found;
  };
};
