import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import { advanced, isToGiveUp, pageSizeOf, postponed, type RedriveCounts } from '@boomerang/core/domain/redrive.ts';
import type { JobPage, JobReader, JobSummary } from '@boomerang/core/ports/jobs.ts';
import type { ClaimedRedrive, DueRedrive, Redrives } from '@boomerang/core/ports/redrives.ts';
import { findRedrivable } from '@boomerang/core/use-cases/find-redrivable.ts';
import { InputDeleted, JobInProgress } from '@boomerang/core/use-cases/job-errors.ts';
import { type ResetJobDeps, resetJob } from '@boomerang/core/use-cases/redrive-job.ts';

export type RunRedrivesDeps = ResetJobDeps & {
  redrives: Pick<Redrives, 'findDue' | 'claim' | 'save' | 'announcePass'>;
  jobs: Pick<JobReader, 'list' | 'getWithData'>;
  /** How long a redrive is kept after it is complete, milliseconds. */
  retentionMs: number;
};

/** After so much of a pass no further page begins: the rest of the sweep waits for it, and the next one goes on. */
export const PASS_MS = 10_000;

/**
 * Until then redrives whose pages stalled wait for the others: their next page may end the function, and the pass of all
 * others with it. After it they take their turns like the others.
 */
const STALLED_WAIT_MS = PASS_MS / 2;

/** A redrive that is requested this shortly before the end may come too late for this pass, and starts a sweep of its own. */
const LAST_CALL_MS = 3_000;

/** Clocks of instances differ: what is due by the clock of the one that wrote it is not yet due by a slower one. */
export const CLOCK_SKEW_MS = 2_000;

/** For longer than its function may run, and short enough for the next sweep to claim what a dead process held. */
export const LEASE_MS = 30_000;

/** Where this pass left a redrive: newer than the index, which lags. */
type Known = { claims: number /** Absent when this pass is done with it. */; next?: DueRedrive };

/**
 * Works off what callers want tried again: it makes jobs due, for the sweep to take. Clients take turns, a page each, those that
 * have waited longest first.
 */
export const runRedrives = async (deps: RunRedrivesDeps): Promise<void> => {
  const { redrives, now, log } = deps;
  const startedAt = now();
  const endsAt = startedAt + PASS_MS;
  const known = new Map<string, Known>();
  const progress = new Map<string, ClaimedRedrive>();
  const errors: unknown[] = [];
  /** Until when requests leave it to this pass to find them. */
  let announced = 0;
  const announce = async (until: number): Promise<void> => {
    if (until !== announced) await redrives.announcePass(until);
    announced = until;
  };

  while (now() < endsAt) {
    const due = merge(await redrives.findDue(now() + CLOCK_SKEW_MS), known);
    const entry = (now() < startedAt + STALLED_WAIT_MS && due.find(({ isStalled }) => !isStalled)) || due[0];
    if (!entry) {
      if (announced === 0) break;
      await announce(0);
      // Once more: a redrive that was stored before that has not started a sweep.
      continue;
    }
    // A pass that a stalled page may end must not be relied upon.
    await announce(entry.isStalled ? 0 : endsAt - LAST_CALL_MS);
    known.set(entry.key, { claims: entry.claims });
    try {
      const after = await takeTurn(deps, entry);
      if (!after) continue;
      progress.set(after.redriveId, after);
      known.set(entry.key, toKnown(after));
    } catch (error) {
      // One client's failure must not keep the others waiting. It is tried again by the next sweep.
      log.error('Redrive page failed', { key: entry.key, error });
      errors.push(error);
    }
  }

  for (const { redriveId, clientId, status, redriven, skipped, failed } of progress.values()) {
    log.info('Redrive progressed', { redriveId, clientId, status, redriven, skipped, failed });
  }
  if (errors.length > 0) throw errors[0];
};

const toKnown = ({ key, claims, dueAt, stalls }: ClaimedRedrive): Known =>
  dueAt === undefined ? { claims } : { claims, next: { key, claims, dueAt, isStalled: stalls > 0 } };

/** What is due, by the index and by what this pass has done since, the longest due first. */
const merge = (found: DueRedrive[], known: ReadonlyMap<string, Known>): DueRedrive[] => {
  const newer = found.filter(({ key, claims }) => claims > (known.get(key)?.claims ?? -1));
  const isNewer = new Set(newer.map(({ key }) => key));
  const own = [...known].flatMap(([key, { next }]) => (next && !isNewer.has(key) ? next : []));
  return [...newer, ...own].sort((a, b) => a.dueAt - b.dueAt);
};

/**
 * One page of a redrive.
 * @returns how far it came; undefined when another sweep has claimed it
 */
const takeTurn = async (deps: RunRedrivesDeps, entry: DueRedrive): Promise<ClaimedRedrive | undefined> => {
  const { redrives, now, log, retentionMs } = deps;
  const redrive = await redrives.claim(entry, now() + CLOCK_SKEW_MS, LEASE_MS);
  if (!redrive) return undefined;
  const { redriveId, clientId, query, cursor } = redrive;
  let page: JobPage;
  try {
    page = await findRedrivable(deps, clientId, query, { limit: pageSizeOf(redrive), after: cursor });
  } catch (error) {
    await redrives.save(postponed(redrive, { now: now(), dueAt: now() + LEASE_MS }));
    throw error;
  }
  const outcomes = isToGiveUp(redrive)
    ? page.jobs.map(({ jobId }) => giveUp(deps, redrive, jobId))
    : await Promise.all(page.jobs.map((job) => redriveOne(deps, job)));
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

/** Nothing else was in the page. */
const giveUp = ({ log }: RunRedrivesDeps, { redriveId, clientId }: ClaimedRedrive, jobId: string): Outcome => {
  const reason = 'the function ended each time it came to this job';
  log.error('Job left out of redrive', { redriveId, clientId, jobId, reason });
  return 'failed';
};

/** One job that fails must not keep the others, nor its redrive from ever ending. */
const redriveOne = async (deps: RunRedrivesDeps, listed: JobSummary): Promise<Outcome> => {
  try {
    const found = await deps.jobs.getWithData(listed.jobId, deps.now());
    // The list lags behind: by now the job may have been tried again, or be gone.
    if (found?.job.status !== listed.status) return 'skipped';
    await resetJob(deps, found);
    return 'redriven';
  } catch (error) {
    if (error instanceof StaleClaim || error instanceof JobInProgress) return 'skipped';
    if (error instanceof InputDeleted) {
      deps.log.info('Job left out of redrive', { jobId: listed.jobId, reason: error.message });
      return 'skipped';
    }
    deps.log.error('Could not redrive a job', { jobId: listed.jobId, error });
    return 'failed';
  }
};
