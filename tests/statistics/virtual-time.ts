import { createTimeline } from './timeline.ts';

/** Virtual time, for code that sleeps: it jumps to the time at which the next sleeper wakes. */
export const createVirtualTime = (start: number) => {
  const timeline = createTimeline<() => void>();
  let time = start;
  /** Lets all pending promises settle. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    now: () => time,
    sleep: (ms: number): Promise<void> => new Promise((resolve) => timeline.add(time + ms, resolve)),
    at: (atMs: number, run: () => void): void => timeline.add(atMs, run),
    /** Runs until there are no sleepers. */
    run: async (): Promise<void> => {
      await settle();
      for (let next = timeline.next(); next; next = timeline.next()) {
        time = next.at;
        next.event();
        await settle();
      }
    },
  };
};
