import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoDueJobs } from '@boomerang/core/adapters/dynamo/due-jobs.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';

/** A job that was claimed more often than that without an outcome may be what ends the process: it keeps its back-off. */
const MAX_FREED_CLAIMS = 2;

/**
 * Makes leased jobs due whose executions are known to have ended: executions live in the process, so none has survived its
 * end, and no job needs to wait for its lease.
 * @param until frees only leases that end by then, epoch milliseconds; absent: all
 * @returns how many there were
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
    // It may have been claimed anew since the page was read.
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
