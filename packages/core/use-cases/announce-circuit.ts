import { isProviderCircuit } from '../domain/circuit.ts';
import type { CircuitChange } from './circuit-breaker.ts';
import { type NotifyDeps, toCircuitEvent } from './notify-operators.ts';

/** Publishes that a circuit opened or closed, and counts openings. Never throws. */
export const createAnnounce =
  ({ publish, metrics }: NotifyDeps) =>
  async (change: CircuitChange): Promise<void> => {
    const of = isProviderCircuit(change.circuit.key) ? 'provider' : 'callback';
    if (change.isOpen) metrics.count('CircuitOpened', { of });
    await publish(toCircuitEvent(change));
  };
