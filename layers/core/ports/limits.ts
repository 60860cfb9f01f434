/** A call's place among those that may be under way at once. */
export type Slot = {
  key: string;
  number: number /** Epoch milliseconds; then the place is free by itself. */;
  heldUntil: number;
};

/** How much of a third party is in use, over all functions that call it. */
export type Limits = {
  /**
   * Takes calls of one second of the clock, all of them or none.
   * @param second epoch seconds
   */
  takeCalls: (key: string, second: number, calls: number, limit: number) => Promise<boolean>;
  /** Takes one of `limit` places. Undefined when none was found free. */
  takeSlot: (key: string, limit: number, now: number, heldUntil: number) => Promise<Slot | undefined>;
  freeSlot: (slot: Slot) => Promise<void>;
};
