import { paginateQuery, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { StaleClaim } from '../../domain/failures.ts';
import { holdMs } from '../../domain/schedule.ts';
import type { DueEntry, DueJobs } from '../../ports/jobs.ts';
import { DUE_INDEX, fenced, type JobTable, jobKey, toItem, toJob } from './table.ts';

const PAGE_SIZE = 200;

export const createDynamoDueJobs = ({ client, tableName }: JobTable): DueJobs => ({
  find: async function* (shard, now) {
    const pages = paginateQuery(
      { client, pageSize: PAGE_SIZE },
      {
        TableName: tableName,
        IndexName: DUE_INDEX,
        KeyConditionExpression: 'dueShard = :shard AND dueAt <= :now',
        ExpressionAttributeValues: toItem({ ':shard': shard, ':now': now }),
      },
    );
    for await (const { Items = [] } of pages) yield Items.map((item) => unmarshall(item) as DueEntry);
  },

  claim: async ({ jobId, claims, dueAt, leasedUntil }, now, leaseMs, pausedUntil = 0) => {
    // If a due entry has a lease, its previous claim was never settled, and `dueAt` is the end of that claim's hold.
    const lastClaimedAt = leasedUntil === undefined ? undefined : leasedUntil - leaseMs;
    const update = new UpdateItemCommand({
      TableName: tableName,
      Key: jobKey(jobId),
      UpdateExpression:
        'SET claims = claims + :one, unsettled = unsettled + :one, leasedUntil = :leaseEnd, dueAt = :holdEnd, ' +
        'heldSince = if_not_exists(heldSince, :since)',
      ConditionExpression: 'claims = :claims AND dueAt <= :now',
      ExpressionAttributeValues: toItem({
        ':one': 1,
        ':claims': claims,
        ':now': now,
        ':leaseEnd': now + leaseMs,
        ':holdEnd': now + holdMs(leaseMs, lastClaimedAt === undefined ? undefined : dueAt - lastClaimedAt),
        ':since': Math.min(now, lastClaimedAt ?? Math.max(dueAt, pausedUntil)),
      }),
      ReturnValues: 'ALL_NEW',
    });
    try {
      const { Attributes = {} } = await fenced(client.send(update));
      return toJob(Attributes);
    } catch (error) {
      if (error instanceof StaleClaim) return undefined;
      throw error;
    }
  },
});
