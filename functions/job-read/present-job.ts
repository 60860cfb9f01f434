import type { Attempt, Job, ProviderResult, Try } from '@boomerang/core/domain/job.ts';
import { jobLinks } from '@boomerang/core/http/job-links.ts';
import type { jobSchema } from '@boomerang/core/http/job-schema.ts';
import type * as z from 'zod';

type JobView = z.infer<typeof jobSchema>;

/** A job as its caller sees it: times in ISO 8601, durations in milliseconds, no internals. */
export const presentJob = (job: Job): JobView => ({
  jobId: job.jobId,
  status: job.status,
  phase: job.phase,
  callbackUrl: maskQuery(job.callbackUrl),
  providers: job.providers.map((providerId) =>
    presentProvider(
      providerId,
      job.results.find((result) => result.providerId === providerId),
    ),
  ),
  attempts: job.attemptLog.map(presentAttempt),
  // While an execution holds the job, the time it is due is the lease's end: nothing a caller should plan with.
  nextAttemptAt: job.dueAt === undefined || job.leasedUntil !== undefined ? null : toIso(job.dueAt),
  ...(job.failure && { failure: { code: job.failure.code, message: job.failure.message } }),
  ...(job.expungedAt !== undefined && { expungedAt: toIso(job.expungedAt) }),
  createdAt: toIso(job.createdAt),
  updatedAt: toIso(job.updatedAt),
  deadlineAt: toIso(job.deadlineAt),
  links: jobLinks(job.jobId),
});

const presentProvider = (providerId: string, result: ProviderResult | undefined): JobView['providers'][number] => {
  if (!result) return { providerId, status: 'PENDING' };
  if (result.status !== 'FETCHED') {
    const { class: failureClass, statusCode } = result.error;
    return {
      providerId,
      status: result.status,
      error: { class: failureClass, ...(statusCode !== undefined && { statusCode }) },
    };
  }
  return { providerId, status: result.status, fetchedAt: toIso(result.fetchedAt), bytes: result.bytes };
};

const presentAttempt = ({ number, trigger, startedAt, endedAt, fetches, callback, nextAttemptAt }: Attempt) => ({
  number,
  trigger,
  startedAt: toIso(startedAt ?? endedAt),
  endedAt: toIso(endedAt),
  fetches: fetches.map((fetch) => ({ providerId: fetch.providerId, ...presentTry(fetch) })),
  callback: callback ? presentTry(callback) : null,
  nextAttemptAt: nextAttemptAt === undefined ? null : toIso(nextAttemptAt),
});

const presentTry = ({ status, class: failureClass, statusCode, startedAt, durationMs, tries, excerpt }: Try) => ({
  status,
  ...(failureClass !== undefined && { class: failureClass }),
  ...(statusCode !== undefined && { statusCode }),
  ...(startedAt !== undefined && { startedAt: toIso(startedAt) }),
  ...(durationMs !== undefined && { durationMs }),
  ...(tries !== undefined && { tries }),
  ...(excerpt !== undefined && excerpt !== '' && { excerpt }),
});

/** The query of a callback address may hold a token. */
const maskQuery = (url: string): string => url.replace(/\?.+$/, '?***');

const toIso = (epochMs: number): string => new Date(epochMs).toISOString();
