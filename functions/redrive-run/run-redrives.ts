import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import { isSelected } from '@boomerang/core/domain/job-filter.ts';
import {
  advanced,
  mustAbandonJob,
  pageSizeOf,
  postponed,
  type RedriveCounts,
  type RedriveQuery,
  toJobFilter,
} from '@boomerang/core/domain/redrive.ts';
import type { JobEntry, JobPage, JobReader } from '@boomerang/core/ports/jobs.ts';
import type { ClaimedRedrive, DueRedrive, Redrives } from '@boomerang/core/ports/redrives.ts';
import { findRedrivable } from '@boomerang/core/use-cases/find-redrivable.ts';
import { InputDeleted, JobInProgress } from '@boomerang/core/use-cases/job-errors.ts';
import { type ResetJobDeps, resetJob } from '@boomerang/core/use-cases/redrive-job.ts';

export type RunRedrivesDeps = ResetJobDeps & {
  redrives: Pick<Redrives, 'findDue' | 'claim' | 'save' | 'extendPass'>;
  jobs: Pick<JobReader, 'find' | 'getWithData'>;
  /** How long a completed redrive is kept, milliseconds. */
  retentionMs: number;
};

/** No new page starts after this time, because the rest of the sweep waits for the pass. The next sweep resumes. */
export const PASS_MS = 10_000;

/**
 * During this time, redrives with stalled pages run only after all others: their next page may crash the function and end the
 * pass. After it they take turns like the others.
 */
const STALLED_WAIT_MS = PASS_MS / 2;

/** A redrive requested this shortly before the end of the pass starts its own sweep, because the pass may miss it. */
const LAST_CALL_MS = 3_000;

/** Instance clocks differ: an entry that is due by the writer's clock may not yet be due by the reader's. */
export const CLOCK_SKEW_MS = 2_000;

/** Longer than the function's timeout, and short enough that the next sweep can claim the redrives of a dead process. */
export const LEASE_MS = 30_000;

/** How this pass left a redrive: newer than the index, which is eventually consistent. */
type LocalState = {
  claims: number;
  /** When it is due again; absent if it is not. */
  next?: DueRedrive;
};

/**
 * Runs the redrives that callers requested: it makes their jobs due, and the sweep claims them. Clients take turns, one page
 * each, the longest waiting first.
 */
export const runRedrives = async (deps: RunRedrivesDeps): Promise<void> => {
  const { redrives, now, log } = deps;
  const startedAt = now();
  const endsAt = startedAt + PASS_MS;
  const localStates = new Map<string, LocalState>();
  const progress = new Map<string, ClaimedRedrive>();
  const errors: unknown[] = [];
  /** Until this time, new requests rely on this pass to find them. */
  let announced = 0;
  const announce = async (until: number): Promise<void> => {
    if (until !== announced) await redrives.extendPass(until);
    announced = until;
  };

  while (now() < endsAt) {
    const due = merge(await redrives.findDue(now() + CLOCK_SKEW_MS), localStates);
    const healthy = now() < startedAt + STALLED_WAIT_MS ? due.find(({ isStalled }) => !isStalled) : undefined;
    const entry = healthy ?? due[0];
    if (!entry) {
      if (announced === 0) break;
      await announce(0);
      // Look again: a redrive stored before this announcement has not started a sweep.
      continue;
    }
    // A stalled page may crash this pass, so new requests must not rely on it.
    await announce(entry.isStalled ? 0 : endsAt - LAST_CALL_MS);
    localStates.set(entry.key, { claims: entry.claims });
    try {
      const after = await runPage(deps, entry);
      if (!after) continue;
      progress.set(after.redriveId, after);
      localStates.set(entry.key, toLocalState(after));
    } catch (error) {
      // One client's failure must not block the others. The next sweep retries it.
      log.error('Redrive page failed', { key: entry.key, error });
      errors.push(error);
    }
  }

  for (const { redriveId, clientId, status, redriven, skipped, failed } of progress.values()) {
    log.info('Redrive progressed', { redriveId, clientId, status, redriven, skipped, failed });
  }
  if (errors.length > 0) throw errors[0];
};

