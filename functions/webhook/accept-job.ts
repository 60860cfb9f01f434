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

/** The caller already used this idempotency key for a different request. */
export class IdempotencyKeyReused extends Error {
  override name = 'IdempotencyKeyReused';
}

/**
 * Stores a job and starts the execution that holds its lease. A stored job is accepted: if the start fails, the schedule
 * makes the first attempt. A repeated request with the same idempotency key returns the same job and starts nothing.
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
    log.info('Request replayed', { jobId, clientId });
    return { job, isReplayed: true };
  }
  log.info('Job accepted', { jobId, clientId, providers: job.providers });
  metrics.count('JobsAccepted');
  await startJob(deps, job, 'immediate');
  return { job, isReplayed: false };
};

/**
 * Finds the job of an earlier, identical request with the same idempotency key, even if the request would no longer be
 * valid. Returns undefined if there is none. Costs one consistent read.
 */
export const findReplay = async (
  { intake, now, log }: Pick<AcceptJobDeps, 'now' | 'log'> & { intake: Pick<JobIntake, 'find'> },
  { clientId, idempotencyKey, body }: Posted,
): Promise<Accepted | undefined> => {
  if (idempotencyKey === undefined) return undefined;
  const jobId = idempotentJobId(clientId, idempotencyKey);
  const stored = await intake.find(jobId, now());
  if (stored?.requestHash !== hashRequest(body)) return undefined;
  log.info('Request replayed', { jobId, clientId });
  return { job: stored.job, isReplayed: true };
};
