import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { JobIntake } from '../../ports/jobs.ts';
import { clientShard, fenced, JOB_ITEM_ID, type JobTable, jobKey, listKey, shardOf, toItem } from './table.ts';

export const createDynamoJobIntake = ({ client, tableName, shardCount }: JobTable): JobIntake => ({
  create: async (job) => {
    const shard = shardOf(job.jobId, shardCount);
    const Item = toItem({
      ...job,
      itemId: JOB_ITEM_ID,
      dueShard: shard,
      clientShard: clientShard(job.clientId, shard),
      listKey: listKey(job),
      attemptLog: {},
    });
    await client.send(new PutItemCommand({ TableName: tableName, Item }));
  },

  release: async (jobId, claims, now) => {
    await fenced(
      client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: jobKey(jobId),
          UpdateExpression: 'SET dueAt = :now REMOVE leasedUntil',
          ConditionExpression: 'claims = :claims AND attribute_exists(leasedUntil)',
          ExpressionAttributeValues: toItem({ ':now': now, ':claims': claims }),
        }),
      ),
    );
  },
});
