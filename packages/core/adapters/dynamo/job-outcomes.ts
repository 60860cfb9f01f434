import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { JobOutcomes } from '../../ports/jobs.ts';
import {
  attemptSlot,
  fenced,
  isUndelivered,
  type JobTable,
  jobKey,
  toItem,
  toUpdate,
  toUpdateExpression,
} from './table.ts';

export const createDynamoJobOutcomes = ({ client, tableName }: JobTable): JobOutcomes => ({
  save: async (jobId, claims, settlement, data = []) => {
    const { attempt, fetchAttempts, callbackAttempts, isInTrouble, internalFaults: ownFaults, ...rest } = settlement;
    const attributes = { ...rest, ownFaults, unsettled: 0, data: data.length > 0 ? data : undefined };
    // Undefined fields of a settlement leave the stored attributes unchanged.
    const defined = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
    const update = toUpdate(defined);
    const hasEnded = settlement.dueAt === undefined;
    const set = [
      ...update.set,
      'fetchAttempts = fetchAttempts + :fetchAttempts',
      'callbackAttempts = callbackAttempts + :callbackAttempts',
      ...(attempt ? ['attemptLog.#slot = :attempt'] : []),
      ...(isInTrouble || isUndelivered(settlement.status) ? ['undeliveredShard = clientShard'] : []),
    ];
    const remove = [
      'leasedUntil',
      'heldSince',
      ...(settlement.callbackDeferred ? [] : ['callbackDeferred']),
      ...(hasEnded ? ['dueShard', 'dueAt'] : []),
      ...(settlement.status === 'COMPLETE' ? ['undeliveredShard'] : []),
    ];
    await fenced(
      client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: jobKey(jobId),
          UpdateExpression: toUpdateExpression(set, remove),
          ConditionExpression: 'claims = :claims AND attribute_exists(leasedUntil)',
          ExpressionAttributeNames: {
            ...(attempt && { '#slot': attemptSlot(attempt.number) }),
            ...update.names,
          },
          ExpressionAttributeValues: toItem({
            ':claims': claims,
            ':fetchAttempts': fetchAttempts,
            ':callbackAttempts': callbackAttempts,
            ':attempt': attempt,
            ...update.values,
          }),
        }),
      ),
    );
  },
});
