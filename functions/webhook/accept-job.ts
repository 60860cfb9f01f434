import { type Job, newJob } from '@boomerang/core/domain/job.ts';
import type { Metrics } from '@boomerang/core/observability/metrics.ts';
import type { JobIntake } from '@boomerang/core/ports/jobs.ts';
import { type StartJobDeps, startJob } from '@boomerang/core/use-cases/start-job.ts';
import { hashRequest, idempotentJobId } from './idempotency.ts';
import type { JobRequest } from './job-request.ts';

export type AcceptJobDeps = StartJobDeps & {
  intake: Pick<JobIntake, 'create'>;
  metrics: Metrics;
  newId: () => string;
  leaseMs: number;
  fetchDeadlineMs: number;
};

export type Posted = { clientId: string; idempotencyKey: string | undefined; body: JobRequest };

export type Accepted = { job: Job; isReplayed: boolean };

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
export const acceptJob = async (deps: AcceptJobDeps, { clientId, idempotencyKey, body }: Posted): Promise<Accepted> => {
  const { intake, metrics, newId, log, leaseMs, fetchDeadlineMs } = deps;
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
  log.info('Accepted a job', { jobId, clientId, providers: job.providers });
  metrics.count('JobsAccepted');
  await startJob(deps, job, 'immediate');
  return { job, isReplayed: false };
};

/**
 * The job of an earlier request that this one repeats, under the same idempotency key; whether it would be taken today does not
 * matter. Undefined where it repeats none. One consistent read.
 */
export const findReplay = async (
  { intake, now, log }: Pick<AcceptJobDeps, 'now' | 'log'> & { intake: Pick<JobIntake, 'find'> },
  { clientId, idempotencyKey, body }: Posted,
): Promise<Accepted | undefined> => {
  if (idempotencyKey === undefined) return undefined;
  const jobId = idempotentJobId(clientId, idempotencyKey);
  const stored = await intake.find(jobId, now());
  if (stored?.requestHash !== hashRequest(body)) return undefined;
  log.info('Answered a repeated request', { jobId, clientId });
  return { job: stored.job, isReplayed: true };
};
