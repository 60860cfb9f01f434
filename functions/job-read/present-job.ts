import type { TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { Offers } from '@boomerang/core/domain/catalogue/offers.ts';
import { maskWriteOnly } from '@boomerang/core/domain/catalogue/parameters.ts';
import { allowedActions, isHeld } from '@boomerang/core/domain/control.ts';
import {
  type Attempt,
  type Call,
  endedAtOf,
  type Job,
  type ProviderResult,
  parametersOf,
} from '@boomerang/core/domain/job.ts';
import { MASK } from '@boomerang/core/domain/mask.ts';
import { toIso } from '@boomerang/core/domain/time.ts';
import { actionLinks, jobLinks } from '@boomerang/core/http/job-links.ts';
import type { jobSchema } from '@boomerang/core/http/job-schema.ts';
import type * as z from 'zod';

type JobView = z.infer<typeof jobSchema>;

/**
 * The public view of a job: times in ISO 8601, durations in milliseconds, no internals.
 *
 * @param catalogue declares which parameters are secret; unknown parameters are masked, too
 */
export const presentJob = (job: Job, catalogue: Offers, now: number): JobView => ({
  jobId: job.jobId,
  status: job.status,
  phase: job.phase,
  callbackUrl: maskQuery(job.callbackUrl),
  providers: job.providers.map((providerId) => {
    const result = job.results.find((one) => one.providerId === providerId);
    const parameters = parametersOf(job, providerId);
    return {
      ...presentProvider(providerId, result),
      ...(parameters && { parameters: maskWriteOnly(catalogue.get(providerId), parameters) }),
    };
  }),
  ...(job.metadata && { metadata: job.metadata }),
  attempts: job.attemptLog.map(presentAttempt),
  // While an execution holds the job, `dueAt` is when its lease expires, not a planned attempt.
  nextAttemptAt: isHeld(job, now) ? null : toIsoOrNull(job.dueAt),
  ...(job.callbackDeferred && { callbackDeferred: presentDeferral(job.callbackDeferred) }),
  ...(job.failure && { failure: { code: job.failure.code, message: job.failure.message } }),
  ...(job.expungedAt !== undefined && { expungedAt: toIso(job.expungedAt) }),
  createdAt: toIso(job.createdAt),
  updatedAt: toIso(job.updatedAt),
  endedAt: toIsoOrNull(endedAtOf(job)),
  deadlineAt: toIso(job.deadlineAt),
  links: { ...jobLinks(job.jobId), ...actionLinks(job.jobId, allowedActions(job, now)) },
});

const presentProvider = (providerId: string, result: ProviderResult | undefined): JobView['providers'][number] => {
  if (!result) return { providerId, status: 'PENDING' };
  if (result.status !== 'FETCHED') {
    const { class: failureClass, statusCode } = result.error;
    const error = { class: failureClass, ...(statusCode !== undefined && { statusCode }) };
    if (result.status === 'REFUSED') return { providerId, status: result.status, error };
    const { attempts, retryAt, deferred, ticket } = result;
    return {
      providerId,
      status: result.status,
      error,
      ...(attempts !== undefined && { failedAttempts: attempts }),
      ...(retryAt !== undefined && { nextAttemptAt: toIso(retryAt) }),
      // The status URL is left out, because it may contain a token.
      ...(ticket && { workingSince: toIso(ticket.since), polls: ticket.polls }),
      ...(deferred && { deferred: presentDeferral(deferred) }),
    };
  }
  return { providerId, status: result.status, fetchedAt: toIso(result.fetchedAt), bytes: result.bytes };
};

/** Why a call was deferred, and the last failure behind that. */
const presentDeferral = ({ class: failureClass, cause }: TaskFailure): NonNullable<JobView['callbackDeferred']> => ({
  class: failureClass,
  ...(cause && { cause }),
});

const presentAttempt = ({ number, trigger, startedAt, endedAt, fetches, callback, nextAttemptAt }: Attempt) => ({
  number,
  trigger,
  startedAt: toIso(startedAt ?? endedAt),
  endedAt: toIso(endedAt),
  fetches: fetches.map((fetch) => ({ providerId: fetch.providerId, ...presentCall(fetch) })),
  callback: callback ? presentCall(callback) : null,
  nextAttemptAt: toIsoOrNull(nextAttemptAt),
});

const presentCall = ({ status, class: failureClass, statusCode, startedAt, durationMs, tries, excerpt }: Call) => ({
  status,
  ...(failureClass !== undefined && { class: failureClass }),
  ...(statusCode !== undefined && { statusCode }),
  ...(startedAt !== undefined && { startedAt: toIso(startedAt) }),
  ...(durationMs !== undefined && { durationMs }),
  ...(tries !== undefined && { tries }),
  ...(excerpt !== undefined && excerpt !== '' && { excerpt }),
});

/** The query of a callback URL may hold a token. */
const maskQuery = (url: string): string => url.replace(/\?.+$/, `?${MASK}`);

const toIsoOrNull = (epochMs: number | undefined): string | null => (epochMs === undefined ? null : toIso(epochMs));
