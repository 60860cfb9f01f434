import { GetItemCommand, PutItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { StaleClaim } from '../../domain/failures.ts';
import type { Redrive } from '../../domain/redrive.ts';
import { isExpired } from '../../domain/ttl.ts';
import type { RedriveIntake, RedriveWork } from '../../ports/redrives.ts';
import { DUE_INDEX, fenced, type Item, isWritten, type JobTable, toItem, toUpdate } from './table.ts';

/**
 * They lie in the table of jobs. The newest redrive of a client is stored under the client, which makes the write of it the
 * check that no other is open; it moves to a key of its own, by its id, when the next one takes its place. (Earlier versions
 * stored all of them by their id, and those that they left open are worked off there.)
 */
const ITEM_ID = 'REDRIVE';
const clientKey = (clientId: string): string => `REDRIVES#${clientId}`;
const itemKey = (key: string): Item => toItem({ jobId: key, itemId: ITEM_ID });

/** Open ones are in a shard of the due index that jobs don't use. */
const DUE_SHARD = -1;
/** How many of those a pass looks at: it comes to fewer before it looks again. */
const MAX_DUE = 100;

/** Tells until when a pass is under way. */
const PASS_KEY = toItem({ jobId: 'REDRIVES', itemId: 'PASS' });

const toRedrive = (item: Item): Redrive => {
  const { jobId, itemId: _, dueShard: __, leasedUntil: ___, ...redrive } = unmarshall(item);
  return { redriveId: jobId, stalls: 0, ...redrive } as Redrive;
};

/** Each is apart, so that a function needs no right that it doesn't use. */
export const createDynamoRedriveIntake = ({ client, tableName: TableName }: JobTable): RedriveIntake => {
  const read = async (key: string): Promise<Redrive | undefined> => {
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: itemKey(key), ConsistentRead: true }));
    return Item && toRedrive(Item);
  };

  return {
    create: async (redrive, now) => {
      const key = clientKey(redrive.clientId);
      for (;;) {
        const former = await read(key);
        // The same one: an answer to an earlier try of this request was lost.
        if (former?.redriveId === redrive.redriveId) return { isNew: true, redrive: former };
        if (former?.status === 'RUNNING') return { isNew: false, redrive: former };
        if (former && !isExpired(former, now)) {
          const Item = { ...toItem(former), ...itemKey(former.redriveId) };
          await client.send(new PutItemCommand({ TableName, Item }));
        }
        // Claims count on: a stale holder of the former one must not pass for a holder of this one.
        const next = { ...redrive, claims: former ? former.claims + 1 : redrive.claims };
        const put = new PutItemCommand({
          TableName,
          Item: { ...toItem({ ...next, dueShard: DUE_SHARD }), ...itemKey(key) },
          ...(former
            ? {
                ConditionExpression: 'redriveId = :former AND #status <> :running',
                ExpressionAttributeNames: { '#status': 'status' },
                ExpressionAttributeValues: toItem({ ':former': former.redriveId, ':running': 'RUNNING' }),
              }
            : { ConditionExpression: 'attribute_not_exists(jobId)' }),
        });
        if (await isWritten(client.send(put))) return { isNew: true, redrive: next };
      }
    },

    get: async (clientId, redriveId, now) => {
      for (const key of [clientKey(clientId), redriveId]) {
        const redrive = await read(key);
        if (redrive?.redriveId !== redriveId || redrive.clientId !== clientId) continue;
        return isExpired(redrive, now) ? undefined : redrive;
      }
      return undefined;
    },

    reservePass: (now, until) =>
      isWritten(
        client.send(
          new UpdateItemCommand({
            TableName,
            Key: PASS_KEY,
            UpdateExpression: 'SET passUntil = :until',
            ConditionExpression: 'attribute_not_exists(passUntil) OR passUntil <= :now',
            ExpressionAttributeValues: toItem({ ':now': now, ':until': until }),
          }),
        ),
      ),
  };
};

export const createDynamoRedriveWork = ({ client, tableName: TableName }: JobTable): RedriveWork => ({
  findDue: async (now) => {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName,
        IndexName: DUE_INDEX,
        KeyConditionExpression: 'dueShard = :shard AND dueAt <= :now',
        ExpressionAttributeValues: toItem({ ':shard': DUE_SHARD, ':now': now }),
        Limit: MAX_DUE,
      }),
    );
    return Items.map((item) => {
      const { jobId: key, claims, dueAt, leasedUntil } = unmarshall(item);
      return { key, claims, dueAt, isStalled: leasedUntil !== undefined };
    });
  },

  claim: async ({ key, claims }, now, leaseMs) => {
    const update = new UpdateItemCommand({
      TableName,
      Key: itemKey(key),
      UpdateExpression:
        'SET claims = claims + :one, stalls = if_not_exists(stalls, :none) + :one, dueAt = :leaseEnd, leasedUntil = :leaseEnd',
      ConditionExpression: 'claims = :claims AND dueAt <= :now',
      ExpressionAttributeValues: toItem({
        ':none': 0,
        ':one': 1,
        ':claims': claims,
        ':now': now,
        ':leaseEnd': now + leaseMs,
      }),
      ReturnValues: 'ALL_NEW',
    });
    try {
      const { Attributes = {} } = await fenced(client.send(update));
      return { ...toRedrive(Attributes), key };
    } catch (error) {
      if (error instanceof StaleClaim) return undefined;
      throw error;
    }
  },

  save: async ({ key, redriveId: _, clientId: __, query: ___, createdAt: ____, claims, ...progress }) => {
    const isOpen = progress.dueAt !== undefined;
    const { set, remove, names, values } = toUpdate({
      cursor: undefined,
      expiresAt: undefined,
      dueAt: undefined,
      ...progress,
      dueShard: isOpen ? DUE_SHARD : undefined,
      // The index holds this attribute, and not the stalls: it tells which redrives had some.
      leasedUntil: isOpen && progress.stalls > 0 ? progress.dueAt : undefined,
    });
    await fenced(
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: itemKey(key),
          UpdateExpression: `SET ${set.join(', ')}${remove.length > 0 ? ` REMOVE ${remove.join(', ')}` : ''}`,
          ConditionExpression: 'claims = :claims AND attribute_exists(dueAt)',
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: toItem({ ...values, ':claims': claims }),
        }),
      ),
    );
  },

  announcePass: async (until) => {
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: PASS_KEY,
        UpdateExpression: 'SET passUntil = :until',
        ExpressionAttributeValues: toItem({ ':until': until }),
      }),
    );
  },
});
