import { GetItemCommand, PutItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { StaleClaim } from '../../domain/failures.ts';
import type { Redrive } from '../../domain/redrive.ts';
import type { Redrives } from '../../ports/redrives.ts';
import { DUE_INDEX, fenced, type Item, type JobTable, toItem, toUpdate } from './table.ts';

/** They lie in the table of jobs, in a shard of the due index that jobs don't use. */
const ITEM_ID = 'REDRIVE';
const DUE_SHARD = -1;

const keyOf = (redriveId: string): Item => toItem({ jobId: redriveId, itemId: ITEM_ID });

const toRedrive = (item: Item): Redrive => {
  const { jobId: redriveId, itemId: _, dueShard: __, ...redrive } = unmarshall(item);
  return { redriveId, ...redrive } as Redrive;
};

/** Each is apart, so that a function needs no right that it doesn't use. */
export const createDynamoRedriveIntake = ({
  client,
  tableName: TableName,
}: JobTable): Pick<Redrives, 'create' | 'get'> => ({
  create: async ({ redriveId, ...redrive }) => {
    const Item = { ...toItem({ ...redrive, dueShard: DUE_SHARD }), ...keyOf(redriveId) };
    await client.send(new PutItemCommand({ TableName, Item }));
  },

  get: async (redriveId, now) => {
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: keyOf(redriveId), ConsistentRead: true }));
    const redrive = Item && toRedrive(Item);
    return redrive?.expiresAt !== undefined && redrive.expiresAt * 1000 <= now ? undefined : redrive;
  },
});

export const createDynamoRedriveWork = ({
  client,
  tableName: TableName,
}: JobTable): Pick<Redrives, 'findDue' | 'claim' | 'save'> => ({
  findDue: async (now) => {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName,
        IndexName: DUE_INDEX,
        KeyConditionExpression: 'dueShard = :shard AND dueAt <= :now',
        ExpressionAttributeValues: toItem({ ':shard': DUE_SHARD, ':now': now }),
      }),
    );
    return Items.map(toRedrive);
  },

  claim: async ({ redriveId, claims }, now, leaseMs) => {
    const update = new UpdateItemCommand({
      TableName,
      Key: keyOf(redriveId),
      UpdateExpression: 'SET claims = claims + :one, dueAt = :leaseEnd',
      ConditionExpression: 'claims = :claims AND dueAt <= :now',
      ExpressionAttributeValues: toItem({ ':one': 1, ':claims': claims, ':now': now, ':leaseEnd': now + leaseMs }),
      ReturnValues: 'ALL_NEW',
    });
    try {
      const { Attributes = {} } = await fenced(client.send(update));
      return toRedrive(Attributes);
    } catch (error) {
      if (error instanceof StaleClaim) return undefined;
      throw error;
    }
  },

  save: async ({ redriveId, clientId: _, query: __, createdAt: ___, claims, ...progress }) => {
    const { set, remove, names, values } = toUpdate({
      cursor: undefined,
      expiresAt: undefined,
      dueAt: undefined,
      ...progress,
      dueShard: progress.dueAt === undefined ? undefined : DUE_SHARD,
    });
    await fenced(
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: keyOf(redriveId),
          UpdateExpression: `SET ${set.join(', ')}${remove.length > 0 ? ` REMOVE ${remove.join(', ')}` : ''}`,
          ConditionExpression: 'claims = :claims AND attribute_exists(dueAt)',
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: toItem({ ...values, ':claims': claims }),
        }),
      ),
    );
  },
});
