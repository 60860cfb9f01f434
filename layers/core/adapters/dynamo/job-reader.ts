import { type DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { isExpired } from '../../domain/job.ts';
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

type Entry = JobSummary & { listKey: string; expiresAt?: number };

/** What one shard had: entries that match, newest first, and how far it was read, if not to its end. */
type ShardPage = { entries: Entry[]; readTo: string | undefined };

/** Reading one job and listing many are apart, so that a function that only reads one needs no right to query. */
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

export const createDynamoJobList = ({ client, tableName, shardCount }: ShardedJobTable): Pick<JobReader, 'list'> => ({
  list: async ({ clientId, status, limit, after, now }) => {
    // What was not delivered has an index of its own: few jobs end so, and those are the ones people look for.
    const isUndeliveredOnly = isUndelivered(status);
    const index = isUndeliveredOnly ? UNDELIVERED_INDEX : CLIENT_INDEX;
    const pages = await Promise.all(
      Array.from({ length: shardCount }, (_, shard) =>
        queryShard(client, {
          TableName: tableName,
          IndexName: index,
          KeyConditionExpression: `${isUndeliveredOnly ? 'undeliveredShard' : 'clientShard'} = :shard${after === undefined ? '' : ' AND listKey < :after'}`,
          ...(status && { FilterExpression: '#status = :status', ExpressionAttributeNames: { '#status': 'status' } }),
          ExpressionAttributeValues: toItem({
            ':shard': clientShard(clientId, shard),
            ':after': after,
            ':status': status,
          }),
          ScanIndexForward: false,
          Limit: limit,
        }),
      ),
    );
    // Entries older than where some shard stopped reading may have unread neighbours: they belong to the next page.
    const boundary = pages.reduce((newest, { readTo = '' }) => (readTo > newest ? readTo : newest), '');
    const entries = pages
      .flatMap((page) => page.entries)
      .filter((entry) => entry.listKey >= boundary)
      .sort((a, b) => (a.listKey < b.listKey ? 1 : -1));
    const page = entries.slice(0, limit);
    const cursor = entries.length > limit ? page.at(-1)?.listKey : boundary;
    return {
      jobs: page.filter((entry) => !isExpired(entry, now)).map(toSummary),
      ...(cursor && { cursor }),
    };
  },
});

const queryShard = async (
  client: DynamoDBClient,
  query: ConstructorParameters<typeof QueryCommand>[0],
): Promise<ShardPage> => {
  const { Items = [], LastEvaluatedKey } = await client.send(new QueryCommand(query));
  return { entries: Items.map((item) => unmarshall(item) as Entry), readTo: LastEvaluatedKey?.listKey?.S };
};

const toSummary = ({ jobId, status, createdAt }: Entry): JobSummary => ({ jobId, status, createdAt });
