import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { type Random, shuffled } from '@boomerang/core/domain/random.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { Limits, Slot } from '@boomerang/core/ports/limits.ts';

export type CallLimiterDeps = {
  limits: Limits;
  now: () => number;
  random: Random;
  sleep: (ms: number) => Promise<unknown>;
  log: Log;
};

/** The limit leaves no room for the call within the time that it may wait. */
export class LimitReached extends Error {
  override name = 'LimitReached';
}

/**
 * Makes calls within the provider's limits, shared by all function instances. Each call acquires its slot in the table. Slots
 * are not acquired in batches because an instance may make only one call. Providers without limits cost no requests.
 */
export type LimitCalls = <T>(
  provider: LimitedProvider,
  call: () => Promise<T>,
  /** Maximum wait, milliseconds. By default, the time that leaves the call its full `timeoutMs`. */
  maxWaitMs?: number,
) => Promise<T>;

/** The provider settings that limit its calls. */
export type LimitedProvider = Pick<Provider, 'id' | 'timeoutMs' | 'concurrency' | 'ratePerSecond'>;

/** Maximum time for waiting and calling together, milliseconds. */
export const WAIT_AND_CALL_MS = 15_000;
export const MAX_WAIT_MS = 5_000;
/** Maximum table requests per call, including waiting and releasing its slot. */
const MAX_REQUESTS = 5;
/** How long after the latest possible end of its call a slot expires, milliseconds. */
const SLOT_MARGIN_MS = 5_000;

/** DynamoDB allows 1,000 writes a second to one item, including rejected ones: a high rate is split over several counters. */
const MAX_CALLS_PER_COUNTER = 250;
/** How many counters one call tries. */
const MAX_COUNTERS = 3;

/** The limit of each counter; they add up to `ratePerSecond`. */
export const countersOf = (ratePerSecond: number): number[] => {
  const count = Math.ceil(ratePerSecond / MAX_CALLS_PER_COUNTER);
  return Array.from({ length: count }, (_, part) => Math.floor((ratePerSecond + part) / count));
};

/** The table requests and the time that a waiting call has left. */
type Budget = { requests: number; until: number };

export const createCallLimiter = ({ limits, now, random, sleep, log }: CallLimiterDeps): LimitCalls => {
  /** Spends one table request. @returns whether one was left */
  const spend = (budget: Budget): boolean => {
    budget.requests -= 1;
    return budget.requests >= 0;
  };

  /**
   * Sleeps until a random time in the next clock second, because the rate of this second is used up.
   *
   * @throws LimitReached
   */
  const waitForNextSecond = async ({ requests, until }: Budget): Promise<void> => {
    const at = now();
    const restMs = 1_000 - (at % 1_000);
    if (requests <= 0 || at + restMs >= until) throw new LimitReached();
    // Jitter: spreads waiting calls over the second.
    await sleep(Math.min(restMs + random() * 1_000, until - at));
  };

  const reserveCall = async (providerId: string, ratePerSecond: number, budget: Budget): Promise<void> => {
    const counters = countersOf(ratePerSecond);
    const chosen = shuffled(counters.length, random).slice(0, MAX_COUNTERS);
    for (;;) {
      const second = Math.floor(now() / 1_000);
      for (const part of chosen) {
        if (!spend(budget)) throw new LimitReached();
        if (await limits.reserveCall(providerId, part, second, counters[part] ?? 0)) return;
      }
      await waitForNextSecond(budget);
    }
  };

  const acquireSlot = async ({ id, timeoutMs }: LimitedProvider, limit: number, budget: Budget): Promise<Slot> => {
    for (;;) {
      if (!spend(budget)) throw new LimitReached();
      const free = await limits.findFreeSlots(id, limit, now());
      // The order is random, so that concurrent callers don't all try the same slot.
      for (const index of shuffled(free.length, random)) {
        if (!spend(budget)) throw new LimitReached();
        const at = now();
        const slot = await limits.acquireSlot(id, free[index] ?? 0, at, at + MAX_WAIT_MS + timeoutMs + SLOT_MARGIN_MS);
        if (slot) return slot;
      }
      await waitForNextSecond(budget);
    }
  };

  const release = async (slot: Slot): Promise<void> => {
    try {
      await limits.releaseSlot(slot);
    } catch (error) {
      log.warn('Slot not freed, held until it expires', { providerId: slot.key, error });
    }
  };

  return async (provider, call, maxWaitMs) => {
    const { id, timeoutMs, concurrency, ratePerSecond } = provider;
    if (concurrency === undefined && ratePerSecond === undefined) return call();
    const until = now() + (maxWaitMs ?? Math.min(MAX_WAIT_MS, Math.max(0, WAIT_AND_CALL_MS - timeoutMs)));
    if (concurrency === undefined) {
      await reserveCall(id, ratePerSecond ?? 0, { requests: MAX_REQUESTS, until });
      return call();
    }
    // Reserves one request for releasing the slot, and one for the rate if there is one.
    const reserved = ratePerSecond === undefined ? 0 : 1;
    const budget = { requests: MAX_REQUESTS - 1 - reserved, until };
    const slot = await acquireSlot(provider, concurrency, budget);
    try {
      budget.requests += reserved;
      if (ratePerSecond !== undefined) await reserveCall(id, ratePerSecond, budget);
      return await call();
    } finally {
      await release(slot);
    }
  };
};
