import {
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { StaleClaim } from '../../domain/failures.ts';
import { omit } from '../../domain/omit.ts';
import type { Redrive, RedriveQuery } from '../../domain/redrive.ts';
import { isExpired } from '../../domain/ttl.ts';
import type { RedriveIntake, RedrivePage, RedriveWork } from '../../ports/redrives.ts';
import {
  DUE_INDEX,
  fenced,
  type Item,
  isWritten,
  type JobTable,
  toItem,
  toUpdate,
  toUpdateExpression,
} from './table.ts';

/**
 * Redrives are stored in the job table. A client's newest redrive is stored under the client's key, so that a conditional
 * write also checks that no other is open. The next redrive moves it to an item of its own under the same key. (Earlier
 * versions stored redrives under their own ids. They are still processed and read there, but not listed.)
 */
const ITEM_ID = 'REDRIVE';
const FORMER_PREFIX = `${ITEM_ID}#`;
const clientKey = (clientId: string): string => `REDRIVES#${clientId}`;
const itemKey = (key: string, itemId = ITEM_ID): Item => toItem({ jobId: key, itemId });
const formerItemId = (redriveId: string): string => `${FORMER_PREFIX}${redriveId}`;
/** Sorts after every id. */
const NEWEST_ID = '~';

/** Open redrives use a shard of the due index that jobs don't use. */
const DUE_SHARD = -1;
/** Entries per query: more than a pass processes before it queries again. */
const MAX_DUE = 100;

/** The item that records until when a pass of the redrives is running. */
const PASS_KEY = toItem({ jobId: 'REDRIVES', itemId: 'PASS' });

const toRedrive = (item: Item): Redrive => {
  const { jobId, filters, ...redrive } = omit(unmarshall(item), ['itemId', 'dueShard', 'leasedUntil']);
  // Earlier versions store the id of a redrive only as its key, and no stalls.
  return { redriveId: jobId, stalls: 0, ...(filters && { query: filters }), ...redrive } as Redrive;
};

const toStored = ({ query, ...redrive }: Redrive): Item =>
  toItem({ ...redrive, ...(isPlain(query) ? { query } : { filters: query }) });

/**
 * Earlier versions know only queries for one status. They would ignore other filters and redrive too many jobs. Other queries
 * are therefore stored under another name, which earlier versions fail to read: they leave the redrive to this version.
 */
const isPlain = (query: RedriveQuery): boolean =>
  typeof query.status === 'string' &&
  Object.values(omit(query, ['status', 'from', 'to'])).every((filter) => filter === undefined);

const toPage = (redrives: Redrive[], limit: number): RedrivePage => {
  const sorted = redrives.sort((a, b) => (a.redriveId < b.redriveId ? 1 : -1));
  const page = sorted.slice(0, limit);
  const last = page.at(-1);
  return { redrives: page, ...(last && sorted.length > limit && { cursor: last.redriveId }) };
};

/** Separate from the work, so that each function has only the permissions it needs. */
export const createDynamoRedriveIntake = ({ client, tableName: TableName }: JobTable): RedriveIntake => {
  const read = async (key: string, itemId?: string): Promise<Redrive | undefined> => {
    const { Item } = await client.send(
      new GetItemCommand({ TableName, Key: itemKey(key, itemId), ConsistentRead: true }),
    );
    return Item && toRedrive(Item);
  };

  /** A client's former redrives, newest first, from the given id on. */
  async function* readFormer(clientId: string, from: string, pageSize: number): AsyncGenerator<Redrive> {
    const pages = paginateQuery(
      { client, pageSize },
      {
        TableName,
        KeyConditionExpression: 'jobId = :key AND itemId BETWEEN :oldest AND :newest',
        ExpressionAttributeValues: toItem({
          ':key': clientKey(clientId),
          ':oldest': FORMER_PREFIX,
          ':newest': formerItemId(from),
        }),
        ScanIndexForward: false,
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) yield* Items.map(toRedrive);
  }

  return {
    create: async (redrive, now) => {
      const key = clientKey(redrive.clientId);
      for (;;) {
        const former = await read(key);
        // The SDK resent this request because its response was lost.
        if (former?.redriveId === redrive.redriveId) return { isNew: true, redrive: former };
        if (former?.status === 'RUNNING') return { isNew: false, redrive: former };
        if (former && !isExpired(former, now)) {
          const Item = { ...toStored(former), ...itemKey(key, formerItemId(former.redriveId)) };
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
      const key = clientKey(clientId);
      // The last of these is where earlier versions stored it.
      const keys: [key: string, itemId?: string][] = [[key], [key, formerItemId(redriveId)], [redriveId]];
      for (const itemKeys of keys) {
        const redrive = await read(...itemKeys);
        if (redrive?.redriveId !== redriveId || redrive.clientId !== clientId) continue;
        return isExpired(redrive, now) ? undefined : redrive;
      }
      return undefined;
    },

    list: async ({ clientId, limit, after = NEWEST_ID, now }) => {
      // Read first: if it is replaced meanwhile, the query finds it among the former ones.
      const newest = await read(clientKey(clientId));
      const found = new Map<string, Redrive>();
      const add = (redrive: Redrive): void => {
        if (redrive.redriveId < after && !isExpired(redrive, now)) found.set(redrive.redriveId, redrive);
      };
      // Two more than the page: the one that the cursor names, and the first of the next page.
      for await (const former of readFormer(clientId, after, limit + 2)) {
        add(former);
        if (found.size > limit) break;
      }
      // Last, because it replaces the copy that a crash during `create` leaves.
      if (newest) add(newest);
      return toPage([...found.values()], limit);
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

  save: async ({ key, claims, ...redrive }) => {
    const progress = omit(redrive, ['redriveId', 'clientId', 'query', 'createdAt']);
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
          UpdateExpression: toUpdateExpression(set, remove),
          ConditionExpression: 'claims = :claims AND attribute_exists(dueAt)',
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: toItem({ ...values, ':claims': claims }),
        }),
      ),
    );
  },

  extendPass: async (until) => {
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
