import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import type { Random } from '@boomerang/core/domain/random.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { Limits, Slot } from '@boomerang/core/ports/limits.ts';

export type CallLimiterDeps = {
  limits: Limits;
  now: () => number;
  random: Random;
  sleep: (ms: number) => Promise<unknown>;
  log: Log;
};

/** The provider's limit is used up, for longer than it is worth waiting. */
export class LimitReached extends Error {
  override name = 'LimitReached';
}

/**
 * Makes calls within the limits that their provider states, over all functions that call it. Each call takes its turn from
 * the table, one at a time: a function instance may live for one call. A provider that states no limit costs nothing.
 */
export type LimitCalls = <T>(
  provider: LimitedProvider,
  call: () => Promise<T>,
  /** How long it may wait, milliseconds; absent: as long as leaves the call its `timeoutMs`. */
  maxWaitMs?: number,
) => Promise<T>;

/** What limiting reads of a provider. */
export type LimitedProvider = Pick<Provider, 'id' | 'timeoutMs' | 'concurrency' | 'ratePerSecond'>;

/** Waiting and calling together take at most so long, milliseconds. */
export const WAIT_AND_CALL_MS = 15_000;
export const MAX_WAIT_MS = 5_000;
/** Requests to the table that a call may cost, waiting and freeing its slot included. */
const MAX_REQUESTS = 5;
/** A slot is held this much longer than the call may take, milliseconds. */
const SLACK_MS = 5_000;

/** A counter takes 1,000 writes a second, those included that are refused: a high rate is spread over several. */
const MAX_CALLS_A_COUNTER = 250;
/** How many counters one caller tries. */
const MAX_COUNTERS = 3;

/** The limits of the counters that share a rate; they add up to it. */
export const countersOf = (ratePerSecond: number): number[] => {
  const count = Math.ceil(ratePerSecond / MAX_CALLS_A_COUNTER);
  return Array.from({ length: count }, (_, part) => Math.floor((ratePerSecond + part) / count));
};

/** What a waiting call has left. */
type Patience = { requests: number; until: number };

export const createCallLimiter = ({ limits, now, random, sleep, log }: CallLimiterDeps): LimitCalls => {
  /** Whether there is a request left to spend. */
  const spend = (patience: Patience): boolean => {
    patience.requests -= 1;
    return patience.requests >= 0;
  };

  /**
   * Sleeps into the next second of the clock: in this one there is nothing left.
   * @throws LimitReached
   */
  const waitForNextSecond = async ({ requests, until }: Patience): Promise<void> => {
    const at = now();
    const restMs = 1_000 - (at % 1_000);
    if (requests <= 0 || at + restMs >= until) throw new LimitReached();
    // Callers spread over the second, so that the counter is not asked by all at once.
    await sleep(Math.min(restMs + random() * 1_000, until - at));
  };

  /** Numbers from 0 to below `count`, in random order. */
  const shuffled = (count: number): number[] => {
    const numbers = Array.from({ length: count }, (_, number) => number);
    return numbers.flatMap(() => numbers.splice(Math.floor(random() * numbers.length), 1));
  };

  const takeCall = async (providerId: string, ratePerSecond: number, patience: Patience): Promise<void> => {
    const counters = countersOf(ratePerSecond);
    const mine = shuffled(counters.length).slice(0, MAX_COUNTERS);
    for (;;) {
      const second = Math.floor(now() / 1_000);
      for (const part of mine) {
        if (!spend(patience)) throw new LimitReached();
        if (await limits.takeCall(providerId, part, second, counters[part] ?? 0)) return;
      }
      await waitForNextSecond(patience);
    }
  };

  const takeSlot = async ({ id, timeoutMs }: LimitedProvider, limit: number, patience: Patience): Promise<Slot> => {
    for (;;) {
      if (!spend(patience)) throw new LimitReached();
      const free = await limits.findFreeSlots(id, limit, now());
      // At random, so that callers that look at the same time don't all try the same slot.
      for (const index of shuffled(free.length)) {
        if (!spend(patience)) throw new LimitReached();
        const at = now();
        const slot = await limits.takeSlot(id, free[index] ?? 0, at, at + MAX_WAIT_MS + timeoutMs + SLACK_MS);
        if (slot) return slot;
      }
      await waitForNextSecond(patience);
    }
  };

  const free = async (slot: Slot): Promise<void> => {
    try {
      await limits.freeSlot(slot);
    } catch (error) {
      log.warn('Could not free a slot: it is held until its time runs out', { providerId: slot.key, error });
    }
  };

  return async (provider, call, maxWaitMs) => {
    const { id, timeoutMs, concurrency, ratePerSecond } = provider;
    if (concurrency === undefined && ratePerSecond === undefined) return call();
    const until = now() + (maxWaitMs ?? Math.min(MAX_WAIT_MS, Math.max(0, WAIT_AND_CALL_MS - timeoutMs)));
    if (concurrency === undefined) {
      await takeCall(id, ratePerSecond ?? 0, { requests: MAX_REQUESTS, until });
      return call();
    }
    // One request is for freeing the slot, and one for the rate, if there is one.
    const reserved = ratePerSecond === undefined ? 0 : 1;
    const patience = { requests: MAX_REQUESTS - 1 - reserved, until };
    const slot = await takeSlot(provider, concurrency, patience);
    try {
      patience.requests += reserved;
      if (ratePerSecond !== undefined) await takeCall(id, ratePerSecond, patience);
      return await call();
    } finally {
      await free(slot);
    }
  };
};
