import { paginateQuery, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { toEpochSeconds } from '../../domain/ttl.ts';
import type { ClientRates } from '../../ports/client-rates.ts';
import { LISTED_KEY } from './circuits.ts';
import { type JobTable, toItem } from './table.ts';

/** Limited clients share the partition of the provider circuits; each list has its own prefix. */
const CLIENT_PREFIX = 'client#';

export const createDynamoClientRates = ({ client, tableName: TableName }: JobTable): ClientRates => ({
  count: async (clientId, window, jobs, expiresAt) => {
    const { Attributes = {} } = await client.send(
      new UpdateItemCommand({
        TableName,
        Key: toItem({ jobId: `CLIENT_RATE#${clientId}`, itemId: `WINDOW#${window}` }),
        UpdateExpression: 'ADD jobs :jobs SET expiresAt = :expiresAt',
        ExpressionAttributeValues: toItem({ ':jobs': jobs, ':expiresAt': expiresAt }),
        ReturnValues: 'ALL_NEW',
      }),
    );
    return (unmarshall(Attributes) as { jobs: number }).jobs;
  },

  limit: async (clientId, until) => {
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: toItem({ jobId: LISTED_KEY, itemId: `${CLIENT_PREFIX}${clientId}` }),
        UpdateExpression: 'SET limitedUntil = :until, expiresAt = :expiresAt',
        ExpressionAttributeValues: toItem({ ':until': until, ':expiresAt': toEpochSeconds(until) }),
      }),
    );
  },

  listLimited: async (now) => {
    const limited = new Map<string, number>();
    const pages = paginateQuery(
      { client },
      {
        TableName,
        KeyConditionExpression: 'jobId = :listed AND begins_with(itemId, :prefix)',
        FilterExpression: 'limitedUntil > :now',
        ExpressionAttributeValues: toItem({ ':listed': LISTED_KEY, ':prefix': CLIENT_PREFIX, ':now': now }),
      },
    );
    for await (const { Items = [] } of pages) {
      for (const item of Items) {
        const { itemId, limitedUntil } = unmarshall(item) as { itemId: string; limitedUntil: number };
        limited.set(itemId.slice(CLIENT_PREFIX.length), limitedUntil);
      }
    }
    return limited;
  },
});
