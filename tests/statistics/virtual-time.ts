import { createTimeline } from './timeline.ts';

/** Time that passes from one sleeper to the next, for code that waits. */
export const createVirtualTime = (start: number) => {
  const timeline = createTimeline<() => void>();
  let time = start;
  /** Lets everything go on that waits for nothing but promises. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    now: () => time,
    sleep: (ms: number): Promise<void> => new Promise((resolve) => timeline.add(time + ms, resolve)),
    at: (atMs: number, run: () => void): void => timeline.add(atMs, run),
    /** Runs until nothing sleeps any more. */
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
