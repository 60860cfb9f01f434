/** The range of ISO 8601 years with four digits. Strings of other years have a sign and do not sort chronologically. */
export const MIN_TIME_MS = Date.parse('0000-01-01T00:00:00.000Z');
export const MAX_TIME_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** A time as ISO 8601, UTC. */
export const toIso = (epochMs: number): string => new Date(epochMs).toISOString();
