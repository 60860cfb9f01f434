import {
  type CircuitRules,
  type CircuitState,
  providerCircuitKey,
  recentWindows,
} from '@boomerang/core/domain/circuit.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { CallCounts, Circuits, Tallies } from '@boomerang/core/ports/circuits.ts';
import { createFreshness } from '@boomerang/core/use-cases/freshness.ts';
import type { OfferedProvider } from './schema.ts';

type ReadCircuitsDeps = {
  circuits: Pick<Circuits, 'list'>;
  tallies: Tallies;
  rules: Pick<CircuitRules, 'windowMs'>;
  now: () => number;
  log: Log;
};

/** A provider's circuit as the API shows it; an empty object if circuits could not be read. */
export type CircuitOf = (providerId: string) => Pick<OfferedProvider, 'circuit' | 'recentCalls'>;

/** The calls counted since `since` (epoch milliseconds), by circuit key. */
type RecentCounts = { sums: ReadonlyMap<string, CallCounts>; since: number };

/**
 * Reads the circuits of all providers with one query, and the tallies of the watched and open ones with a second request, at
 * most once in five seconds. It never throws: the catalogue is useful without circuits.
 */
export const createReadCircuits = ({ circuits, tallies, rules, now, log }: ReadCircuitsDeps) => {
  let latest: { states?: ReadonlyMap<string, CircuitState>; counts?: RecentCounts } = {};

  const { refresh } = createFreshness(now, async (at) => {
    latest = {};
    try {
      const states = await circuits.list(at);
      latest = { states };
      const { windows, since } = recentWindows(at, rules);
      const sums = states.size === 0 ? new Map() : await tallies.sum([...states.keys()], windows);
      latest = { states, counts: { sums, since } };
    } catch (error) {
      log.warn('Circuit states unavailable', { error });
    }
  });

  return async (): Promise<CircuitOf> => {
    await refresh();
    const { states, counts } = latest;
    return (providerId) => {
      if (!states) return {};
      const key = providerCircuitKey(providerId);
      const state = states.get(key);
      return { circuit: stateNameOf(state, now()), ...(counts && { recentCalls: recentCalls(key, state, counts) }) };
    };
  };
};

/** The state as the API names it. Once the open time is over, the next call is a probe. */
const stateNameOf = ({ open }: CircuitState = {}, now: number): NonNullable<OfferedProvider['circuit']> => {
  if (!open) return 'closed';
  return open.halfOpen || open.openUntil <= now ? 'half_open' : 'open';
};

const NO_CALLS = { calls: 0, failures: 0 };

/** Calls are counted only while a circuit is watched or open. */
const recentCalls = (key: string, state: CircuitState | undefined, { sums, since }: RecentCounts) => {
  if (!state) return NO_CALLS;
  const from = Math.max(since, state.watch?.since ?? 0);
  return { ...NO_CALLS, ...sums.get(key), since: new Date(from).toISOString() };
};
