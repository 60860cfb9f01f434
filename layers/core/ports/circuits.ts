import type { OpenCircuit, Tally } from '../domain/circuit.ts';

/** What is known of third parties in trouble. Circuits that are closed are not there. */
export type Circuits = {
  /** Those that are open, or wait for a probe. */
  listOpen: (now: number) => Promise<OpenCircuit[]>;
  /**
   * Adds to what was counted of a window.
   * @param expiresAt when it may be forgotten, epoch seconds
   * @returns all that was counted of it
   */
  count: (key: string, window: number, tally: Tally, expiresAt: number) => Promise<Tally>;
  /** Opens a circuit. False when it is open already. */
  open: (circuit: OpenCircuit, now: number) => Promise<boolean>;
  /** Changes one on the condition that it is as it was read: of many who try, one succeeds. */
  move: (read: OpenCircuit, next: OpenCircuit) => Promise<boolean>;
  /** Closes one on the condition that it is as it was read. */
  close: (read: OpenCircuit) => Promise<boolean>;
};
