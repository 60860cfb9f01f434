import { QueryCommand } from '@aws-sdk/client-dynamodb';
import type { CountPending } from '../../ports/clients.ts';
import { clientShard, JOB_INDEX, type ShardedJobTable, toItem } from './table.ts';

/** Index entries read per client: at 300 bytes each, some 37 read units. */
export const MAX_COUNTED_JOBS = 1_000;

/** Counts the pending jobs among a client's newest, one query a shard. */
export const createDynamoCountPending =
  ({ client, tableName, shardCount }: ShardedJobTable): CountPending =>
  async (clientId) => {
    const shards = Array.from({ length: shardCount }, (_, shard) =>
      client.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: JOB_INDEX,
          KeyConditionExpression: 'clientShard = :shard',
          FilterExpression: '#status = :pending',
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: toItem({ ':shard': clientShard(clientId, shard), ':pending': 'PENDING' }),
          ScanIndexForward: false,
          Select: 'COUNT',
          Limit: Math.ceil(MAX_COUNTED_JOBS / shardCount),
        }),
      ),
    );
    const pages = await Promise.all(shards);
    return {
      pendingJobs: pages.reduce((sum, { Count = 0 }) => sum + Count, 0),
      isTruncated: pages.some(({ LastEvaluatedKey }) => LastEvaluatedKey !== undefined),
    };
  };
