import type { Random } from '@boomerang/core/domain/random.ts';
import type { ApiResponse } from '@boomerang/core/http/api-handler.ts';
import { Problem, retryAfter } from '@boomerang/core/http/problem.ts';

export type SimulatedFailureDeps = {
  random: Random;
  now: () => number;
  sleep: (ms: number) => Promise<unknown>;
  /** Probability, 0..1, that a request fails. */
  failureRate: number;
  latencyMs: number;
  /** Epoch milliseconds. */
  maintenance: { from: number; to: number } | undefined;
};

/**
 * Responds after the configured latency, unless it simulates maintenance or a failure. Each call draws at most one random
 * number. Invalid requests are rejected earlier and draw none.
 *
 * @throws Problem 503 with `Retry-After` during maintenance
 */
export type SimulateFailures = (respond: () => ApiResponse) => Promise<ApiResponse>;

export const createSimulateFailures =
  ({ random, now, sleep, failureRate, latencyMs, maintenance }: SimulatedFailureDeps): SimulateFailures =>
  async (respond) => {
    if (latencyMs > 0) await sleep(latencyMs);
    if (maintenance && now() >= maintenance.from && now() < maintenance.to) {
      throw new Problem(503, 'Down for maintenance.', { headers: retryAfter(maintenance.to - now()) });
    }
    if (random() < failureRate) return { statusCode: 500, headers: { 'content-type': 'text/plain' }, text: '#fail' };
    return respond();
  };
