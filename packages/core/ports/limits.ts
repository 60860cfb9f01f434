/** The right to one of the calls that may be under way at once. */
export type Slot = {
  key: string;
  number: number;
  /** Epoch milliseconds; then the slot is free by itself. */
  heldUntil: number;
  /** Tells it from another holder's. */
  holder: string;
};

/** How much of a third party is in use, over all functions that call it. Each operation is one request to the table. */
export type Limits = {
  /**
   * Takes one call out of one second of the clock. False when there is none left, or the table is too busy to tell.
   * @param part which of the counters that share the limit
   * @param second epoch seconds
   * @param limit how many calls this counter has
   */
  takeCall: (key: string, part: number, second: number, limit: number) => Promise<boolean>;
  /** The numbers of the slots, of `limit`, that look free. */
  findFreeSlots: (key: string, limit: number, now: number) => Promise<number[]>;
  /** Takes a slot. Undefined when another holder has it. */
  takeSlot: (key: string, number: number, now: number, heldUntil: number) => Promise<Slot | undefined>;
  freeSlot: (slot: Slot) => Promise<void>;
};
