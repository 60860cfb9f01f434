import { ConditionalCheckFailedException, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Job } from '../../domain/job.ts';
import { callbackHostOf } from '../../domain/job-summary.ts';
import { isExpired } from '../../domain/ttl.ts';
import type { IntakeRequest, JobIntake } from '../../ports/jobs.ts';
import {
  clientShard,
  JOB_ITEM_ID,
  jobKey,
  listKey,
  type ShardedJobTable,
  shardOf,
  toItem,
  toJob,
  toStoredInput,
} from './table.ts';

export const createDynamoJobIntake = ({ client, tableName, shardCount }: ShardedJobTable): JobIntake => {
  /** @param replacedClaims claims of the expired job to replace; undefined for none */
  const put = (job: Job, request: IntakeRequest, replacedClaims?: number) => {
    const shard = shardOf(job.jobId, shardCount);
    const { claimsSinceOutcome: unsettled, internalFaults: ownFaults, ...attributes } = job;
    return client.send(
      new PutItemCommand({
        TableName: tableName,
        Item: toItem({
          ...attributes,
          unsettled,
          ownFaults,
          ...toStoredInput(job),
          ...request,
          itemId: JOB_ITEM_ID,
          dueShard: shard,
          clientShard: clientShard(job.clientId, shard),
          listKey: listKey(job),
          callbackHost: callbackHostOf(job.callbackUrl),
          attemptLog: {},
        }),
        ...(replacedClaims === undefined
          ? { ConditionExpression: 'attribute_not_exists(jobId)' }
          : {
              ConditionExpression: 'claims = :replaced',
              ExpressionAttributeValues: toItem({ ':replaced': replacedClaims }),
            }),
      }),
    );
  };

  const read = async (jobId: string) => {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: jobKey(jobId), ConsistentRead: true }),
    );
    return Item && { job: toJob(Item), requestId: Item.requestId?.S, requestHash: Item.requestHash?.S };
  };

  const create: JobIntake['create'] = async (job, request, now) => {
    try {
      await put(job, request);
      return { isNew: true, job, requestHash: request.requestHash };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
    const found = await read(job.jobId);
    // It expired and was deleted between the write and the read.
    if (!found) return create(job, request, now);
    const { job: stored, requestId, requestHash } = found;
    if (isExpired(stored, now)) {
      // Claims keep counting, so that the new job's fencing token is newer than anything the expired job left in the table.
      const successor = { ...job, claims: stored.claims + 1 };
      try {
        await put(successor, request, stored.claims);
        return { isNew: true, job: successor, requestHash: request.requestHash };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return create(job, request, now);
      }
    }
    // The SDK resends a write whose response was lost, so a failed condition may mean that this request succeeded.
    return { isNew: requestId === request.requestId, job: stored, requestHash };
  };

  const find: JobIntake['find'] = async (jobId, now) => {
    const found = await read(jobId);
    return found && !isExpired(found.job, now) ? { job: found.job, requestHash: found.requestHash } : undefined;
  };

  return { create, find };
};
