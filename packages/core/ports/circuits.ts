import type { CircuitState, OpenCircuit, Tally, Watch } from '../domain/circuit.ts';

/** The shared state of circuits. Circuits that are closed and unwatched are not stored. */
export type Circuits = {
  /** The open or watched circuits of all providers, by key. */
  list: (now: number) => Promise<Map<string, CircuitState>>;
  /** The circuit of a receiver. */
  find: (key: string, now: number) => Promise<CircuitState>;
  /** Starts a watch on a circuit. False if one exists. */
  watch: (key: string, watch: Watch, now: number) => Promise<boolean>;
  /** Changes the watch that began at `since`. False if it no longer exists. */
  updateWatch: (key: string, since: number, change: WatchChange) => Promise<boolean>;
  /**
   * Adds to the tally of a window.
   * @param window number of the window: see `windowAt`
   * @param expiresAt epoch seconds
   * @returns the new total
   */
  count: (key: string, window: number, tally: Tally, expiresAt: number) => Promise<Tally>;
  /** Opens a circuit. False if it is already open. */
  open: (circuit: OpenCircuit, now: number) => Promise<boolean>;
  /** Replaces an open circuit if it is unchanged since it was read, so that only one process succeeds. */
  replace: (read: OpenCircuit, next: OpenCircuit) => Promise<boolean>;
  /**
   * Closes a circuit if it is unchanged since it was read. Deletes its watch and its tallies, so that old counts can't open it
   * again.
   */
  close: (read: OpenCircuit, windows: number[]) => Promise<boolean>;
};

export type WatchChange = Pick<Watch, 'expiresAt'> | Pick<Watch, 'weight' | 'weightFrom' | 'weightUntil'>;

/** The calls counted by circuits, for display. */
export type Tallies = {
  /** Adds up the tallies of some windows, by the key of the circuit. Circuits without one are left out. */
  sum: (keys: readonly string[], windows: readonly number[]) => Promise<Map<string, CallCounts>>;
};

export type CallCounts = Pick<Tally, 'calls' | 'failures'>;
