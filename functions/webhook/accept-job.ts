import { type Job, newJob, toClaimedJob } from '@boomerang/core/domain/job.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { StartExecution } from '@boomerang/core/ports/executions.ts';
import type { JobIntake } from '@boomerang/core/ports/jobs.ts';
import { hashRequest, idempotentJobId } from './idempotency.ts';
import type { WebhookBody } from './schema.ts';

export type AcceptJobDeps = {
  intake: JobIntake;
  startExecution: StartExecution;
  newId: () => string;
  now: () => number;
  log: Log;
  leaseMs: number;
  fetchDeadlineMs: number;
};

export type JobRequest = { clientId: string; idempotencyKey: string | undefined; body: WebhookBody };

/** The caller has used this idempotency key before, for another request. */
export class IdempotencyKeyReused extends Error {
  override name = 'IdempotencyKeyReused';
}

/**
 * Stores a job and starts the execution that it is leased to. Once it is stored it is accepted: a start that fails only
 * leaves the first attempt to the schedule. A request that was accepted before, under the same idempotency key, gets the
 * same job, and starts nothing.
 *
 * @throws IdempotencyKeyReused
 */
export const acceptJob = async (
  deps: AcceptJobDeps,
  { clientId, idempotencyKey, body }: JobRequest,
): Promise<{ job: Job; isReplayed: boolean }> => {
  const { intake, startExecution, newId, log, leaseMs, fetchDeadlineMs } = deps;
  const now = deps.now();
  const requestId = newId();
  const requestHash = hashRequest(body);
  const jobId = idempotencyKey === undefined ? requestId : idempotentJobId(clientId, idempotencyKey);
  const stored = await intake.create(
    newJob({ ...body, jobId, clientId, now, leaseMs, fetchDeadlineMs }),
    { requestId, requestHash },
    now,
  );
  const { job } = stored;
  if (!stored.isNew) {
    if (stored.requestHash !== requestHash) throw new IdempotencyKeyReused();
    log.info('Answered a repeated request', { jobId, clientId });
    return { job, isReplayed: true };
  }
  try {
    await startExecution([toClaimedJob(job, 'immediate', now)]);
    log.info('Accepted a job', { jobId, clientId, providers: job.providers });
  } catch (error) {
    log.warn('Accepted a job, but could not start it: the schedule will', { jobId, clientId, error });
    await makeDueNow(deps, job);
  }
  return { job, isReplayed: false };
};

/** Best effort: where it fails too, the lease runs out and the job is due all the same. */
const makeDueNow = async ({ intake, now, log }: AcceptJobDeps, { jobId, claims }: Job): Promise<void> => {
  try {
    await intake.release(jobId, claims, now());
  } catch (error) {
    log.warn('Could not give a claim back: the lease has to run out', { jobId, error });
  }
};
