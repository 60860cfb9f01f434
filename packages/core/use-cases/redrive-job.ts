import { isHeld, redriven } from '../domain/control.ts';
import { StaleClaim } from '../domain/failures.ts';
import type { FetchedResult, Job } from '../domain/job.ts';
import { couldOutlive, firstKeptUntil } from '../domain/result-life.ts';
import type { SettlePolicy } from '../domain/settle.ts';
import type { Log } from '../observability/logger.ts';
import type { JobControl, JobReader, JobWithData, ProviderResultData, ResultKey, ResultStore } from '../ports/jobs.ts';
import { discardStaleResults } from './discard-stale-results.ts';
import { InputDeleted, JobInProgress } from './job-errors.ts';
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

/**
 * Starts a job over, finished or pending, with a fresh deadline and retry schedule. Stored results are kept without reading
 * them; those that could expire before the job ends are renewed.
 *
 * @param leaseMs lease of the execution that is about to start; undefined leaves the job to the next sweep
 * @throws JobInProgress when an execution holds the job
 * @throws InputDeleted when its parameters or metadata were deleted
 * @throws StaleClaim when it was claimed or settled since it was read
 */
export const resetJob = async (deps: ResetJobDeps, { job, inline }: JobWithData, leaseMs?: number): Promise<Job> => {
  const { control, fetchDeadlineMs, log } = deps;
  const now = deps.now();
  const { jobId, clientId } = job;
  if (isHeld(job, now)) throw new JobInProgress((job.leasedUntil ?? now) - now);
  if (job.isInputDeleted) throw new InputDeleted();
  // Store and renew results first: the job must never list a result that is missing or expires too early.
  const saved: ResultKey[] = [];
  let next: Job;
  try {
    const kept = job.expungedAt === undefined ? await keepResults(deps, job, inline, now, saved) : [];
    next = redriven(job, kept, { now, leaseMs, fetchDeadlineMs });
    await control.replace(job, next);
  } catch (error) {
    // The job's data may have been deleted since it was read. Don't leave a copy behind.
    if (error instanceof StaleClaim && saved.length > 0) await discardStaleResults(deps, job, saved);
    throw error;
  }
  log.info('Job redriven', { jobId, clientId, was: job.status, kept: next.results.length });
  return next;
};

/**
 * Returns the job's results that stay stored for as long as the job may need them.
 * @param saved collects the keys of results that were moved out of the job item
 */
const keepResults = async (
  { results, fetchDeadlineMs, policy }: ResetJobDeps,
  job: Job,
  inline: ProviderResultData[],
  now: number,
  saved: ResultKey[],
): Promise<FetchedResult[]> => {
  const { jobId, claims } = job;
  const restarted = { phase: 'FETCHING' as const, deadlineAt: now + fetchDeadlineMs, callbackAttempts: 0 };
  const expiresAt = firstKeptUntil(now, fetchDeadlineMs, policy);
  const inlineData = new Map(inline.map((result) => [result.providerId, result]));
  const keep = async (result: FetchedResult): Promise<FetchedResult | undefined> => {
    const data = inlineData.get(result.providerId);
    if (data) {
      const stored = await results.save(jobId, claims, data, expiresAt);
      saved.push({ providerId: result.providerId, ...stored });
      return { ...result, ...stored };
    }
    if (!couldOutlive(result, restarted, now, policy)) return result;
    return (await results.renew(jobId, result, expiresAt)) ? { ...result, keptUntil: expiresAt } : undefined;
  };
  const kept: FetchedResult[] = [];
  // Sequential, because a redrive handles many jobs concurrently and each may hold megabytes.
  for (const result of job.results) {
    const stored = result.status === 'FETCHED' ? await keep(result) : undefined;
    if (stored) kept.push(stored);
  }
  return kept;
};

/** Redrives a job and starts it immediately; otherwise as {@link resetJob}. */
export const redriveJob = async (deps: RedriveJobDeps, found: JobWithData): Promise<Job> => {
  const next = await resetJob(deps, found, deps.leaseMs);
  await startJob(deps, next, 'redrive');
  return next;
};
