/** What sweeps leave behind, so that others can tell whether they run. */
export type Sweeps = {
  /** Records that a sweep read what is due, or did not because operators have paused everything. */
  record: (now: number, isPaused: boolean) => Promise<void>;
  /** When a sweep was last recorded, epoch milliseconds; undefined when none was. */
  last: () => Promise<number | undefined>;
  /** When a paused sweep was last recorded, epoch milliseconds; undefined when none was. */
  lastPause: () => Promise<number | undefined>;
};
