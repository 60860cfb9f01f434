import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoDueJobs } from '@boomerang/core/adapters/dynamo/due-jobs.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';

/**
 * Makes every leased job due: executions live in the process, so none has survived its end, and nobody needs to wait for
 * their leases.
 * @returns how many there were
 */
export const freeLeases = async (client: DynamoDBClient, tableName: string, shardCount: number): Promise<number> => {
  const table = { client, tableName, shardCount };
  const { find } = createDynamoDueJobs(table);
  const { release } = createDynamoJobControl(table);
  const now = Date.now();
  let freed = 0;
  for (let shard = 0; shard < shardCount; shard += 1) {
    for await (const page of find(shard, Number.MAX_SAFE_INTEGER)) {
      const leased = page.filter((entry) => entry.leasedUntil !== undefined);
      await Promise.all(leased.map(({ jobId, claims }) => release(jobId, claims, now).catch(ignoreStale)));
      freed += leased.length;
    }
  }
  return freed;
};

const ignoreStale = (error: unknown): void => {
  if (!(error instanceof StaleClaim)) throw error;
};
