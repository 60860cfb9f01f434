import type { OpenCircuit, Tally } from '@boomerang/core/domain/circuit.ts';
import type { Circuits } from '@boomerang/core/ports/circuits.ts';
import type { Limits } from '@boomerang/core/ports/limits.ts';

/** The port of circuits, in memory. */
export const createFakeCircuits = (): Circuits & { all: Map<string, OpenCircuit> } => {
  const open = new Map<string, OpenCircuit>();
  const tallies = new Map<string, Tally>();
  const isAsRead = ({ key, openUntil }: OpenCircuit) => open.get(key)?.openUntil === openUntil;
  return {
    all: open,
    listOpen: async () => [...open.values()],
    count: async (key, window, { calls, failures }) => {
      const before = tallies.get(`${key} ${window}`) ?? { calls: 0, failures: 0 };
      const tally = { calls: before.calls + calls, failures: before.failures + failures };
      tallies.set(`${key} ${window}`, tally);
      return { ...tally };
    },
    open: async (circuit) => {
      if (open.has(circuit.key)) return false;
      open.set(circuit.key, circuit);
      return true;
    },
    move: async (read, next) => {
      if (!isAsRead(read)) return false;
      open.set(read.key, next);
      return true;
    },
    close: async (read) => isAsRead(read) && open.delete(read.key),
  };
};

/** The port of limits, in memory. */
export const createFakeLimits = (): Limits => {
  const calls = new Map<string, number>();
  const slots = new Map<string, number>();
  return {
    takeCalls: async (key, second, count, limit) => {
      const taken = (calls.get(`${key} ${second}`) ?? 0) + count;
      if (taken > limit) return false;
      calls.set(`${key} ${second}`, taken);
      return true;
    },
    takeSlot: async (key, limit, now, heldUntil) => {
      for (let number = 0; number < limit; number += 1) {
        if ((slots.get(`${key} ${number}`) ?? 0) > now) continue;
        slots.set(`${key} ${number}`, heldUntil);
        return { key, number, heldUntil };
      }
      return undefined;
    },
    freeSlot: async ({ key, number, heldUntil }) => {
      if (slots.get(`${key} ${number}`) === heldUntil) slots.set(`${key} ${number}`, 0);
    },
  };
};
