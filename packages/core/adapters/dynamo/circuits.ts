import { BatchGetItemCommand, DeleteItemCommand, paginateQuery, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import {
  type CircuitState,
  isProviderCircuit,
  type OpenCircuit,
  PROVIDER_PREFIX,
  type Tally,
} from '../../domain/circuit.ts';
import { latestExpired, toEpochSeconds } from '../../domain/ttl.ts';
import type { CallCounts, Circuits, Tallies } from '../../ports/circuits.ts';
import { type Item, isWritten, type JobTable, toItem, toUpdate, toUpdateExpression } from './table.ts';

/**
 * The keys of circuits in the job table:
 *
 * | circuit of | open                              | watch                                   |
 * | ---------- | --------------------------------- | --------------------------------------- |
 * | a provider | `CIRCUITS`, `provider#<id>`       | `CIRCUITS`, `provider#<id>#watch`       |
 * | a receiver | `CIRCUIT#callback#…`, `OPEN`      | `CIRCUIT#callback#…`, `WATCH`           |
 *
 * One query reads the circuits of all providers. Receivers may be thousands, so each has its own partition.
 */
export const LISTED_KEY = 'CIRCUITS';
const WATCH_SUFFIX = '#watch';

const openKey = (key: string): Item =>
  isProviderCircuit(key)
    ? toItem({ jobId: LISTED_KEY, itemId: key })
    : toItem({ jobId: `CIRCUIT#${key}`, itemId: 'OPEN' });
const watchKey = (key: string): Item =>
  isProviderCircuit(key)
    ? toItem({ jobId: LISTED_KEY, itemId: `${key}${WATCH_SUFFIX}` })
    : toItem({ jobId: `CIRCUIT#${key}`, itemId: 'WATCH' });
const TALLY_PREFIX = 'TALLY#';
const tallyKey = (key: string, window: number): Item =>
  toItem({ jobId: `${TALLY_PREFIX}${key}`, itemId: `WINDOW#${window}` });

/** How long an open circuit is kept after its open time if no call probes it: its third party is no longer called. */
const UNPROBED_RETENTION_MS = 3_600_000;

/** Maps an open circuit to its stored attribute names, which deployed tables already use. */
const toOpenAttributes = ({ openUntil, consecutiveOpens, halfOpen, lastFailure }: OpenCircuit) => ({
  openUntil,
  openings: consecutiveOpens,
  isProbed: halfOpen,
  lastFailure,
  expiresAt: toEpochSeconds(openUntil + UNPROBED_RETENTION_MS),
});

const toState = (key: string, open: Item | undefined, watch: Item | undefined): CircuitState => {
  const state: CircuitState = {};
  if (open) {
    const { openUntil, openings, isProbed, lastFailure } = unmarshall(open);
    state.open = { key, openUntil, consecutiveOpens: openings, halfOpen: isProbed, lastFailure };
  }
  if (watch) {
    const { since, expiresAt, weight, weightFrom, weightUntil } = unmarshall(watch);
    state.watch = { since, expiresAt, weight, weightFrom, weightUntil };
  }
  return state;
};

/** Separate from the writer, so that a function that only reads needs no write permission. */
export const createDynamoCircuitReader = ({
  client,
  tableName: TableName,
}: JobTable): Pick<Circuits, 'list' | 'find'> => {
  /** The unexpired items of a key, by item id. DynamoDB deletes expired items late. */
  const query = async (jobId: string, now: number, prefix?: string): Promise<Map<string, Item>> => {
    const found = new Map<string, Item>();
    const pages = paginateQuery(
      { client },
      {
        TableName,
        KeyConditionExpression: `jobId = :jobId${prefix === undefined ? '' : ' AND begins_with(itemId, :prefix)'}`,
        FilterExpression: 'expiresAt > :expired',
        ExpressionAttributeValues: toItem({ ':jobId': jobId, ':expired': latestExpired(now), ':prefix': prefix }),
      },
    );
    for await (const { Items = [] } of pages) for (const item of Items) found.set(item.itemId?.S ?? '', item);
    return found;
  };

  return {
    list: async (now) => {
      const items = await query(LISTED_KEY, now, PROVIDER_PREFIX);
      const keys = new Set([...items.keys()].map((itemId) => itemId.replace(WATCH_SUFFIX, '')));
      return new Map(
        [...keys].map((key) => [key, toState(key, items.get(key), items.get(`${key}${WATCH_SUFFIX}`))] as const),
      );
    },

    find: async (key, now) => {
      const items = await query(`CIRCUIT#${key}`, now);
      return toState(key, items.get('OPEN'), items.get('WATCH'));
    },
  };
};

/** The condition that an item does not exist, or has expired and is not deleted yet. */
const ABSENT = 'attribute_not_exists(jobId) OR expiresAt <= :expired';

export const createDynamoCircuits = ({ client, tableName: TableName }: JobTable): Circuits => {
  const write = (
    Key: Item,
    attributes: Record<string, unknown>,
    condition: string,
    values: Record<string, unknown>,
  ) => {
    const { set, remove, names, values: setValues } = toUpdate(attributes);
    return isWritten(
      client.send(
        new UpdateItemCommand({
          TableName,
          Key,
          UpdateExpression: toUpdateExpression(set, remove),
          ConditionExpression: condition,
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: toItem({ ...setValues, ...values }),
        }),
      ),
    );
  };
  return {
    ...createDynamoCircuitReader({ client, tableName: TableName }),

    watch: (key, watch, now) => write(watchKey(key), watch, ABSENT, { ':expired': latestExpired(now) }),

    updateWatch: (key, since, change) => write(watchKey(key), change, 'since = :since', { ':since': since }),

    count: async (key, window, { calls, failures, samples }, expiresAt) => {
      const { Attributes = {} } = await client.send(
        new UpdateItemCommand({
          TableName,
          Key: tallyKey(key, window),
          UpdateExpression: 'ADD calls :calls, failures :failures, samples :samples SET expiresAt = :expiresAt',
          ExpressionAttributeValues: toItem({
            ':calls': calls,
            ':failures': failures,
            ':samples': samples,
            ':expiresAt': expiresAt,
          }),
          ReturnValues: 'ALL_NEW',
        }),
      );
      const all = unmarshall(Attributes) as Tally;
      return { calls: all.calls, failures: all.failures, samples: all.samples };
    },

    open: (circuit, now) =>
      write(openKey(circuit.key), toOpenAttributes(circuit), ABSENT, { ':expired': latestExpired(now) }),

    replace: (read, next) =>
      write(openKey(read.key), toOpenAttributes(next), 'openUntil = :read', { ':read': read.openUntil }),

    close: async ({ key, openUntil }, windows) => {
      // Delete the circuit itself last: if the process dies before that, the next probe closes it.
      for (const Key of [watchKey(key), ...windows.map((window) => tallyKey(key, window))]) {
        await client.send(new DeleteItemCommand({ TableName, Key }));
      }
      return isWritten(
        client.send(
          new DeleteItemCommand({
            TableName,
            Key: openKey(key),
            ConditionExpression: 'openUntil = :read',
            ExpressionAttributeValues: toItem({ ':read': openUntil }),
          }),
        ),
      );
    },
  };
};

/** The limit of BatchGetItem. */
const MAX_BATCH_ITEMS = 100;

/** Separate from the reader, so that only the function that shows tallies may read them. */
export const createDynamoTallies = ({ client, tableName }: JobTable): Tallies => {
  /** Unprocessed items are not requested again: a user waits, and a few seconds later the tallies are read anew. */
  const readBatch = async (Keys: Item[]): Promise<Item[]> => {
    const { Responses, UnprocessedKeys } = await client.send(
      new BatchGetItemCommand({ RequestItems: { [tableName]: { Keys } } }),
    );
    const unread = UnprocessedKeys?.[tableName]?.Keys?.length ?? 0;
    if (unread > 0) throw new Error(`${unread} tallies were not read: the table is throttled`);
    return Responses?.[tableName] ?? [];
  };

  return {
    sum: async (keys, windows) => {
      const tallyKeys = keys.flatMap((key) => windows.map((window) => tallyKey(key, window)));
      const batches = Array.from({ length: Math.ceil(tallyKeys.length / MAX_BATCH_ITEMS) }, (_, index) =>
        readBatch(tallyKeys.slice(index * MAX_BATCH_ITEMS, (index + 1) * MAX_BATCH_ITEMS)),
      );
      const sums = new Map<string, CallCounts>();
      for (const item of (await Promise.all(batches)).flat()) {
        const { jobId, calls, failures } = unmarshall(item);
        const key = jobId.slice(TALLY_PREFIX.length);
        const sum = sums.get(key) ?? { calls: 0, failures: 0 };
        sums.set(key, { calls: sum.calls + calls, failures: sum.failures + failures });
      }
      return sums;
    },
  };
};
