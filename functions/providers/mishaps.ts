import type { Random } from '@boomerang/core/domain/random.ts';
import type { ApiResponse } from '@boomerang/core/http/api-handler.ts';
import { Problem } from '@boomerang/core/http/problem.ts';

export type MishapDeps = {
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
 * Answers after the configured latency, or simulates maintenance or a failure. Each call draws at most one random number;
 * invalid requests are rejected earlier and draw none.
 *
 * @throws Problem 503 with `Retry-After` during maintenance
 */
export type WithMishaps = (answer: () => ApiResponse) => Promise<ApiResponse>;

export const createWithMishaps =
  ({ random, now, sleep, failureRate, latencyMs, maintenance }: MishapDeps): WithMishaps =>
  async (answer) => {
    if (latencyMs > 0) await sleep(latencyMs);
    if (maintenance && now() >= maintenance.from && now() < maintenance.to) {
      const retryAfter = String(Math.ceil((maintenance.to - now()) / 1000));
      throw new Problem(503, 'Down for maintenance.', { headers: { 'retry-after': retryAfter } });
    }
    if (random() < failureRate) return { statusCode: 500, headers: { 'content-type': 'text/plain' }, text: '#fail' };
    return answer();
  };
