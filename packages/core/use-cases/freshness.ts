import { CACHE_MS } from '../domain/circuit.ts';

/** Keeps a process's copy of shared state at most `CACHE_MS` old. */
export type Freshness = {
  /** Reads if the copy is stale. Concurrent calls share one read. */
  refresh: () => Promise<void>;
  /** Marks the copy as stale. */
  expire: () => void;
};

/**
 * @param read reads the state and keeps the copy; `at` is the current time, epoch milliseconds. It must not throw: a failed
 * read is cached as long as a successful one
 */
export const createFreshness = (now: () => number, read: (at: number) => Promise<void>): Freshness => {
  let validUntil = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  const readNow = async (): Promise<void> => {
    const at = now();
    validUntil = at + CACHE_MS;
    await read(at);
  };
  return {
    refresh: async () => {
      if (now() >= validUntil) {
        reading ??= readNow().finally(() => {
          reading = undefined;
        });
      }
      await reading;
    },
    expire: () => {
      validUntil = Number.NEGATIVE_INFINITY;
    },
  };
};
