import type { Log } from '@boomerang/core/observability/logger.ts';
import type { MeasureGauge } from '@boomerang/core/observability/meter.ts';
import type { ListOpenProviderCircuits, Sweeps } from '@boomerang/core/ports/sweeps.ts';

export type ReportSweepDeps = {
  recordSweep: Sweeps['record'];
  listOpenCircuits: ListOpenProviderCircuits;
  gauge: MeasureGauge;
  now: () => number;
  log: Log;
};

/**
 * Leaves a trace of a sweep, for the health check, and measures how many providers' circuits are open. It never throws: what
 * a sweep has claimed must reach the state machine.
 */
export const reportSweep = async (deps: ReportSweepDeps): Promise<void> => {
  const { recordSweep, listOpenCircuits, gauge, now, log } = deps;
  const measure = async () => {
    const circuits = await listOpenCircuits(now());
    if (circuits.length > 0) log.info('Provider circuits are open', { circuits });
    gauge('OpenCircuits', circuits.length);
  };
  await Promise.all([
    recordSweep(now()).catch((error: unknown) => log.warn('Could not record the sweep', { error })),
    measure().catch((error: unknown) => log.warn('Could not list the open circuits', { error })),
  ]);
};
