import { isExpired, toEpochSeconds } from '@boomerang/core/domain/ttl.ts';
import type { ClientRates } from '@boomerang/core/ports/client-rates.ts';

/** The `ClientRates` port, in memory. */
export const createFakeClientRates = () => {
  const counters = new Map<string, { jobs: number; expiresAt: number }>();
  const limited = new Map<string, number>();
  const rates: ClientRates = {
    count: async (clientId, window, jobs, expiresAt) => {
      const counted = (counters.get(`${clientId} ${window}`)?.jobs ?? 0) + jobs;
      counters.set(`${clientId} ${window}`, { jobs: counted, expiresAt });
      return counted;
    },
    limit: async (clientId, until) => void limited.set(clientId, until),
    listLimited: async (now) => new Map([...limited].filter(([, until]) => until > now)),
  };
  return {
    ...rates,
    counters,
    limited,
    /** TTL deletion: removes expired counters and limits. */
    expire: (now: number): void => {
      for (const [key, counter] of counters) if (isExpired(counter, now)) counters.delete(key);
      for (const [key, until] of limited) if (isExpired({ expiresAt: toEpochSeconds(until) }, now)) limited.delete(key);
    },
  };
};
