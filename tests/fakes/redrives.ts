import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import type { Redrive } from '@boomerang/core/domain/redrive.ts';
import type { Redrives } from '@boomerang/core/ports/redrives.ts';

/** The port of redrives, in memory. */
export const createFakeRedrives = (): Redrives & { all: Map<string, Redrive> } => {
  const all = new Map<string, Redrive>();
  return {
    all,
    create: async (redrive) => void all.set(redrive.redriveId, structuredClone(redrive)),
    get: async (redriveId, now) => {
      const redrive = all.get(redriveId);
      return redrive?.expiresAt !== undefined && redrive.expiresAt * 1000 <= now ? undefined : structuredClone(redrive);
    },
    findDue: async (now) =>
      [...all.values()]
        .filter(({ dueAt }) => dueAt !== undefined && dueAt <= now)
        .sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0)),
    claim: async ({ redriveId, claims }, now, leaseMs) => {
      const redrive = all.get(redriveId);
      if (redrive?.claims !== claims || redrive.dueAt === undefined || redrive.dueAt > now) return undefined;
      const claimed = { ...redrive, claims: claims + 1, dueAt: now + leaseMs };
      all.set(redriveId, claimed);
      return structuredClone(claimed);
    },
    save: async (redrive) => {
      const there = all.get(redrive.redriveId);
      if (there?.claims !== redrive.claims || there.dueAt === undefined) throw new StaleClaim('stale');
      all.set(redrive.redriveId, structuredClone(redrive));
    },
  };
};
