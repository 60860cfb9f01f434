import type { WorkedJob } from '@boomerang/core/contracts/worked-job.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import type { Random } from '@boomerang/core/domain/random.ts';
import { type SettlePolicy, settle } from '@boomerang/core/domain/settle.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { JobOutcomes, JobReader, ResultStore } from '@boomerang/core/ports/jobs.ts';
import { type TellDeps, tellEnd } from '@boomerang/core/use-cases/tell-operators.ts';
import type { SettleRequest } from './schema.ts';

export type SettleJobDeps = TellDeps & {
  jobs: Pick<JobReader, 'get'>;
  results: Pick<ResultStore, 'save'>;
  outcomes: JobOutcomes;
  now: () => number;
  random: Random;
  log: Log;
  policy: SettlePolicy;
  /** How long a stored result may be needed, milliseconds. */
  resultLifeMs: number;
};

/**
 * Writes down how an execution ended that did not deliver: keeps what was fetched, and sets when the job is due next, or
 * that it is over. An execution whose claim is not the newest any more changes nothing.
 */
export const settleJob = async (deps: SettleJobDeps, { job: worked, deliveryError }: SettleRequest): Promise<void> => {
  const { jobs, outcomes, now, random, log, policy } = deps;
  const { jobId, claims } = worked;
  try {
    const job = await jobs.get(jobId, now());
    if (job?.claims !== claims || job.leasedUntil === undefined) throw new StaleClaim('the claim is settled or taken');
    const delivery = deliveryError && { delivered: false as const, error: deliveryError };
    const settlement = settle(job, worked, { fetches: worked.results, delivery }, now(), random(), policy);
    // Results go first: once the job says that it has them, they must be there.
    await checkpoint(deps, worked);
    await outcomes.save(jobId, claims, settlement);
    const { status, phase, dueAt, failure } = settlement;
    log.info('Settled a job', { jobId, status, phase, failure: failure?.code, dueInMs: dueAt && dueAt - now() });
    await tellEnd(deps, worked, settlement);
  } catch (error) {
    if (!(error instanceof StaleClaim)) throw error;
    log.warn('Dropped the outcome of a claim that is not the newest', { jobId, claims });
  }
};

const checkpoint = async ({ results, now, resultLifeMs }: SettleJobDeps, worked: WorkedJob): Promise<void> => {
  const expiresAt = Math.ceil((now() + resultLifeMs) / 1000);
  await Promise.all(
    worked.results.map(async (outcome) => {
      if (outcome.status !== 'FETCHED' || outcome.json === undefined) return;
      const { providerId, fetchedAt, bytes, json } = outcome;
      await results.save(worked.jobId, worked.claims, { providerId, fetchedAt, bytes, json }, expiresAt);
    }),
  );
};
