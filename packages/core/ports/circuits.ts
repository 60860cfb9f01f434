import type { CircuitState, OpenCircuit, Tally, Watch } from '../domain/circuit.ts';

/** What is known of third parties in trouble. Circuits that are closed and not watched are not there. */
export type Circuits = {
  /** All circuits of providers that are open or watched, by key. */
  list: (now: number) => Promise<Map<string, CircuitState>>;
  /** The circuit of a receiver. */
  find: (key: string, now: number) => Promise<CircuitState>;
  /** Puts a watch on a circuit. False when there is one already. */
  watch: (key: string, watch: Watch, now: number) => Promise<boolean>;
  /** Changes the watch that began at `since`. False when it is gone. */
  updateWatch: (key: string, since: number, change: WatchChange) => Promise<boolean>;
  /**
   * Adds to the tally of a window.
   * @param expiresAt epoch seconds
   * @returns the whole tally
   */
  count: (key: string, window: number, tally: Tally, expiresAt: number) => Promise<Tally>;
  /** Opens a circuit. False when it is open already. */
  open: (circuit: OpenCircuit, now: number) => Promise<boolean>;
  /** Changes an open circuit on condition that it is as it was read: of several processes one succeeds. */
  move: (read: OpenCircuit, next: OpenCircuit) => Promise<boolean>;
  /**
   * Closes a circuit on condition that it is as it was read, and drops its watch and its tallies, so that what was counted
   * before it opened can't open it again.
   */
  close: (read: OpenCircuit, windows: number[]) => Promise<boolean>;
};

export type WatchChange = Pick<Watch, 'expiresAt'> | Pick<Watch, 'weight' | 'weightFrom' | 'weightUntil'>;
