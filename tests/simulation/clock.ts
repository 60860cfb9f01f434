/**
 * Virtual time that jumps from event to event. While installed, it replaces all timers, including those of the state machine
 * interpreter, so that days take milliseconds and a seed always gives the same order of events.
 */
export const createClock = (start: number) => {
  let now = start;
  let sequence = 0;
  const due: { at: number; id: number; run: () => void }[] = [];
  const real = { setTimeout, clearTimeout, dateNow: Date.now, random: Math.random };

  const schedule = (run: () => void, ms = 0): number => {
    sequence += 1;
    const event = { at: now + Math.max(0, Math.round(ms)), id: sequence, run };
    // There are few pending events, so insertion from the end is faster than a heap.
    let index = due.length;
    while (index > 0 && (due[index - 1]?.at ?? 0) > event.at) index -= 1;
    due.splice(index, 0, event);
    return event.id;
  };
  const cancel = (id: unknown): void => {
    const index = due.findIndex((event) => event.id === id);
    if (index >= 0) due.splice(index, 1);
  };
  /** Lets all pending promises settle. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

  return {
    now: () => now,
    sleep: (ms: number) => new Promise<void>((resolve) => void schedule(resolve, ms)),
    after: (ms: number, run: () => void) => void schedule(run, ms),
    /** Runs every event up to a time. */
    runTo: async (time: number): Promise<void> => {
      await settle();
      for (let next = due[0]; next !== undefined && next.at <= time; next = due[0]) {
        due.shift();
        now = next.at;
        next.run();
        await settle();
      }
      now = Math.max(now, time);
    },
    install: (random: () => number): void => {
      Object.assign(globalThis, { setTimeout: schedule, clearTimeout: cancel });
      Date.now = () => now;
      Math.random = random;
    },
    uninstall: (): void => {
      Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
      Date.now = real.dateNow;
      Math.random = real.random;
    },
  };
};

export type Clock = ReturnType<typeof createClock>;
