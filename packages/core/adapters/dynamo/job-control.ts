import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
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
} from './table.ts';

export const createDynamoJobControl = ({ client, tableName, shardCount }: ShardedJobTable): JobControl => ({
  release: async (jobId, claims, now) => {
    await fenced(
      client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: jobKey(jobId),
          // No third party caused the hold since the last outcome.
          UpdateExpression: 'SET dueAt = :now, heldSince = if_not_exists(heldSince, updatedAt) REMOVE leasedUntil',
          ConditionExpression: 'claims = :claims AND attribute_exists(leasedUntil)',
          ExpressionAttributeValues: toItem({ ':now': now, ':claims': claims }),
        }),
      ),
    );
  },

  replace: async (read, next) => {
    const { jobId } = next;
    const { status, phase, claims, claimsSinceOutcome, fetchAttempts, callbackAttempts, redeliveries, results } = next;
    const { updatedAt, deadlineAt, callbackDeadlineAt, dueAt, leasedUntil, failure, expungedAt, expiresAt } = next;
    const { heldSince, ownFaults, callbackDeferred, round, isInputDeleted, endedAt } = next;
    const { parameters, metadata } = toStoredInput(next);
    const { set, remove, names, values } = toUpdate({
      ...{
        status,
        phase,
        claims,
        unsettled: claimsSinceOutcome,
        fetchAttempts,
        callbackAttempts,
        redeliveries,
        results,
      },
      ...{ updatedAt, deadlineAt, callbackDeadlineAt, dueAt, leasedUntil, failure, expungedAt, expiresAt },
      ...{ heldSince, ownFaults, callbackDeferred, round, isInputDeleted, endedAt, parameters, metadata },
      dueShard: dueAt === undefined ? undefined : shardOf(jobId, shardCount),
      attemptLog: Object.fromEntries(next.attemptLog.map((attempt) => [attemptSlot(attempt.number), attempt])),
      data: undefined,
    });
    if (!isUndelivered(status)) remove.push('undeliveredShard');
    // An outcome written since the read leaves the claims unchanged but removes the lease.
    const lease = read.leasedUntil === undefined ? 'attribute_not_exists(leasedUntil)' : 'leasedUntil = :lease';
    await fenced(
      client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: jobKey(jobId),
          UpdateExpression: `SET ${set.join(', ')} REMOVE ${remove.join(', ')}`,
          ConditionExpression: `claims = :read AND ${lease}`,
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: toItem({ ...values, ':read': read.claims, ':lease': read.leasedUntil }),
        }),
      ),
    );
  },
});
