/**
 * The time of a DynamoDB TTL: epoch seconds, rounded up, so that nothing expires early.
 *
 * @param epochMs epoch milliseconds
 */
export const toEpochSeconds = (epochMs: number): number => Math.ceil(epochMs / 1000);
