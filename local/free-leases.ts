import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoDueJobs } from '@boomerang/core/adapters/dynamo/due-jobs.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';

/**
 * Makes leased jobs due whose executions are known to have ended: executions live in the process, so none has survived its end, and
 * nobody needs to wait for their leases.
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
  const now = Date.now();
  let freed = 0;
  for (let shard = 0; shard < shardCount; shard += 1) {
    for await (const page of find(shard, Number.MAX_SAFE_INTEGER)) {
      const leased = page.filter(({ leasedUntil }) => leasedUntil !== undefined && leasedUntil <= until);
      await Promise.all(leased.map(({ jobId, claims }) => release(jobId, claims, now).catch(ignoreStale)));
      freed += leased.length;
    }
  }
  return freed;
};

const ignoreStale = (error: unknown): void => {
  if (!(error instanceof StaleClaim)) throw error;
};
