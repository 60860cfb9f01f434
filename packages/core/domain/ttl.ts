/**
 * The time of a DynamoDB TTL: epoch seconds, rounded up, so that nothing expires early.
 *
 * @param epochMs epoch milliseconds
 */
export const toEpochSeconds = (epochMs: number): number => Math.ceil(epochMs / 1000);

/** Epoch milliseconds of a DynamoDB TTL. */
export const toEpochMs = (epochSeconds: number): number => epochSeconds * 1000;

/**
 * The latest TTL, in epoch seconds, of which all that carries it has expired: what a condition or a filter compares with.
 *
 * @param now epoch milliseconds
 */
export const latestExpired = (now: number): number => Math.floor(now / 1000);

/** DynamoDB deletes what has expired within days, not at once: until then, readers take it for absent. */
export const isExpired = ({ expiresAt }: { expiresAt?: number }, now: number): boolean =>
  expiresAt !== undefined && expiresAt <= latestExpired(now);
