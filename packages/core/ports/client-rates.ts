/** Jobs posted per client, counted across all function instances. */
export type ClientRates = {
  /**
   * Adds to a client's jobs in a window.
   * @param expiresAt epoch seconds
   * @returns the new total
   */
  count: (clientId: string, window: number, jobs: number, expiresAt: number) => Promise<number>;
  /** Publishes that a client has exceeded its rate until a time, epoch milliseconds. */
  limit: (clientId: string, until: number) => Promise<void>;
  /** The clients over their rate, each with the end of its limit, epoch milliseconds. */
  listLimited: (now: number) => Promise<Map<string, number>>;
};
