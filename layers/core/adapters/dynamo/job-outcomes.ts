import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { JobOutcomes } from '../../ports/jobs.ts';
import { attemptSlot, fenced, type JobTable, jobKey, toItem } from './table.ts';

export const createDynamoJobOutcomes = ({ client, tableName }: Omit<JobTable, 'shardCount'>): JobOutcomes => ({
  save: async (jobId, claims, settlement, data = []) => {
    const { attempt, fetchAttempts, callbackAttempts, ...rest } = settlement;
    const attributes = Object.entries({
      ...rest,
      unsettled: 0,
      data: data.length > 0 ? data : undefined,
    }).filter(([, value]) => value !== undefined);
    const isOver = settlement.dueAt === undefined;
    const isUndelivered = settlement.status === 'FAILED' || settlement.status === 'PARTIAL';
    const set = [
      ...attributes.map((_, index) => `#a${index} = :a${index}`),
      'fetchAttempts = fetchAttempts + :fetchAttempts',
      'callbackAttempts = callbackAttempts + :callbackAttempts',
      'attemptLog.#slot = :attempt',
      ...(isUndelivered ? ['undeliveredShard = clientShard'] : []),
    ];
    const remove = ['leasedUntil', ...(isOver ? ['dueShard', 'dueAt'] : [])];
    await fenced(
      client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: jobKey(jobId),
          UpdateExpression: `SET ${set.join(', ')} REMOVE ${remove.join(', ')}`,
          ConditionExpression: 'claims = :claims AND attribute_exists(leasedUntil)',
          ExpressionAttributeNames: {
            '#slot': attemptSlot(attempt.number),
            ...Object.fromEntries(attributes.map(([name], index) => [`#a${index}`, name])),
          },
          ExpressionAttributeValues: toItem({
            ':claims': claims,
            ':fetchAttempts': fetchAttempts,
            ':callbackAttempts': callbackAttempts,
            ':attempt': attempt,
            ...Object.fromEntries(attributes.map(([, value], index) => [`:a${index}`, value])),
          }),
        }),
      ),
    );
  },
});
