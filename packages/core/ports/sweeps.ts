/** The times of the last sweeps, for the health check. */
export type Sweeps = {
  /** Records a sweep. A paused sweep claims nothing, because operators paused all work. */
  record: (now: number, isPaused: boolean) => Promise<void>;
  /** Time of the last sweep, epoch milliseconds; undefined before the first. */
  last: () => Promise<number | undefined>;
  /** Time of the last paused sweep, epoch milliseconds; undefined before the first. */
  lastPause: () => Promise<number | undefined>;
};
