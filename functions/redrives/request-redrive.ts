import { newRedrive, type Redrive, type RedriveQuery } from '@boomerang/core/domain/redrive.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { StartSweep } from '@boomerang/core/ports/executions.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import type { Redrives } from '@boomerang/core/ports/redrives.ts';
import { findRedrivable } from '@boomerang/core/use-cases/find-redrivable.ts';

export type RequestRedriveDeps = {
  redrives: Pick<Redrives, 'create'>;
  startSweep: StartSweep;
  newId: () => string;
  now: () => number;
  log: Log;
};

/** Stores the wish. A sweep fulfils it: one that is started at once, or else the next of the schedule. */
export const requestRedrive = async (
  { redrives, startSweep, newId, now, log }: RequestRedriveDeps,
  clientId: string,
  query: RedriveQuery,
): Promise<Redrive> => {
  const redrive = newRedrive(newId(), clientId, query, now());
  const { redriveId } = redrive;
  await redrives.create(redrive);
  log.info('Accepted a redrive', { redriveId, clientId, ...query });
  await startSweep().catch((error: unknown) => {
    log.warn('Could not start a sweep for a redrive: the schedule will', { redriveId, error });
  });
  return redrive;
};

const PAGE_JOBS = 100;
const MAX_COUNTED = 10_000;

/** Counts what a redrive would try again. */
export const countRedrivable = async (
  deps: { jobs: Pick<JobReader, 'list'>; now: () => number },
  clientId: string,
  query: RedriveQuery,
): Promise<{ matched: number; more: boolean }> => {
  let matched = 0;
  let after: string | undefined;
  do {
    const page = await findRedrivable(deps, clientId, query, { limit: PAGE_JOBS, after });
    matched += page.jobs.length;
    after = page.cursor;
  } while (after !== undefined && matched < MAX_COUNTED);
  return { matched, more: after !== undefined };
};