const toLocalState = ({ key, claims, dueAt, stalls }: ClaimedRedrive): LocalState =>
  dueAt === undefined ? { claims } : { claims, next: { key, claims, dueAt, isStalled: stalls > 0 } };

/** The due redrives, longest due first: from the index, or from this pass's local state where that is newer. */
const merge = (found: DueRedrive[], localStates: ReadonlyMap<string, LocalState>): DueRedrive[] => {
  const newer = found.filter(({ key, claims }) => claims > (localStates.get(key)?.claims ?? -1));
  const newerKeys = new Set(newer.map(({ key }) => key));
  const local = [...localStates].flatMap(([key, { next }]) => (next && !newerKeys.has(key) ? next : []));
  return [...newer, ...local].sort((a, b) => a.dueAt - b.dueAt);
};

/**
 * Runs one page of a redrive.
 *
 * @returns the redrive after the page; undefined if another sweep claimed it
 */
const runPage = async (deps: RunRedrivesDeps, entry: DueRedrive): Promise<ClaimedRedrive | undefined> => {
  const { redrives, now, log, retentionMs } = deps;
  const redrive = await redrives.claim(entry, now() + CLOCK_SKEW_MS, LEASE_MS);
  if (!redrive) return undefined;
  const { redriveId, clientId, query, cursor } = redrive;
  let page: JobPage<JobEntry>;
  try {
    page = await findRedrivable(deps, clientId, query, { limit: pageSizeOf(redrive), after: cursor });
  } catch (error) {
    await redrives.save(postponed(redrive, { now: now(), dueAt: now() + LEASE_MS }));
    throw error;
  }
  const outcomes = mustAbandonJob(redrive)
    ? page.jobs.map(({ jobId }) => countAsFailed(deps, redrive, jobId))
    : await Promise.all(page.jobs.map((job) => redriveOne(deps, job, query)));
  const next = advanced(redrive, countOutcomes(outcomes), page.cursor, { now: now(), dueAt: now(), retentionMs });
  try {
    await redrives.save(next);
    return next;
  } catch (error) {
    if (!(error instanceof StaleClaim)) throw error;
    log.warn('Redrive claimed by another sweep', { redriveId, clientId });
    return undefined;
  }
};

type Outcome = keyof RedriveCounts;

const countOutcomes = (outcomes: Outcome[]): RedriveCounts => {
  const counts: RedriveCounts = { redriven: 0, skipped: 0, failed: 0 };
  for (const outcome of outcomes) counts[outcome] += 1;
  return counts;
};

/** Abandons a job that crashed the function repeatedly. It was alone in its page, so it must be the cause. */
const countAsFailed = ({ log }: RunRedrivesDeps, { redriveId, clientId }: ClaimedRedrive, jobId: string): Outcome => {
  const reason = 'the function crashed each time it processed this job';
  log.error('Job left out of redrive', { redriveId, clientId, jobId, reason });
  return 'failed';
};

/** A failed job must not block the others, nor keep its redrive from completing. */
const redriveOne = async (deps: RunRedrivesDeps, listed: JobEntry, query: RedriveQuery): Promise<Outcome> => {
  try {
    const found = await deps.jobs.getWithData(listed.jobId, deps.now());
    // The list is eventually consistent: the job may have been redriven or deleted.
    if (!found || !isSelected(found.job, toJobFilter(query))) return 'skipped';
    await resetJob(deps, found);
    return 'redriven';
  } catch (error) {
    if (error instanceof StaleClaim || error instanceof JobInProgress) return 'skipped';
    if (error instanceof InputDeleted) {
      deps.log.info('Job left out of redrive', { jobId: listed.jobId, reason: error.message });
      return 'skipped';
    }
    deps.log.error('Job redrive failed', { jobId: listed.jobId, error });
    return 'failed';
  }
};
