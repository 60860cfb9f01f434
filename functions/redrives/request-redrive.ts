import { newRedrive, type Redrive, type RedriveQuery } from '@boomerang/core/domain/redrive.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { StartSweep } from '@boomerang/core/ports/executions.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import type { Redrives } from '@boomerang/core/ports/redrives.ts';
import { findRedrivable } from '@boomerang/core/use-cases/find-redrivable.ts';

export type RequestRedriveDeps = {
  redrives: Pick<Redrives, 'create' | 'reservePass'>;
  startSweep: StartSweep;
  newId: () => string;
  now: () => number;
  log: Log;
};

/** A redrive of the client is running and must complete before the next. */
export class RedriveOpen extends Error {
  override name = 'RedriveOpen';
  readonly redriveId: string;

  constructor(redriveId: string) {
    super('a redrive of the client is running');
    this.redriveId = redriveId;
  }
}

/** The time within which a started sweep must extend its reservation. After that, the next request starts another sweep. */
const START_MS = 5_000;

/**
 * Stores a redrive. The running sweep pass runs it; without one, a sweep is started at once. If the start fails, the next
 * scheduled sweep runs it.
 *
 * @throws RedriveOpen
 */
export const requestRedrive = async (
  { redrives, startSweep, newId, now, log }: RequestRedriveDeps,
  clientId: string,
  query: RedriveQuery,
): Promise<Redrive> => {
  const { isNew, redrive } = await redrives.create(newRedrive(newId(), clientId, query, now()), now());
  const { redriveId } = redrive;
  if (!isNew) throw new RedriveOpen(redriveId);
  log.info('Redrive accepted', { redriveId, clientId, ...query });
  try {
    if (await redrives.reservePass(now(), now() + START_MS)) await startSweep();
  } catch (error) {
    log.warn('Sweep start failed, redrive left to the schedule', { redriveId, error });
  }
  return redrive;
};

/** The number of jobs that a redrive would include. */
export type RedriveCount = { matched: number; truncated: boolean; more: boolean };

const COUNT_PAGE_JOBS = 1_000;
const MAX_COUNTED = 10_000;

/** No new page is read after this time. A page takes at most five seconds, and the function's timeout is 29. */
const COUNT_MS = 20_000;

/** Counts the jobs that a redrive would include, up to the function's time limit. */
export const countRedrivable = async (
  deps: { jobs: Pick<JobReader, 'find'>; now: () => number },
  clientId: string,
  query: RedriveQuery,
): Promise<RedriveCount> => {
  const endsAt = deps.now() + COUNT_MS;
  let matched = 0;
  let after: string | undefined;
  do {
    const limit = Math.min(COUNT_PAGE_JOBS, MAX_COUNTED - matched);
    const page = await findRedrivable(deps, clientId, query, { limit, after });
    matched += page.jobs.length;
    after = page.cursor;
  } while (after !== undefined && matched < MAX_COUNTED && deps.now() < endsAt);
  return { matched, truncated: after !== undefined, more: after !== undefined };
};
