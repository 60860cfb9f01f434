import { type CircuitState, providerCircuitKey } from '@boomerang/core/domain/circuit.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { Circuits } from '@boomerang/core/ports/circuits.ts';
import { createFreshness } from '@boomerang/core/use-cases/freshness.ts';
import type { OfferedProvider } from './schema.ts';

type CircuitStatesDeps = { circuits: Pick<Circuits, 'list'>; now: () => number; log: Log };

/** Returns the state of a provider's circuit; undefined while circuits can't be read. */
export type StateOfCircuit = (providerId: string) => OfferedProvider['circuit'];

/**
 * Reads the circuits of all providers with one query, at most once in five seconds. It never throws: the catalogue is useful
 * without circuit states.
 */
export const createCircuitStates = ({ circuits, now, log }: CircuitStatesDeps): (() => Promise<StateOfCircuit>) => {
  let known: ReadonlyMap<string, CircuitState> | undefined;
  const { refresh } = createFreshness(now, async (at) => {
    try {
      known = await circuits.list(at);
    } catch (error) {
      known = undefined;
      log.warn('Circuit states unavailable', { error });
    }
  });
  return async () => {
    await refresh();
    return (providerId) => known && stateOf(known.get(providerCircuitKey(providerId)), now());
  };
};

/** The state as the API names it. Once the open time is over, the next call is a probe. */
const stateOf = ({ open }: CircuitState = {}, now: number): NonNullable<OfferedProvider['circuit']> => {
  if (!open) return 'closed';
  return open.halfOpen || open.openUntil <= now ? 'half_open' : 'open';
};
