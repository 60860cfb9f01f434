import type { CircuitChange } from './circuit-breaker.ts';
import { type NotifyDeps, toCircuitEvent } from './notify-operators.ts';

/** Tells operators of a circuit that opened or closed, and counts those that opened. It never throws. */
export const createAnnounce =
  ({ publish, metrics }: NotifyDeps) =>
  async (change: CircuitChange): Promise<void> => {
    const of = change.circuit.key.startsWith('provider#') ? 'provider' : 'callback';
    if (change.isOpen) metrics.count('CircuitOpened', { of });
    await publish(toCircuitEvent(change));
  };
