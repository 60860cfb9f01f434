import { clientRateAt } from '../domain/client-rate.ts';
import type { Random } from '../domain/random.ts';
import { toEpochSeconds } from '../domain/ttl.ts';
import type { Log } from '../observability/logger.ts';
import type { ClientRates } from '../ports/client-rates.ts';
import type { Caller } from '../ports/clients.ts';
import { createFreshness } from './freshness.ts';

/** The client has posted as much as it may for now. */
export class ClientRateExceeded extends Error {
  override name = 'ClientRateExceeded';
  readonly ratePerSecond: number;
  /** When it may post again, milliseconds from now. */
  readonly retryAfterMs: number;

  constructor(ratePerSecond: number, retryAfterMs: number) {
    super('the client rate is exceeded');
    this.ratePerSecond = ratePerSecond;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Counts a request of a client against its rate.
 * @throws ClientRateExceeded
 */
export type LimitClient = (caller: Pick<Caller, 'clientId' | 'ratePerSecond'>) => Promise<void>;

export type LimitClientDeps = {
  rates: ClientRates;
  /** Jobs a second, for clients without a rate of their own; 0 for no limit. */
  defaultRatePerSecond: number;
  now: () => number;
  random: Random;
  log: Log;
};

/**
 * Limits what clients post, over all functions that take it. A client without a limit costs nothing. Where the table can't
 * be reached, requests go through: the limit protects what comes after it, and must not stop us.
 */
export const createLimitClient = ({ rates, defaultRatePerSecond, now, random, log }: LimitClientDeps): LimitClient => {
  let limited = new Map<string, number>();
  const { refresh } = createFreshness(now, async (at) => {
    try {
      const listed = await rates.listLimited(at);
      // What this process has found out since may not be listed yet.
      limited = new Map([...limited].filter(([, until]) => until > at));
      for (const [clientId, until] of listed) limited.set(clientId, until);
    } catch (error) {
      log.warn('Could not read which clients are limited', { error });
    }
  });

  /** Epoch milliseconds; undefined when the rate is not used up. */
  const count = async (clientId: string, ratePerSecond: number): Promise<number | undefined> => {
    const { window, windowEndsAt, limit, weight } = clientRateAt(now(), ratePerSecond);
    if (weight > 1 && random() * weight >= 1) return undefined;
    try {
      const counted = await rates.count(clientId, window, weight, toEpochSeconds(windowEndsAt));
      if (counted <= limit) return undefined;
    } catch (error) {
      log.warn('Could not count what a client posts', { clientId, error });
      return undefined;
    }
    limited.set(clientId, windowEndsAt);
    log.warn('Client rate exceeded', { clientId, ratePerSecond });
    await rates.limit(clientId, windowEndsAt).catch((error: unknown) => {
      log.warn('Could not tell others that a client is limited', { clientId, error });
    });
    return windowEndsAt;
  };

  return async ({ clientId, ratePerSecond = defaultRatePerSecond }) => {
    if (ratePerSecond === 0) return;
    await refresh();
    const until = limited.get(clientId) ?? 0;
    const limitedUntil = until > now() ? until : await count(clientId, ratePerSecond);
    if (limitedUntil !== undefined) throw new ClientRateExceeded(ratePerSecond, limitedUntil - now());
  };
};
