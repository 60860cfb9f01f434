import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import { type Job, toClaimedJob } from '@boomerang/core/domain/job.ts';
import { type Random, shuffled } from '@boomerang/core/domain/random.ts';
import { abandon, reasonToAbandon, type SettlePolicy } from '@boomerang/core/domain/settle.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { FindClient } from '@boomerang/core/ports/clients.ts';
import type { DueEntry, DueJobs, JobOutcomes } from '@boomerang/core/ports/jobs.ts';
import type { Sweeps } from '@boomerang/core/ports/sweeps.ts';
import { type NotifyDeps, publishJobEnded } from '@boomerang/core/use-cases/notify-operators.ts';
import { type Batches, createBatches } from './batches.ts';

export type ClaimDueJobsDeps = NotifyDeps & {
  due: DueJobs;
  lastPause: Sweeps['lastPause'];
  outcomes: JobOutcomes;
  findClient: FindClient;
  now: () => number;
  random: Random;
  log: Log;
  policy: SettlePolicy;
  leaseMs: number;
  shardCount: number;
  maxJobsPerSweep: number;
  /** Whether claims are paused. */
  isPaused: boolean;
};

/** The result of one pass of a sweep. */
export type Sweep = {
  batches: ClaimedJob[][];
  /** Whether another pass may find more. */
  more: boolean;
  /** How many jobs the sweep has claimed so far, including earlier passes. */
  claimed: number;
};

/** Maximum concurrent claims. */
const CONCURRENCY = 32;

/** No new claims start after this time, so that the claimed jobs reach the state machine before the function times out. */
const PASS_MS = 20_000;

/**
 * Claims due jobs until none are left, the output is full or the sweep reaches `maxJobsPerSweep`. Shards are read in random
 * order, so that overlapping sweeps collide less often and no shard is always last.
 *
 * @param claimedBefore how many jobs earlier passes of the same sweep claimed
 * @throws the read error, if a shard could not be read and no job was claimed
 */
export const claimDueJobs = async (deps: ClaimDueJobsDeps, claimedBefore: number): Promise<Sweep> => {
  const { due, now, random, log, shardCount, maxJobsPerSweep } = deps;
  if (deps.isPaused) return { batches: [], more: false, claimed: claimedBefore };
  const startedAt = now();
  const pausedUntil = await findPause(deps);
  const batches = createBatches();
  let claimedInPass = 0;
  let oldestDueAt = startedAt;
  const isFull = () =>
    batches.isFull() || claimedBefore + claimedInPass >= maxJobsPerSweep || now() - startedAt > PASS_MS;

  const sweepShard = async (shard: number): Promise<void> => {
    for await (const page of due.find(shard, startedAt)) {
      const entries = [...page];
      oldestDueAt = Math.min(oldestDueAt, ...entries.map(({ dueAt }) => dueAt));
      while (entries.length > 0 && !isFull()) {
        const room = Math.min(CONCURRENCY, batches.room(), maxJobsPerSweep - claimedBefore - claimedInPass);
        const claims = entries.splice(0, room).map((entry) => claim(deps, entry, batches, pausedUntil));
        claimedInPass += (await Promise.all(claims)).filter(Boolean).length;
      }
      if (isFull()) return;
    }
  };

  let readError: unknown;
  for (const shard of shuffled(shardCount, random)) {
    if (isFull()) break;
    try {
      await sweepShard(shard);
    } catch (error) {
      // Jobs claimed from other shards must still reach the state machine.
      log.error('Shard read failed', { shard, error });
      readError = error;
    }
  }
  if (claimedInPass === 0 && readError !== undefined) throw readError;
  if (claimedBefore === 0) deps.metrics.seconds('OldestDueAge', Math.round((startedAt - oldestDueAt) / 1000));

  const claimed = claimedBefore + claimedInPass;
  if (claimedInPass > 0) log.info('Due jobs claimed', { claimedInPass, claimed });
  return { batches: batches.toArray(), more: claimedInPass > 0 && isFull() && claimed < maxJobsPerSweep, claimed };
};

/** When claims were last paused. The time for which a due job waited during a pause is not an internal fault. */
const findPause = async ({ lastPause, log }: ClaimDueJobsDeps): Promise<number | undefined> => {
  try {
    return await lastPause();
  } catch (error) {
    log.warn('Pause lookup failed', { error });
    return undefined;
  }
};

/** @returns whether this pass claimed the job */
const claim = async (
  deps: ClaimDueJobsDeps,
  entry: DueEntry,
  batches: Batches,
  pausedUntil: number | undefined,
): Promise<boolean> => {
  const { due, now, leaseMs, log } = deps;
  try {
    const job = await due.claim(entry, now(), leaseMs, pausedUntil);
    if (!job) return false;
    const claimed = toClaimedJob(job, 'scheduled', now());
    const failure = reasonToAbandon(job, await isRevoked(deps, job), now());
    if (failure) await abandonJob(deps, job, claimed, failure);
    else batches.add(claimed, job.claimsSinceOutcome > 1);
    return true;
  } catch (error) {
    // One failed claim must not block the others. The job is still due, or becomes due again when its lease expires.
    log.error('Job claim failed', { jobId: entry.jobId, error });
    return false;
  }
};

/** Whether the job's client was revoked. If the lookup fails, the job continues: the delivery looks the client up again. */
const isRevoked = async ({ findClient, log }: ClaimDueJobsDeps, { jobId, clientId }: Job): Promise<boolean> => {
  try {
    const client = await findClient(clientId);
    return client === undefined || client.revokedAt !== undefined;
  } catch (error) {
    log.warn('Client lookup failed', { jobId, clientId, error });
    return false;
  }
};

const abandonJob = async (
  deps: ClaimDueJobsDeps,
  job: Job,
  claimed: ClaimedJob,
  failure: NonNullable<Job['failure']>,
): Promise<void> => {
  const { outcomes, now, policy, log } = deps;
  const settlement = abandon(job, claimed, failure, now(), policy);
  try {
    await outcomes.save(job.jobId, job.claims, settlement);
    const { jobId, clientId, claimsSinceOutcome } = job;
    log.error('Job abandoned', { jobId, clientId, claimsSinceOutcome, failure: failure.code });
    await publishJobEnded(deps, claimed, settlement);
  } catch (error) {
    if (!(error instanceof StaleClaim)) throw error;
  }
};
