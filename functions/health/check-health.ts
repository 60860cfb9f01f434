import type { Log } from '@boomerang/core/observability/logger.ts';
import type { Sweeps } from '@boomerang/core/ports/sweeps.ts';
import type { HealthChecks } from './schema.ts';

export type CheckHealthDeps = { lastSweep: Sweeps['last']; now: () => number; log: Log };

/** The schedule sweeps once a minute: without one for so long, jobs that wait for a retry are not taken. */
const MAX_SWEEP_AGE_MS = 5 * 60_000;

/** How long what was found is believed: a monitor, or a stranger, may ask as often as it likes. */
const BELIEVED_MS = 10_000;

/** Looks whether the API can do its job: the table answers, and sweeps run. One read in ten seconds, however many ask. */
export const createCheckHealth = ({ lastSweep, now, log }: CheckHealthDeps): (() => Promise<HealthChecks>) => {
  const check = async (): Promise<HealthChecks> => {
    try {
      const at = await lastSweep();
      const isRecent = at !== undefined && now() - at <= MAX_SWEEP_AGE_MS;
      const lastAt = at === undefined ? null : new Date(at).toISOString();
      return { table: { status: 'ok' }, sweep: { status: isRecent ? 'ok' : 'failed', lastAt } };
    } catch (error) {
      log.error('Health check could not read the table', { error });
      return { table: { status: 'failed' }, sweep: { status: 'failed', lastAt: null } };
    }
  };

  let checkedAt = Number.NEGATIVE_INFINITY;
  let checking: Promise<HealthChecks> | undefined;
  return async () => {
    if (!checking || now() - checkedAt >= BELIEVED_MS) {
      checkedAt = now();
      checking = check();
    }
    return checking;
  };
};
