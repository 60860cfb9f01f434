import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import type { Redrive } from '@boomerang/core/domain/redrive.ts';
import { isExpired } from '@boomerang/core/domain/ttl.ts';
import type { Redrives } from '@boomerang/core/ports/redrives.ts';

/** The `Redrives` port, in memory. */
export const createFakeRedrives = (): Redrives & { all: Map<string, Redrive> } => {
  const all = new Map<string, Redrive>();
  /** Redrives that are claimed, or had stalls at their last save. */
  const stalled = new Set<string>();
  let passUntil = 0;
  const newestOf = (clientId: string): Redrive | undefined =>
    [...all.values()].filter((redrive) => redrive.clientId === clientId).at(-1);
  return {
    all,
    create: async (redrive, now) => {
      const previous = newestOf(redrive.clientId);
      if (previous?.redriveId === redrive.redriveId) return { isNew: true, redrive: structuredClone(previous) };
      if (previous?.status === 'RUNNING') return { isNew: false, redrive: structuredClone(previous) };
      if (previous && isExpired(previous, now)) all.delete(previous.redriveId);
      const next = { ...structuredClone(redrive), claims: previous ? previous.claims + 1 : redrive.claims };
      all.set(next.redriveId, next);
      return { isNew: true, redrive: structuredClone(next) };
    },
    get: async (clientId, redriveId, now) => {
      const redrive = all.get(redriveId);
      return redrive?.clientId !== clientId || isExpired(redrive, now) ? undefined : structuredClone(redrive);
    },
    list: async ({ clientId, limit, after, now }) => {
      const found = [...all.values()]
        .filter((redrive) => redrive.clientId === clientId && !isExpired(redrive, now))
        .filter(({ redriveId }) => after === undefined || redriveId < after)
        .sort((a, b) => (a.redriveId < b.redriveId ? 1 : -1));
      const redrives = structuredClone(found.slice(0, limit));
      const last = redrives.at(-1);
      return { redrives, ...(last && found.length > limit && { cursor: last.redriveId }) };
    },
    reservePass: async (now, until) => {
      if (passUntil > now) return false;
      passUntil = until;
      return true;
    },
    findDue: async (now) =>
      [...all.values()]
        .flatMap(({ redriveId: key, claims, dueAt }) =>
          dueAt === undefined || dueAt > now ? [] : { key, claims, dueAt, isStalled: stalled.has(key) },
        )
        .sort((a, b) => a.dueAt - b.dueAt),
    claim: async ({ key, claims }, now, leaseMs) => {
      const redrive = all.get(key);
      if (redrive?.claims !== claims || redrive.dueAt === undefined || redrive.dueAt > now) return undefined;
      const claimed = { ...redrive, claims: claims + 1, stalls: redrive.stalls + 1, dueAt: now + leaseMs };
      all.set(key, claimed);
      stalled.add(key);
      return { ...structuredClone(claimed), key };
    },
    save: async ({ key, ...redrive }) => {
      const stored = all.get(key);
      if (stored?.claims !== redrive.claims || stored.dueAt === undefined) throw new StaleClaim('stale');
      all.set(key, structuredClone(redrive));
      if (redrive.stalls === 0) stalled.delete(key);
    },
    extendPass: async (until) => {
      passUntil = until;
    },
  };
};
