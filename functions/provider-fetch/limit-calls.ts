import type { Provider } from '@boomerang/core/domain/catalogue.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { Limits, Slot } from '@boomerang/core/ports/limits.ts';

export type CallLimiterDeps = {
  limits: Limits;
  now: () => number;
  sleep: (ms: number) => Promise<unknown>;
  log: Log;
};

/** What a provider allows is used up, for longer than it is worth waiting. */
export class LimitReached extends Error {
  override name = 'LimitReached';
}

/**
 * Makes calls within the limits that their provider states, over all functions that call it. A provider that states none
 * costs nothing.
 */
export type LimitCalls = <T>(provider: Provider, call: () => Promise<T>) => Promise<T>;

/** Waiting and calling together take at most so long, milliseconds. */
export const WAIT_AND_CALL_MS = 15_000;
export const MAX_WAIT_MS = 5_000;
const LOOK_AGAIN_MS = 250;
/** A place is held so much longer than the call may take. */
const SLACK_MS = 5_000;
/** The calls of a second are taken in so many slices: a write each, instead of one a call. */
const SLICES = 10;

export const createCallLimiter = ({ limits, now, sleep, log }: CallLimiterDeps): LimitCalls => {
  /** Calls of a second that were taken and not made yet. */
  const slices = new Map<string, { second: number; left: number }>();

  const takeCall = async (providerId: string, rate: number): Promise<true | undefined> => {
    const second = Math.floor(now() / 1000);
    const slice = slices.get(providerId);
    if (slice?.second === second && slice.left > 0) {
      slice.left -= 1;
      return true;
    }
    const size = Math.max(1, Math.floor(rate / SLICES));
    for (const calls of new Set([size, 1])) {
      if (!(await limits.takeCalls(providerId, second, calls, rate))) continue;
      const mine = slices.get(providerId);
      // Others of this process may have taken a slice meanwhile.
      slices.set(providerId, { second, left: calls - 1 + (mine?.second === second ? mine.left : 0) });
      return true;
    }
    return undefined;
  };

  /** Tries until it has what it wants, or has waited long enough. */
  const waitFor = async <T>(take: () => Promise<T | undefined>, until: number): Promise<T> => {
    for (;;) {
      const taken = await take();
      if (taken !== undefined) return taken;
      if (now() + LOOK_AGAIN_MS > until) throw new LimitReached();
      await sleep(LOOK_AGAIN_MS);
    }
  };

  const free = async (slot: Slot): Promise<void> => {
    try {
      await limits.freeSlot(slot);
    } catch (error) {
      log.warn('Could not give a place back: its time has to run out', { providerId: slot.key, error });
    }
  };

  return async ({ id, timeoutMs, concurrency, ratePerSecond }, call) => {
    if (concurrency === undefined && ratePerSecond === undefined) return call();
    const until = now() + Math.min(MAX_WAIT_MS, Math.max(0, WAIT_AND_CALL_MS - timeoutMs));
    const takeSlot = async (limit: number) => {
      const at = now();
      return limits.takeSlot(id, limit, at, at + MAX_WAIT_MS + timeoutMs + SLACK_MS);
    };
    const slot = concurrency === undefined ? undefined : await waitFor(() => takeSlot(concurrency), until);
    try {
      if (ratePerSecond !== undefined) await waitFor(() => takeCall(id, ratePerSecond), until);
      return await call();
    } finally {
      if (slot) await free(slot);
    }
  };
};
