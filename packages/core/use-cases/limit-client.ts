import { clientRateAt } from '../domain/client-rate.ts';
import { isSampled, type Random } from '../domain/random.ts';
import { toEpochSeconds } from '../domain/ttl.ts';
import type { Log } from '../observability/logger.ts';
import type { ClientRates } from '../ports/client-rates.ts';
import type { Caller } from '../ports/clients.ts';
import { createFreshness } from './freshness.ts';

/** The client has exceeded its rate. */
export class ClientRateExceeded extends Error {
  override name = 'ClientRateExceeded';
  readonly ratePerSecond: number;
  /** Time until it may post again, milliseconds. */
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
  /** Jobs per second, for clients without their own rate. 0 for no limit. */
  defaultRatePerSecond: number;
  now: () => number;
  random: Random;
  log: Log;
};

/**
 * Limits the jobs that clients post, across all function instances. Unlimited clients cost no request. It fails open: if the
 * table is unavailable, requests are accepted.
 */
export const createLimitClient = ({ rates, defaultRatePerSecond, now, random, log }: LimitClientDeps): LimitClient => {
  let limited = new Map<string, number>();
  const { refresh } = createFreshness(now, async (at) => {
    try {
      const listed = await rates.listLimited(at);
      // Keep limits found by this process: the list may not contain them yet.
      limited = new Map([...limited].filter(([, until]) => until > at));
      for (const [clientId, until] of listed) limited.set(clientId, until);
    } catch (error) {
      log.warn('Limited clients not readable', { error });
    }
  });

  /** @returns the end of the limit, epoch milliseconds; undefined below the rate */
  const count = async (clientId: string, ratePerSecond: number): Promise<number | undefined> => {
    const { window, windowEndsAt, limit, weight } = clientRateAt(now(), ratePerSecond);
    if (!isSampled(weight, random)) return undefined;
    try {
      const counted = await rates.count(clientId, window, weight, toEpochSeconds(windowEndsAt));
      if (counted <= limit) return undefined;
    } catch (error) {
      log.warn('Client rate not counted', { clientId, error });
      return undefined;
    }
    limited.set(clientId, windowEndsAt);
    log.warn('Client rate exceeded', { clientId, ratePerSecond });
    await rates.limit(clientId, windowEndsAt).catch((error: unknown) => {
      log.warn('Client limit not published', { clientId, error });
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
