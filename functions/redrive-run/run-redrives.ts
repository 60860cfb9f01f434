import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import { advanced, type Redrive, type RedriveCounts } from '@boomerang/core/domain/redrive.ts';
import type { JobReader, JobSummary } from '@boomerang/core/ports/jobs.ts';
import type { Redrives } from '@boomerang/core/ports/redrives.ts';
import { findRedrivable } from '@boomerang/core/use-cases/find-redrivable.ts';
import { JobInProgress, type ResetJobDeps, resetJob } from '@boomerang/core/use-cases/redrive-job.ts';

export type RunRedrivesDeps = ResetJobDeps & {
  redrives: Pick<Redrives, 'findDue' | 'claim' | 'save'>;
  jobs: Pick<JobReader, 'list' | 'getWithData'>;
  /** How long a redrive is kept after it is complete, milliseconds. */
  retentionMs: number;
};

/** How many jobs are tried again at once: what they hold is read and written anew. */
const PAGE_JOBS = 25;

/** After this much of a pass no further page begins: the rest of the sweep waits for it, and the next one goes on. */
const PASS_MS = 10_000;

/** A page takes seconds. */
const LEASE_MS = 60_000;

/** Carries on what callers want tried again, the longest waiting first: it makes jobs due, for the sweep to take. */
export const runRedrives = async (deps: RunRedrivesDeps): Promise<void> => {
  const { redrives, now } = deps;
  const endsAt = now() + PASS_MS;
  for (const entry of await redrives.findDue(now())) {
    if (now() >= endsAt) return;
    const redrive = await redrives.claim(entry, now(), LEASE_MS);
    if (redrive) await carryOn(deps, redrive, endsAt);
  }
};

const carryOn = async (deps: RunRedrivesDeps, redrive: Redrive, endsAt: number): Promise<void> => {
  const { redrives, now, log, retentionMs } = deps;
  const { redriveId, clientId } = redrive;
  let current = redrive;
  try {
    while (current.status === 'RUNNING') {
      const page = await findRedrivable(deps, clientId, current.query, { limit: PAGE_JOBS, after: current.cursor });
      const counts = countOutcomes(await Promise.all(page.jobs.map((job) => redriveOne(deps, job))));
      const isTimeUp = now() >= endsAt;
      const dueAt = isTimeUp ? now() : now() + LEASE_MS;
      current = advanced(current, counts, page.cursor, { now: now(), dueAt, retentionMs });
      await redrives.save(current);
      if (isTimeUp) break;
    }
  } catch (error) {
    if (!(error instanceof StaleClaim)) throw error;
    log.warn('A redrive is carried on by somebody else', { redriveId });
    return;
  }
  const { status, redriven, skipped, failed } = current;
  log.info('Carried a redrive on', { redriveId, clientId, status, redriven, skipped, failed });
};

type Outcome = keyof RedriveCounts;

const countOutcomes = (outcomes: Outcome[]): RedriveCounts => {
  const counts: RedriveCounts = { redriven: 0, skipped: 0, failed: 0 };
  for (const outcome of outcomes) counts[outcome] += 1;
  return counts;
};

/** One job that fails must not keep the others, nor its redrive from ever ending. */
const redriveOne = async (deps: RunRedrivesDeps, { jobId, status }: JobSummary): Promise<Outcome> => {
  try {
    const found = await deps.jobs.getWithData(jobId, deps.now());
    // The list lags behind: by now it may be another's, or gone.
    if (found?.job.status !== status) return 'skipped';
    await resetJob(deps, found);
    return 'redriven';
  } catch (error) {
    if (error instanceof StaleClaim || error instanceof JobInProgress) return 'skipped';
    deps.log.error('Could not redrive a job', { jobId, error });
    return 'failed';
  }
};
