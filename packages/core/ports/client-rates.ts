/** How much clients have posted lately, over all functions that take their jobs. */
export type ClientRates = {
  /**
   * Adds jobs to what a client has posted in a window.
   * @param expiresAt epoch seconds
   * @returns all that was counted in it
   */
  count: (clientId: string, window: number, jobs: number, expiresAt: number) => Promise<number>;
  /** Makes known that a client has used up its rate until a time, epoch milliseconds. */
  limit: (clientId: string, until: number) => Promise<void>;
  /** The clients that have used up their rate, and until when. */
  listLimited: (now: number) => Promise<Map<string, number>>;
};
