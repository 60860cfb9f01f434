export const toEpochSeconds = (epochMs: number): number => Math.ceil(epochMs / 1000);
