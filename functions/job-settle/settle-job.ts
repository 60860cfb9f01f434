import { resultsInPayload, type WorkedJob } from '@boomerang/core/contracts/worked-job.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import type { Job, StoredResult } from '@boomerang/core/domain/job.ts';
import type { Random } from '@boomerang/core/domain/random.ts';
import { couldOutlive, keptUntil } from '@boomerang/core/domain/result-life.ts';
import { type Settlement, type SettlePolicy, settle } from '@boomerang/core/domain/settle.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { JobOutcomes, JobReader, ResultKey, ResultStore } from '@boomerang/core/ports/jobs.ts';
import { discardStaleResults } from '@boomerang/core/use-cases/discard-stale-results.ts';
import { type NotifyDeps, publishJobEnded } from '@boomerang/core/use-cases/notify-operators.ts';
import type { SettleRequest } from './schema.ts';

export type SettleJobDeps = NotifyDeps & {
  jobs: Pick<JobReader, 'get' | 'getWithData'>;
  results: Pick<ResultStore, 'save' | 'renew' | 'remove'>;
  outcomes: JobOutcomes;
  now: () => number;
  random: Random;
  log: Log;
  policy: SettlePolicy;
};

/**
 * Saves the outcome of an execution that did not deliver: stores its results and sets the job's next due time, or ends the
 * job. An execution with a stale claim changes nothing.
 */
export const settleJob = async (deps: SettleJobDeps, { job: worked, deliveryError }: SettleRequest): Promise<void> => {
  const { jobs, outcomes, now, random, log, policy } = deps;
  const { jobId, claims } = worked;
  const outcome = { fetches: worked.results, delivery: deliveryError };
  reportInternalFaults(deps, jobId, outcome);
  /** The results that this execution has stored: large ones by the fetches, the others by the checkpoint. */
  const stored = worked.results.flatMap((result): ResultKey[] =>
    result.kind === 'fetched' && result.stored ? [{ providerId: result.providerId, ...result.stored }] : [],
  );
  try {
    const job = await jobs.get(jobId, now());
    if (job?.claims !== claims || job.leasedUntil === undefined) {
      throw new StaleClaim('the claim is settled or superseded');
    }
    const settlement = settle(job, worked, outcome, now(), random(), policy);
    // Save results before the job: a job must never refer to results that are not stored.
    const results = await checkpoint(deps, job, worked, settlement, stored);
    await outcomes.save(jobId, claims, { ...settlement, results });
    const { status, phase, dueAt, failure } = settlement;
    log.info('Job settled', { jobId, status, phase, failure: failure?.code, dueInMs: dueAt && dueAt - now() });
    await publishJobEnded(deps, worked, settlement);
  } catch (error) {
    if (!(error instanceof StaleClaim)) throw error;
    log.warn('Stale outcome dropped', { jobId, claims });
    if (stored.length > 0) await discardStaleResults(deps, worked, stored);
  }
};

/** Reports internal faults to operators. Such faults delay the job but do not count as attempts. */
const reportInternalFaults = (
  { log, metrics }: SettleJobDeps,
  jobId: string,
  { fetches, delivery }: { fetches: WorkedJob['results']; delivery: SettleRequest['deliveryError'] },
): void => {
  for (const outcome of fetches) {
    if (outcome.kind !== 'notAttempted') continue;
    const { providerId, cause } = outcome;
    log.error('Task failed by an internal fault', { task: 'provider-fetch', jobId, providerId, cause });
    metrics.count('OwnFaults', { task: 'provider-fetch' });
  }
  // A callback that waits for such a fetch is not a second fault.
  if (fetches.some(({ kind }) => kind === 'notAttempted')) return;
  if (delivery?.kind !== 'notAttempted' && delivery?.kind !== 'resultMissing') return;
  const cause = delivery.kind === 'notAttempted' ? delivery.cause : `result of ${delivery.providerId} missing`;
  log.error('Task failed by an internal fault', { task: 'callback-deliver', jobId, cause });
  metrics.count('OwnFaults', { task: 'callback-deliver' });
};

/**
 * Stores results that only the execution holds, and renews stored results that the job could outlive.
 *
 * @param saved receives the key of every result stored here, even if storing another result fails
 * @returns the settlement's results with their storage keys
 */
const checkpoint = async (
  { results, now, policy, log }: SettleJobDeps,
  job: Job,
  worked: WorkedJob,
  settlement: Settlement,
  saved: ResultKey[],
): Promise<Settlement['results']> => {
  const { jobId, claims } = worked;
  const hasEnded = settlement.dueAt === undefined;
  const retained = { ...job, ...settlement, callbackAttempts: job.callbackAttempts + settlement.callbackAttempts };
  const expiresAt = keptUntil(retained, now(), policy);
  const inPayload = new Map(resultsInPayload(worked).map((result) => [result.providerId, result]));
  const storeOrRenew = async (result: Settlement['results'][number]): Promise<StoredResult | undefined> => {
    if (result.status !== 'FETCHED') return undefined;
    const { providerId } = result;
    const data = result.keptUntil === undefined ? inPayload.get(providerId) : undefined;
    if (data) {
      const key = await results.save(jobId, claims, data, expiresAt);
      saved.push({ providerId, ...key });
      return key;
    }
    if (hasEnded || !couldOutlive(result, retained, now(), policy)) return undefined;
    const isStored = await results.renew(jobId, result, expiresAt);
    // The delivery will throw ResultMissing.
    if (!isStored) log.error('Stored result missing', { jobId, providerId });
    return isStored ? { keptUntil: expiresAt } : undefined;
  };
  // `allSettled`: `saved` must be complete before a failure is thrown.
  const kept = await Promise.allSettled(
    settlement.results.map(async (result) => ({ ...result, ...(await storeOrRenew(result)) })),
  );
  return kept.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
};
