/**
 * The rate limit of a client: one counter per minute, exact for limits up to 200 jobs a minute. For higher limits, one in
 * `weight` requests, at random, counts as `weight` jobs, so that a minute at the limit costs about 200 writes.
 */

const WINDOW_MS = 60_000;
const SAMPLES = 200;

export type ClientRate = {
  /** The number of the minute since the epoch. */
  window: number;
  /** The end of the minute, epoch milliseconds. */
  windowEndsAt: number;
  /** Jobs that the client may post in the minute. */
  limit: number;
  /** Jobs that a counted request represents. */
  weight: number;
};

/** @param ratePerSecond above 0 */
export const clientRateAt = (now: number, ratePerSecond: number): ClientRate => {
  const window = Math.floor(now / WINDOW_MS);
  const limit = Math.max(1, Math.floor((ratePerSecond * WINDOW_MS) / 1_000));
  return { window, windowEndsAt: (window + 1) * WINDOW_MS, limit, weight: Math.ceil(limit / SAMPLES) };
};
