import { isHeld, redriven } from '../domain/control.ts';
import { StaleClaim } from '../domain/failures.ts';
import type { GivenResult, Job } from '../domain/job.ts';
import { couldOutlive, firstKeptUntil } from '../domain/result-life.ts';
import type { SettlePolicy } from '../domain/settle.ts';
import type { Log } from '../observability/logger.ts';
import type { JobControl, JobReader, JobWithData, ProviderResultData, ResultKey, ResultStore } from '../ports/jobs.ts';
import { discardUnwanted } from './discard-result.ts';
import { type StartJobDeps, startJob } from './start-job.ts';

export type ResetJobDeps = {
  control: Pick<JobControl, 'replace'>;
  jobs: Pick<JobReader, 'getWithData'>;
  results: Pick<ResultStore, 'save' | 'renew' | 'remove'>;
  fetchDeadlineMs: number;
  policy: SettlePolicy;
  now: () => number;
  log: Log;
};

export type RedriveJobDeps = ResetJobDeps & StartJobDeps & { leaseMs: number; control: JobControl };

/** An execution holds the job. */
export class JobInProgress extends Error {
  override name = 'JobInProgress';
  /** How long it may hold it, at most. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('the job is in progress');
    this.retryAfterMs = retryAfterMs;
  }
}

/** The job's parameters or metadata were deleted: its providers can't be asked, nor its receiver called, as they were to be. */
export class InputDeleted extends Error {
  override name = 'InputDeleted';

  constructor() {
    super('its parameters or metadata were deleted');
  }
}

/**
 * Makes a job, whether it is over or waits, as good as new: with a fresh deadline and schedule. Stored results are kept
 * unread; those that the job could outlive are renewed.
 *
 * @param leaseMs how long the execution that is about to start holds it; without one, the next sweep claims it
 * @throws JobInProgress when an execution holds it, InputDeleted when what it needs was deleted, StaleClaim when it was claimed or settled since it was read
 */
export const resetJob = async (deps: ResetJobDeps, { job, inline }: JobWithData, leaseMs?: number): Promise<Job> => {
  const { control, fetchDeadlineMs, log } = deps;
  const now = deps.now();
  const { jobId, clientId } = job;
  if (isHeld(job, now)) throw new JobInProgress((job.leasedUntil ?? now) - now);
  if (job.isInputDeleted) throw new InputDeleted();
  // Results go first: once the job says that it has them, they must be there, and for as long as they may be needed.
  const saved: ResultKey[] = [];
  let next: Job;
  try {
    const kept = job.expungedAt === undefined ? await keepResults(deps, job, inline, now, saved) : [];
    next = redriven(job, kept, { now, leaseMs, fetchDeadlineMs });
    await control.replace(job, next);
  } catch (error) {
    // The job's data may have been deleted since it was read: none of it must come back.
    if (error instanceof StaleClaim && saved.length > 0) await discardUnwanted(deps, job, saved);
    throw error;
  }
  log.info('Redrove a job', { jobId, clientId, was: job.status, kept: next.results.length });
  return next;
};

/**
 * Those of a job's results that are still stored, and will be as long as the job may need them.
 * @param saved gets those added that the job held itself
 */
const keepResults = async (
  { results, fetchDeadlineMs, policy }: ResetJobDeps,
  job: Job,
  inline: ProviderResultData[],
  now: number,
  saved: ResultKey[],
): Promise<GivenResult[]> => {
  const { jobId, claims } = job;
  const fresh = { phase: 'FETCHING' as const, deadlineAt: now + fetchDeadlineMs, callbackAttempts: 0 };
  const expiresAt = firstKeptUntil(now, fetchDeadlineMs, policy);
  const held = new Map(inline.map((result) => [result.providerId, result]));
  const keep = async (result: GivenResult): Promise<GivenResult | undefined> => {
    const data = held.get(result.providerId);
    if (data) {
      const stored = await results.save(jobId, claims, data, expiresAt);
      saved.push({ providerId: result.providerId, ...stored });
      return { ...result, ...stored };
    }
    if (!couldOutlive(result, fresh, now, policy)) return result;
    return (await results.renew(jobId, result, expiresAt)) ? { ...result, keptUntil: expiresAt } : undefined;
  };
  const kept: GivenResult[] = [];
  // One after another: a redrive works on many jobs at once, and each may have megabytes.
  for (const result of job.results) {
    const stored = result.status === 'FETCHED' ? await keep(result) : undefined;
    if (stored) kept.push(stored);
  }
  return kept;
};

/** Tries a job again at once; as {@link resetJob}. */
export const redriveJob = async (deps: RedriveJobDeps, found: JobWithData): Promise<Job> => {
  const next = await resetJob(deps, found, deps.leaseMs);
  await startJob(deps, next, 'redrive');
  return next;
};
