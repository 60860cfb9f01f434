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

type CircuitStatesDeps = {
  circuits: Pick<Circuits, 'list'>;
  tallies: Tallies;
  rules: Pick<CircuitRules, 'windowMs'>;
  now: () => number;
  log: Log;
};

/** Returns what is known of a provider's circuit; nothing while circuits can't be read. */
export type FindCircuit = (providerId: string) => Pick<OfferedProvider, 'circuit' | 'recentCalls'>;

/** The sums of the tallies in the windows since `since` (epoch milliseconds), by the key of the circuit. */
type Counted = { sums: ReadonlyMap<string, CallCounts>; since: number };

/**
 * Reads the circuits of all providers with one query, and the tallies of those that are watched or open with another request,
 * each at most once in five seconds. It never throws: the catalogue is useful without them.
 */
export const createCircuitStates = ({ circuits, tallies, rules, now, log }: CircuitStatesDeps) => {
  let known: { states?: ReadonlyMap<string, CircuitState>; counted?: Counted } = {};

  const { refresh } = createFreshness(now, async (at) => {
    known = {};
    try {
      const states = await circuits.list(at);
      known = { states };
      const { windows, since } = recentWindows(at, rules);
      const sums = states.size === 0 ? new Map() : await tallies.sum([...states.keys()], windows);
      known = { states, counted: { sums, since } };
    } catch (error) {
      log.warn('Circuit states unavailable', { error });
    }
  });

  return async (): Promise<FindCircuit> => {
    await refresh();
    const { states, counted } = known;
    return (providerId) => {
      if (!states) return {};
      const key = providerCircuitKey(providerId);
      const state = states.get(key);
      return { circuit: nameOf(state, now()), ...(counted && { recentCalls: recentCalls(key, state, counted) }) };
    };
  };
};

/** The state as the API names it. Once the open time is over, the next call is a probe. */
const nameOf = ({ open }: CircuitState = {}, now: number): NonNullable<OfferedProvider['circuit']> => {
  if (!open) return 'closed';
  return open.halfOpen || open.openUntil <= now ? 'half_open' : 'open';
};

const NO_CALLS = { calls: 0, failures: 0 };

/** Calls are counted only while a circuit is watched or open. */
const recentCalls = (key: string, state: CircuitState | undefined, { sums, since }: Counted) => {
  if (!state) return NO_CALLS;
  const from = Math.max(since, state.watch?.since ?? 0);
  return { ...NO_CALLS, ...sums.get(key), since: new Date(from).toISOString() };
};
