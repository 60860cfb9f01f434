import type { Log } from '@boomerang/core/observability/logger.ts';
import type { MeasureGauge } from '@boomerang/core/observability/metrics.ts';
import type { Circuits } from '@boomerang/core/ports/circuits.ts';
import type { Sweeps } from '@boomerang/core/ports/sweeps.ts';

export type ReportSweepDeps = {
  recordSweep: Sweeps['record'];
  isPaused: boolean;
  circuits: Pick<Circuits, 'list'>;
  gauge: MeasureGauge;
  now: () => number;
  log: Log;
};

/**
 * Records the sweep for the health check and measures how many provider circuits are open. It never throws: the claimed jobs
 * must reach the state machine.
 */
export const reportSweep = async (deps: ReportSweepDeps): Promise<void> => {
  const { recordSweep, isPaused, circuits, gauge, now, log } = deps;
  const measure = async () => {
    const states = [...(await circuits.list(now()))];
    const open = states.flatMap(([key, state]) => (state.open ? key : []));
    if (open.length > 0) log.info('Provider circuits are open', { circuits: open });
    gauge('OpenCircuits', open.length);
  };
  await Promise.all([
    recordSweep(now(), isPaused).catch((error: unknown) => log.warn('Sweep record failed', { error })),
    measure().catch((error: unknown) => log.warn('Circuit list failed', { error })),
  ]);
};
