/**
 * A DynamoDB TTL: epoch seconds, rounded up so that items do not expire early.
 *
 * @param epochMs epoch milliseconds
 */
export const toEpochSeconds = (epochMs: number): number => Math.ceil(epochMs / 1000);

/** Epoch milliseconds of a DynamoDB TTL. */
export const toEpochMs = (epochSeconds: number): number => epochSeconds * 1000;

/**
 * The latest TTL that has expired, epoch seconds, for comparison in conditions and filters.
 *
 * @param now epoch milliseconds
 */
export const latestExpired = (now: number): number => Math.floor(now / 1000);

/** DynamoDB deletes expired items within days, not at once; until then, readers treat them as absent. */
export const isExpired = ({ expiresAt }: { expiresAt?: number | undefined }, now: number): boolean =>
  expiresAt !== undefined && expiresAt <= latestExpired(now);
