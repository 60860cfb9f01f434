import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Job } from '../../domain/job.ts';
import type { JobControl } from '../../ports/jobs.ts';
import {
  attemptSlot,
  fenced,
  isUndelivered,
  jobKey,
  type ShardedJobTable,
  shardOf,
  toItem,
  toStoredInput,
  toUpdate,
  toUpdateExpression,
} from './table.ts';

/** The attributes that are stored under their own names. Those that the next job does not have are removed. */
const REPLACED_ATTRIBUTES = [
  'status',
  'phase',
  'claims',
  'round',
  'fetchAttempts',
  'callbackAttempts',
  'redeliveries',
  'results',
  'updatedAt',
  'deadlineAt',
  'callbackDeadlineAt',
  'callbackDeferred',
  'dueAt',
  'leasedUntil',
  'heldSince',
  'failure',
  'endedAt',
  'expungedAt',
  'isInputDeleted',
  'expiresAt',
] as const satisfies (keyof Job)[];

export const createDynamoJobControl = ({ client, tableName, shardCount }: ShardedJobTable): JobControl => ({
  release: async (jobId, claims, now) => {
    await fenced(
      client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: jobKey(jobId),
          // The time since the last outcome was lost to an internal fault.
          UpdateExpression: 'SET dueAt = :now, heldSince = if_not_exists(heldSince, updatedAt) REMOVE leasedUntil',
          ConditionExpression: 'claims = :claims AND attribute_exists(leasedUntil)',
          ExpressionAttributeValues: toItem({ ':now': now, ':claims': claims }),
        }),
      ),
    );
  },

  replace: async (read, next) => {
    const { jobId, status, dueAt } = next;
    const { parameters, metadata } = toStoredInput(next);
    const { set, remove, names, values } = toUpdate({
      ...Object.fromEntries(REPLACED_ATTRIBUTES.map((name) => [name, next[name]])),
      unsettled: next.claimsSinceOutcome,
      ownFaults: next.internalFaults,
      parameters,
      metadata,
      dueShard: dueAt === undefined ? undefined : shardOf(jobId, shardCount),
      attemptLog: Object.fromEntries(next.attemptLog.map((attempt) => [attemptSlot(attempt.number), attempt])),
      data: undefined,
    });
    if (!isUndelivered(status)) remove.push('undeliveredShard');
    // An outcome written since the read leaves the claims unchanged but removes the lease.
    const leaseCondition =
      read.leasedUntil === undefined ? 'attribute_not_exists(leasedUntil)' : 'leasedUntil = :lease';
    await fenced(
      client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: jobKey(jobId),
          UpdateExpression: toUpdateExpression(set, remove),
          ConditionExpression: `claims = :read AND ${leaseCondition}`,
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: toItem({ ...values, ':read': read.claims, ':lease': read.leasedUntil }),
        }),
      ),
    );
  },
});
