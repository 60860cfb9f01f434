import { GetItemCommand, PutItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { StaleClaim } from '../../domain/failures.ts';
import type { Redrive, RedriveQuery } from '../../domain/redrive.ts';
import { isExpired } from '../../domain/ttl.ts';
import type { RedriveIntake, RedriveWork } from '../../ports/redrives.ts';
import { DUE_INDEX, fenced, type Item, isWritten, type JobTable, toItem, toUpdate } from './table.ts';

/**
 * Redrives are stored in the job table. A client's newest redrive is stored under the client's key, so that a conditional
 * write also checks that no other is open. The next redrive moves it to a key with its own id. (Earlier versions stored every
 * redrive by id; open ones are still processed there.)
 */
const ITEM_ID = 'REDRIVE';
const clientKey = (clientId: string): string => `REDRIVES#${clientId}`;
const itemKey = (key: string): Item => toItem({ jobId: key, itemId: ITEM_ID });

/** Open redrives use a shard of the due index that jobs don't use. */
const DUE_SHARD = -1;
/** Entries per query. A pass processes fewer before it queries again. */
const MAX_DUE = 100;

/** The item that records until when a pass is running. */
const PASS_KEY = toItem({ jobId: 'REDRIVES', itemId: 'PASS' });

const toRedrive = (item: Item): Redrive => {
  const { jobId, itemId: _, dueShard: __, leasedUntil: ___, filters, ...redrive } = unmarshall(item);
  return { redriveId: jobId, stalls: 0, ...(filters && { query: filters }), ...redrive } as Redrive;
};

const toStored = ({ query, ...redrive }: Redrive): Item =>
  toItem({ ...redrive, ...(isPlain(query) ? { query } : { filters: query }) });

/**
 * Earlier versions know only queries for one status, and would ignore other filters and redrive too many jobs. Other queries
 * are therefore stored under another name, so that they fail to read them and leave the redrive to this version.
 */
const isPlain = ({ status, from: _, to: __, ...filters }: RedriveQuery): boolean =>
  typeof status === 'string' && Object.values(filters).every((value) => value === undefined);

/** Separate from the work, so that each function has only the permissions it needs. */
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
        // The SDK resent this request because its response was lost.
        if (former?.redriveId === redrive.redriveId) return { isNew: true, redrive: former };
        if (former?.status === 'RUNNING') return { isNew: false, redrive: former };
        if (former && !isExpired(former, now)) {
          const Item = { ...toStored(former), ...itemKey(former.redriveId) };
          await client.send(new PutItemCommand({ TableName, Item }));
        }
        // Claims keep counting, so that a stale holder of the former redrive can't write to this one.
        const next = { ...redrive, claims: former ? former.claims + 1 : redrive.claims };
        const put = new PutItemCommand({
          TableName,
          Item: { ...toStored(next), ...toItem({ dueShard: DUE_SHARD }), ...itemKey(key) },
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
        'SET claims = claims + :one, stalls = if_not_exists(stalls, :zero) + :one, dueAt = :leaseEnd, leasedUntil = :leaseEnd',
      ConditionExpression: 'claims = :claims AND dueAt <= :now',
      ExpressionAttributeValues: toItem({
        ':zero': 0,
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
      // The index projects this attribute but not `stalls`: it marks redrives with stalls.
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
