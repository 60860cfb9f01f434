import { CACHE_MS } from '../domain/circuit.ts';

/** Keeps what a process knows of a shared table at most `CACHE_MS` old. */
export type Freshness = {
  /** Reads, unless what was read is recent enough; calls that come during a read wait for that one. */
  refresh: () => Promise<void>;
  /** What is known was wrong: it is read again before it is used. */
  expire: () => void;
};

/**
 * @param read reads what the table says at a time (epoch milliseconds), and keeps it; it never throws, and after a read that
 * failed the next one waits as long as after any other
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
