import { toIso } from '@boomerang/core/domain/time.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { Sweeps } from '@boomerang/core/ports/sweeps.ts';
import type { HealthChecks } from './schema.ts';

export type CheckHealthDeps = { lastSweep: Sweeps['last']; now: () => number; log: Log };

/** Sweeps run once a minute. If the last one is older than this, due jobs are not being claimed. */
const MAX_SWEEP_AGE_MS = 5 * 60_000;

/** How long a result is cached. The route needs no API key, so without a cache anyone could cause any number of reads. */
export const CACHE_MS = 10_000;

/** Checks that the table can be read and that sweeps run. Costs at most one read in ten seconds. */
export const createCheckHealth = ({ lastSweep, now, log }: CheckHealthDeps): (() => Promise<HealthChecks>) => {
  const check = async (): Promise<HealthChecks> => {
    try {
      const at = await lastSweep();
      const isRecent = at !== undefined && now() - at <= MAX_SWEEP_AGE_MS;
      const lastAt = at === undefined ? null : toIso(at);
      return { table: { status: 'ok' }, sweep: { status: isRecent ? 'ok' : 'failed', lastAt } };
    } catch (error) {
      log.error('Health check failed', { error });
      return { table: { status: 'failed' }, sweep: { status: 'failed', lastAt: null } };
    }
  };

  let checkedAt = Number.NEGATIVE_INFINITY;
  let checking: Promise<HealthChecks> | undefined;
  return async () => {
    if (!checking || now() - checkedAt >= CACHE_MS) {
      checkedAt = now();
      checking = check();
    }
    return checking;
  };
};
