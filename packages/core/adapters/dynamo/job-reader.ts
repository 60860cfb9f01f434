import { GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { isExpired } from '../../domain/ttl.ts';
import type { JobReader, JobSummary } from '../../ports/jobs.ts';
import {
  CLIENT_INDEX,
  clientShard,
  isUndelivered,
  type JobTable,
  jobKey,
  type ShardedJobTable,
  toInlineData,
  toItem,
  toJob,
  UNDELIVERED_INDEX,
} from './table.ts';

/** Separate from the list, so that a function that reads single jobs needs no Query permission. */
export const createDynamoJobReader = ({ client, tableName }: JobTable): Pick<JobReader, 'get' | 'getWithData'> => {
  const find = async (jobId: string, now: number) => {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: jobKey(jobId), ConsistentRead: true }),
    );
    if (!Item) return undefined;
    const job = toJob(Item);
    return isExpired(job, now) ? undefined : { job, item: Item };
  };
  return {
    get: async (jobId, now) => (await find(jobId, now))?.job,
    getWithData: async (jobId, now) => {
      const found = await find(jobId, now);
      return found && { job: found.job, inline: toInlineData(found.item) };
    },
  };
};

type Entry = JobSummary & { listKey: string; expiresAt?: number };

/** One shard of an index, read from newest to oldest. */
type Shard = {
  number: number;
  /** The matching entries read so far. */
  entries: Entry[];
  /** The key of the oldest entry read; undefined once the whole range was read. */
  readTo: string | undefined;
};

/**
 * Cost limits of one call of `list`: no query starts after this many entries (at about 200 bytes each, 10,000 are some 250
 * read units) or this much time. Each shard is read at least once, so that the cursor always advances.
 */
const MAX_ENTRIES_READ = 10_000;
const MAX_READ_MS = 5_000;

/** Maximum entries per query: a response holds up to 1 MB. */
const MAX_QUERY_ENTRIES = 1_000;

/** @param clock current time for the time limit of a call, epoch milliseconds */
export const createDynamoJobList = ({
  client,
  tableName,
  shardCount,
  clock = Date.now,
}: ShardedJobTable & { clock?: () => number }): Pick<JobReader, 'list'> => ({
  list: async ({ clientId, status, from, to, limit, after, now }) => {
    // Undelivered jobs are few and often queried, so they have a separate index.
    const isUndeliveredOnly = isUndelivered(status);
    const oldest = from === undefined ? OLDEST_KEY : timeKey(from);
    const newest = [after, to === undefined ? undefined : timeKey(to)]
      .filter((key) => key !== undefined)
      .reduce((lower, key) => (key < lower ? key : lower), NEWEST_KEY);

    /** Reads the next entries of a shard. @returns the number of entries read, matching or not */
    const read = async (shard: Shard, Limit: number): Promise<number> => {
      const { readTo = '' } = shard;
      const below = justBelow(readTo);
      // DynamoDB rejects an empty BETWEEN range.
      if (below < oldest) {
        shard.readTo = undefined;
        return 0;
      }
      const {
        Items = [],
        ScannedCount,
        LastEvaluatedKey,
      } = await client.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: isUndeliveredOnly ? UNDELIVERED_INDEX : CLIENT_INDEX,
          KeyConditionExpression: `${isUndeliveredOnly ? 'undeliveredShard' : 'clientShard'} = :shard AND listKey BETWEEN :oldest AND :below`,
          ...(status && { FilterExpression: '#status = :status', ExpressionAttributeNames: { '#status': 'status' } }),
          ExpressionAttributeValues: toItem({
            ':shard': clientShard(clientId, shard.number),
            ':oldest': oldest,
            ':below': below,
            ':status': status,
          }),
          ScanIndexForward: false,
          Limit,
        }),
      );
      const entries = Items.map((item) => unmarshall(item) as Entry);
      shard.entries.push(...entries.filter((entry) => !isExpired(entry, now)));
      shard.readTo = LastEvaluatedKey?.listKey?.S;
      return ScannedCount ?? Items.length;
    };

    const shards = Array.from({ length: shardCount }, (_, number): Shard => ({ number, entries: [], readTo: newest }));
    const endsAt = clock() + MAX_READ_MS;
    // A page's jobs are spread about evenly over the shards. Each further round doubles the limit, because a second round means
    // that few entries match.
    let perQuery = Math.min(limit, Math.ceil((1.5 * limit) / shardCount) + 2, MAX_QUERY_ENTRIES);
    let entriesRead = 0;
    let behind = shards;
    while (behind.length > 0) {
      const counts = await Promise.all(behind.map((shard) => read(shard, perQuery)));
      entriesRead += counts.reduce((sum, count) => sum + count, 0);
      if (entriesRead >= MAX_ENTRIES_READ || clock() >= endsAt) break;
      behind = shardsBehind(shards, limit);
      const left = Math.ceil((MAX_ENTRIES_READ - entriesRead) / Math.max(1, behind.length));
      perQuery = Math.min(perQuery * 2, MAX_QUERY_ENTRIES, left);
    }

    // A shard that stopped early may have unread entries older than its last key. Older entries are left to the next page.
    const boundary = shards.reduce((highest, { readTo = '' }) => (readTo > highest ? readTo : highest), '');
    const entries = newestFirst(shards).filter((entry) => entry.listKey >= boundary);
    const page = entries.slice(0, limit);
    const cursor = entries.length > limit ? page.at(-1)?.listKey : boundary;
    return { jobs: page.map(toSummary), ...(cursor && { cursor }) };
  },
});

const newestFirst = (shards: Shard[]): Entry[] =>
  shards.flatMap(({ entries }) => entries).sort((a, b) => (a.listKey < b.listKey ? 1 : -1));

/** The shards that may still contain one of the `limit` newest matches. */
const shardsBehind = (shards: Shard[], limit: number): Shard[] => {
  const { listKey: last = '' } = newestFirst(shards)[limit - 1] ?? {};
  return shards.filter(({ readTo }) => readTo !== undefined && readTo > last);
};

/** Range of four-digit years: ISO 8601 writes other years with a sign, which sorts before every digit. */
const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');
const OLDEST_KEY = '0';
const NEWEST_KEY = ':';

/** A key between the list keys of jobs accepted before this time and of those accepted at or after it. */
const timeKey = (ms: number): string => {
  if (ms < FIRST_MS) return OLDEST_KEY;
  return ms > LAST_MS ? NEWEST_KEY : new Date(ms).toISOString();
};

/**
 * A key below the given one and above every smaller list key, because BETWEEN is inclusive. List keys have one length and
 * contain only characters that sort before the tilde.
 */
const justBelow = (key: string): string =>
  `${key.slice(0, -1)}${String.fromCharCode(key.charCodeAt(key.length - 1) - 1)}~`;

const toSummary = ({ jobId, status, createdAt }: Entry): JobSummary => ({ jobId, status, createdAt });
