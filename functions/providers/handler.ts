import { setTimeout as sleep } from 'node:timers/promises';
import { type Random, seededRandom } from '@boomerang/core/domain/random.ts';
import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import { bills } from './bills.ts';
import { config } from './config.ts';

export type Deps = {
  log: Log;
  random: Random;
  now: () => number;
  sleep: (ms: number) => Promise<unknown>;
  /** Probability, 0..1, that a request for data fails. */
  failureRate: number;
  latencyMs: number;
  /** Epoch milliseconds. */
  maintenance: { from: number; to: number } | undefined;
};

/** `GET /providers`, `GET /providers/{providerId}`: third parties to try Boomerang with. They fail on purpose. */
export const createHandler = ({ log, random, now, sleep, failureRate, latencyMs, maintenance }: Deps) =>
  apiHandler(log, {}, async ({ path: { providerId } }) => {
    if (providerId === undefined) return { statusCode: 200, body: [...bills.keys()] };
    const data = bills.get(providerId);
    if (!data) throw new Problem(404, 'There is no such provider.');
    if (latencyMs > 0) await sleep(latencyMs);
    if (maintenance && now() >= maintenance.from && now() < maintenance.to) {
      const retryAfter = String(Math.ceil((maintenance.to - now()) / 1000));
      throw new Problem(503, 'Down for maintenance.', { headers: { 'retry-after': retryAfter } });
    }
    if (random() < failureRate) return { statusCode: 500, headers: { 'content-type': 'text/plain' }, text: '#fail' };
    return { statusCode: 200, body: data };
  });

export const handler = createHandler({
  log: createLog('providers'),
  random: config.FAILURE_SEED === '' ? Math.random : seededRandom(config.FAILURE_SEED),
  now: Date.now,
  sleep,
  failureRate: config.FAILURE_RATE,
  latencyMs: config.PROVIDER_LATENCY_MS,
  maintenance: config.MAINTENANCE_WINDOW === '' ? undefined : config.MAINTENANCE_WINDOW,
});
