import type { CircuitChange } from './circuit-breaker.ts';
import { type TellDeps, toCircuitEvent } from './tell-operators.ts';

/** Tells operators of a circuit that opened or closed, and counts those that opened. It never throws. */
export const createAnnounce =
  ({ publish, meter }: TellDeps) =>
  async (change: CircuitChange): Promise<void> => {
    const of = change.circuit.key.startsWith('provider#') ? 'provider' : 'callback';
    if (change.isOpen) meter.count('CircuitOpened', { of });
    await publish(toCircuitEvent(change));
  };
