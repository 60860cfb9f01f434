import type { ClientRates } from '@boomerang/core/ports/client-rates.ts';

/** The port of client rates, in memory. */
export const createFakeClientRates = (): ClientRates => {
  const counters = new Map<string, number>();
  const limited = new Map<string, number>();
  return {
    count: async (clientId, window, jobs) => {
      const counted = (counters.get(`${clientId} ${window}`) ?? 0) + jobs;
      counters.set(`${clientId} ${window}`, counted);
      return counted;
    },
    limit: async (clientId, until) => void limited.set(clientId, until),
    listLimited: async (now) => new Map([...limited].filter(([, until]) => until > now)),
  };
};
