/**
 * Time that passes from event to event. While it is installed, the timers of everything (the interpreter of the state
 * machine with its retries and time-outs, too) are its own, so that days take milliseconds and the same seed gives the same
 * order of events.
 */
export const createClock = (start: number) => {
  let now = start;
  let sequence = 0;
  const due: { at: number; id: number; run: () => void }[] = [];
  const real = { setTimeout, clearTimeout, dateNow: Date.now, random: Math.random };

  const schedule = (run: () => void, ms = 0): number => {
    sequence += 1;
    const event = { at: now + Math.max(0, Math.round(ms)), id: sequence, run };
    // Few are waiting at any time: finding the place from the end is quicker than a heap.
    let place = due.length;
    while (place > 0 && (due[place - 1]?.at ?? 0) > event.at) place -= 1;
    due.splice(place, 0, event);
    return event.id;
  };
  const cancel = (id: unknown): void => {
    const place = due.findIndex((event) => event.id === id);
    if (place >= 0) due.splice(place, 1);
  };
  /** Lets everything go on that waits for nothing but promises. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

  return {
    now: () => now,
    sleep: (ms: number) => new Promise<void>((resolve) => void schedule(resolve, ms)),
    after: (ms: number, run: () => void) => void schedule(run, ms),
    /** Goes on to a time, through every event before it. */
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
