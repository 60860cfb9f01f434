/**
 * The rule of how many jobs a client may post: a counter for each minute, exact up to 200 jobs a minute. Above, a random
 * one in `weight` requests counts for `weight` jobs, so that a minute at the limit costs some 200 writes.
 */

const WINDOW_MS = 60_000;
const SAMPLES = 200;

export type ClientRate = {
  /** Which minute it is. */
  window: number;
  /** The end of the minute, epoch milliseconds. */
  windowEndsAt: number;
  /** How many jobs a client may post in it. */
  limit: number;
  /** How many jobs a counted request stands for. */
  weight: number;
};

/** @param ratePerSecond above 0 */
export const clientRateAt = (now: number, ratePerSecond: number): ClientRate => {
  const window = Math.floor(now / WINDOW_MS);
  const limit = Math.max(1, Math.floor((ratePerSecond * WINDOW_MS) / 1_000));
  return { window, windowEndsAt: (window + 1) * WINDOW_MS, limit, weight: Math.ceil(limit / SAMPLES) };
};
