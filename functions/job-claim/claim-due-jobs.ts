import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import { type Job, toClaimedJob } from '@boomerang/core/domain/job.ts';
import type { Random } from '@boomerang/core/domain/random.ts';
import { abandon, judgeClaim, type SettlePolicy } from '@boomerang/core/domain/settle.ts';
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
  /** Whether nothing is to be worked on for now. */
  isPaused: boolean;
};

/** What a pass of a sweep took. */
export type Sweep = {
  batches: ClaimedJob[][];
  /** Whether another pass may find more. */
  more: boolean;
  /** How many jobs the sweep has taken so far, earlier passes included. */
  claimed: number;
};

/** Claims under way at once. */
const CONCURRENCY = 32;

/** After this much of a pass no further claims begin: what was claimed must reach the state machine. */
const PASS_MS = 20_000;

/**
 * Takes jobs that are due, until there are no more, the output is full or the sweep has taken its share. Shards are read in
 * random order, so that overlapping sweeps meet less, and no shard is always last.
 *
 * @param claimedBefore what earlier passes of the same sweep took
 * @throws what reading threw, when it took nothing
 */
export const claimDueJobs = async (deps: ClaimDueJobsDeps, claimedBefore: number): Promise<Sweep> => {
  const { due, now, random, log, shardCount, maxJobsPerSweep } = deps;
  if (deps.isPaused) return { batches: [], more: false, claimed: claimedBefore };
  const startedAt = now();
  const pausedUntil = await findPause(deps);
  const batches = createBatches();
  let taken = 0;
  let oldestDueAt = startedAt;
  const isFull = () => batches.isFull() || claimedBefore + taken >= maxJobsPerSweep || now() - startedAt > PASS_MS;

  const sweepShard = async (shard: number): Promise<void> => {
    for await (const page of due.find(shard, startedAt)) {
      const entries = [...page];
      oldestDueAt = Math.min(oldestDueAt, ...entries.map(({ dueAt }) => dueAt));
      while (entries.length > 0 && !isFull()) {
        const room = Math.min(CONCURRENCY, batches.room(), maxJobsPerSweep - claimedBefore - taken);
        const claims = entries.splice(0, room).map((entry) => claim(deps, entry, batches, pausedUntil));
        taken += (await Promise.all(claims)).filter(Boolean).length;
      }
      if (isFull()) return;
    }
  };

  let unread: unknown;
  for (const shard of shuffle(shardCount, random)) {
    if (isFull()) break;
    try {
      await sweepShard(shard);
    } catch (error) {
      // What was taken from other shards must reach the state machine all the same.
      log.error('Could not read the due jobs of a shard', { shard, error });
      unread = error;
    }
  }
  if (taken === 0 && unread !== undefined) throw unread;
  if (claimedBefore === 0) deps.metrics.seconds('OldestDueAge', Math.round((startedAt - oldestDueAt) / 1000));

  const claimed = claimedBefore + taken;
  if (taken > 0) log.info('Claimed due jobs', { taken, claimed });
  return { batches: batches.toArray(), more: taken > 0 && isFull() && claimed < maxJobsPerSweep, claimed };
};

/** Jobs that are claimed late because operators had paused everything have lost no time to a fault of ours. */
const findPause = async ({ lastPause, log }: ClaimDueJobsDeps): Promise<number | undefined> => {
  try {
    return await lastPause();
  } catch (error) {
    log.warn('Could not find out when sweeps were last paused', { error });
    return undefined;
  }
};

/** @returns whether the job is ours now */
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
    const failure = judgeClaim(job, await isRevoked(deps, job), now());
    if (failure) await giveUp(deps, job, claimed, failure);
    else batches.add(claimed, job.claimsSinceOutcome > 1);
    return true;
  } catch (error) {
    // One job that can't be taken must not keep the others: its lease runs out, or it is still due.
    log.error('Could not claim a job', { jobId: entry.jobId, error });
    return false;
  }
};

/** Where that can't be told, the job goes on: its delivery asks again. */
const isRevoked = async ({ findClient, log }: ClaimDueJobsDeps, { jobId, clientId }: Job): Promise<boolean> => {
  try {
    const client = await findClient(clientId);
    return client === undefined || client.revokedAt !== undefined;
  } catch (error) {
    log.warn('Could not look up the client of a job', { jobId, clientId, error });
    return false;
  }
};

const giveUp = async (
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
    log.error('Gave a job up', { jobId, clientId, claimsSinceOutcome, failure: failure.code });
    await publishJobEnded(deps, claimed, settlement);
  } catch (error) {
    if (!(error instanceof StaleClaim)) throw error;
  }
};

/** The numbers below `count`, in random order (Fisher-Yates). */
const shuffle = (count: number, random: Random): number[] => {
  const numbers = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [numbers[last], numbers[other]] = [numbers[other] as number, numbers[last] as number];
  }
  return numbers;
};
