import {
  type CircuitState,
  isProviderCircuit,
  type OpenCircuit,
  type Tally,
  type Watch,
} from '@boomerang/core/domain/circuit.ts';
import { isExpired, toEpochSeconds } from '@boomerang/core/domain/ttl.ts';
import type { CallCounts, Circuits, Tallies } from '@boomerang/core/ports/circuits.ts';
import type { Limits, Slot } from '@boomerang/core/ports/limits.ts';

/** An entry that readers no longer see once it has expired. */
type Expiring = { expiresAt: number };
const isPresent = <T extends Expiring>(entry: T | undefined, now: number): entry is T =>
  entry !== undefined && !isExpired(entry, now);

/** How long an open circuit is stored after its open time, milliseconds. */
const RETENTION_MS = 3_600_000;

/** The `Circuits` port, in memory. */
export const createFakeCircuits = () => {
  const open = new Map<string, OpenCircuit>();
  const watches = new Map<string, Watch>();
  const tallies = new Map<string, Tally & Expiring>();
  const toExpiring = ({ openUntil }: OpenCircuit): Expiring => ({
    expiresAt: toEpochSeconds(openUntil + RETENTION_MS),
  });
  const isUnchanged = ({ key, openUntil }: OpenCircuit) => open.get(key)?.openUntil === openUntil;
  const isOpen = (key: string, now: number) => {
    const circuit = open.get(key);
    return circuit !== undefined && isPresent(toExpiring(circuit), now);
  };
  const stateOf = (key: string, now: number): CircuitState => {
    const watch = watches.get(key);
    return { ...(isOpen(key, now) && { open: open.get(key) }), ...(isPresent(watch, now) && { watch }) };
  };
  const circuits: Circuits = {
    list: async (now) => {
      const keys = new Set([...open.keys(), ...watches.keys()].filter(isProviderCircuit));
      const states = [...keys].map((key) => [key, stateOf(key, now)] as const);
      return new Map(states.filter(([, state]) => state.open ?? state.watch));
    },
    find: async (key, now) => stateOf(key, now),
    watch: async (key, watch, now) => {
      if (isPresent(watches.get(key), now)) return false;
      watches.set(key, watch);
      return true;
    },
    updateWatch: async (key, since, change) => {
      const watch = watches.get(key);
      if (watch?.since !== since) return false;
      watches.set(key, { ...watch, ...change });
      return true;
    },
    count: async (key, window, { calls, failures, samples }, expiresAt) => {
      const before = tallies.get(`${key} ${window}`) ?? { calls: 0, failures: 0, samples: 0 };
      const tally = {
        calls: before.calls + calls,
        failures: before.failures + failures,
        samples: before.samples + samples,
      };
      tallies.set(`${key} ${window}`, { ...tally, expiresAt });
      return tally;
    },
    open: async (circuit, now) => {
      if (isOpen(circuit.key, now)) return false;
      open.set(circuit.key, circuit);
      return true;
    },
    replace: async (read, next) => {
      if (!isUnchanged(read)) return false;
      open.set(read.key, next);
      return true;
    },
    close: async (read, windows) => {
      watches.delete(read.key);
      for (const window of windows) tallies.delete(`${read.key} ${window}`);
      return isUnchanged(read) && open.delete(read.key);
    },
  };
  const sum: Tallies['sum'] = async (keys, windows) => {
    const sums = new Map<string, CallCounts>();
    for (const key of keys) {
      const counted = windows.flatMap((window) => tallies.get(`${key} ${window}`) ?? []);
      const total = (count: keyof CallCounts) => counted.reduce((before, tally) => before + tally[count], 0);
      if (counted.length > 0) sums.set(key, { calls: total('calls'), failures: total('failures') });
    }
    return sums;
  };
  return {
    ...circuits,
    sum,
    all: open,
    watches,
    tallies,
    /** TTL deletion: removes expired entries. */
    expire: (now: number): void => {
      for (const [key, circuit] of open) if (!isPresent(toExpiring(circuit), now)) open.delete(key);
      for (const [key, watch] of watches) if (!isPresent(watch, now)) watches.delete(key);
      for (const [key, tally] of tallies) if (!isPresent(tally, now)) tallies.delete(key);
    },
  };
};

/** Writes per second that a key of the table accepts. Failed conditional writes count, too. */
const WRITES_PER_SECOND = 1_000;

/**
 * The `Limits` port, in memory.
 * @param now the current time; if given, keys are throttled as in the table
 */
export const createFakeLimits = (now?: () => number): Limits => {
  const calls = new Map<string, number>();
  const slots = new Map<string, Omit<Slot, 'key' | 'number'>>();
  const written = new Map<string, { second: number; writes: number }>();
  let holders = 0;
  const isThrottled = (key: string): boolean => {
    if (!now) return false;
    const second = Math.floor(now() / 1_000);
    const before = written.get(key);
    const writes = (before?.second === second ? before.writes : 0) + 1;
    written.set(key, { second, writes });
    return writes > WRITES_PER_SECOND;
  };
  return {
    reserveCall: async (key, part, second, limit) => {
      if (isThrottled(`rate ${key} ${part}`)) return false;
      const used = calls.get(`${key} ${part} ${second}`) ?? 0;
      if (used >= limit) return false;
      calls.set(`${key} ${part} ${second}`, used + 1);
      return true;
    },
    findFreeSlots: async (key, limit, at) =>
      Array.from({ length: limit }, (_, number) => number).filter(
        (number) => (slots.get(`${key} ${number}`)?.heldUntil ?? 0) <= at,
      ),
    acquireSlot: async (key, number, at, heldUntil) => {
      if (isThrottled(`slots ${key}`)) return undefined;
      if ((slots.get(`${key} ${number}`)?.heldUntil ?? 0) > at) return undefined;
      holders += 1;
      const held = { heldUntil, holder: String(holders) };
      slots.set(`${key} ${number}`, held);
      return { key, number, ...held };
    },
    releaseSlot: async ({ key, number, holder }) => {
      const held = slots.get(`${key} ${number}`);
      if (held?.holder === holder) slots.set(`${key} ${number}`, { ...held, heldUntil: 0 });
    },
  };
};
