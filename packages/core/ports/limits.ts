/** One of the concurrent calls that a limit allows. */
export type Slot = {
  key: string;
  number: number;
  /** Epoch milliseconds; the slot is free after that. */
  heldUntil: number;
  /** Random token of the holder. */
  holder: string;
};

/** Rate and concurrency limits per third party, shared by all function instances. Each operation is one table request. */
export type Limits = {
  /**
   * Reserves one call in the budget of a second. False if the budget is used up or the table throttles.
   * @param part number of the counter; busy limits are spread over several counters
   * @param second epoch seconds
   * @param limit budget of this counter
   */
  reserveCall: (key: string, part: number, second: number, limit: number) => Promise<boolean>;
  /** The numbers of the slots below `limit` that look free. */
  findFreeSlots: (key: string, limit: number, now: number) => Promise<number[]>;
  /** Acquires a slot. Undefined if another holder has it. */
  acquireSlot: (key: string, number: number, now: number, heldUntil: number) => Promise<Slot | undefined>;
  releaseSlot: (slot: Slot) => Promise<void>;
};
