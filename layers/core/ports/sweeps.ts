/** What sweeps leave behind, so that others can tell whether they run. */
export type Sweeps = {
  /** Records that a sweep read what is due. */
  record: (now: number) => Promise<void>;
  /** When a sweep was last recorded, epoch milliseconds; undefined when none was. */
  last: () => Promise<number | undefined>;
};
