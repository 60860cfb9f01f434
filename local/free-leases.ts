import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoDueJobs } from '@boomerang/core/adapters/dynamo/due-jobs.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';

/** A job claimed more often than this without an outcome may be what crashes the process: it keeps its lease as backoff. */
const MAX_FREED_CLAIMS = 2;

/**
 * Releases the leases of jobs whose executions have ended, so that these jobs need not wait for their leases to expire.
 * Executions run in this process, so none survives a restart.
 * @param until releases only leases that end by this time, epoch milliseconds; by default, all
 * @returns the number of released leases
 */
export const freeLeases = async (
  client: DynamoDBClient,
  tableName: string,
  shardCount: number,
  until = Number.POSITIVE_INFINITY,
): Promise<number> => {
  const table = { client, tableName, shardCount };
  const { find } = createDynamoDueJobs(table);
  const { release } = createDynamoJobControl(table);
  const { get } = createDynamoJobReader(table);
  const now = Date.now();
  const free = async (jobId: string): Promise<boolean> => {
    const job = await get(jobId, now);
    if (!job || job.claimsSinceOutcome > MAX_FREED_CLAIMS) return false;
    // The job may have been claimed again since the page was read.
    if (job.leasedUntil === undefined || job.leasedUntil > until) return false;
    await release(jobId, job.claims, now).catch(ignoreStale);
    return true;
  };
  let freed = 0;
  for (let shard = 0; shard < shardCount; shard += 1) {
    for await (const page of find(shard, Number.MAX_SAFE_INTEGER)) {
      const leased = page.filter(({ leasedUntil }) => leasedUntil !== undefined && leasedUntil <= until);
      freed += (await Promise.all(leased.map(({ jobId }) => free(jobId)))).filter(Boolean).length;
    }
  }
  return freed;
};

const ignoreStale = (error: unknown): void => {
  if (!(error instanceof StaleClaim)) throw error;
};
