import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetItemCommand, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Job } from '../../domain/job.ts';
import { isSelected, type JobFilter, possibleStatuses } from '../../domain/job-filter.ts';
import { type JobSummary, toSummary } from '../../domain/job-summary.ts';
import { FIRST_MS, LAST_MS, toIso } from '../../domain/time.ts';
import { isExpired } from '../../domain/ttl.ts';
import type { JobEntry, JobListQuery, JobPage, JobReader } from '../../ports/jobs.ts';
import {
  clientShard,
  type Item,
  isInTrouble,
  isUndelivered,
  JOB_INDEX,
  type JobTable,
  jobKey,
  parseStoredInput,
  projectionOf,
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

/** An entry of the job index. The undelivered index holds only the first five attributes. */
type Entry = JobEntry & { listKey: string; expiresAt?: number } & Partial<
    Pick<JobSummary, 'providers' | 'callbackHost' | 'failure'>
  >;

/** One shard of an index, read from newest to oldest. */
type Shard = {
  number: number;
  /** The matching entries read so far. */
  entries: Entry[];
  /** The key of the oldest entry read; undefined once the whole range was read. */
  readTo: string | undefined;
};

/**
 * Cost limits of one call of `list` or `find`: no query starts after this many entries (at about 330 bytes each, 10,000 are
 * some 400 read units) or this much time. Each shard is read at least once, so that the cursor always advances.
 */
const MAX_ENTRIES_READ = 10_000;
const MAX_READ_MS = 5_000;

/** Maximum entries per query: a response holds up to 1 MB. */
const MAX_QUERY_ENTRIES = 1_000;

/** The consistent read of a job costs at least as many read units as this many index entries. */
const ENTRIES_PER_JOB = 25;

/** Maximum jobs per request: a response holds up to 16 MB, and a job up to 400 KB. */
const MAX_BATCH_JOBS = 50;

/** A throttled table leaves keys of a batch unprocessed. Delays before they are requested again. */
const BATCH_RETRY_MS = [50, 100, 200, 400, 800];

/** The attributes of a job that a list shows or filters by. */
const JOB_ATTRIBUTES = [
  'jobId',
  'status',
  'phase',
  'providers',
  'callbackUrl',
  'createdAt',
  'updatedAt',
  'endedAt',
  'failure',
  'expiresAt',
  'undeliveredShard',
];
const JOB_PROJECTION = projectionOf(JOB_ATTRIBUTES);

type ListedJob = Parameters<typeof toSummary>[0] & Pick<Job, 'isInTrouble' | 'expiresAt'>;

const toListedJob = (item: Item): ListedJob => ({
  ...(parseStoredInput(unmarshall(item)) as ListedJob),
  ...(isInTrouble(item) && { isInTrouble: true }),
});

/** @param clock current time for the time limit of a call, epoch milliseconds */
export const createDynamoJobList = ({
  client,
  tableName,
  shardCount,
  clock = Date.now,
}: ShardedJobTable & { clock?: () => number }): Pick<JobReader, 'list' | 'find'> => {
  /** Reads jobs by id, consistently. Missing jobs are left out. */
  const readJobs = async (jobIds: string[]): Promise<ListedJob[]> => {
    const slices = Array.from({ length: Math.ceil(jobIds.length / MAX_BATCH_JOBS) }, (_, index) =>
      jobIds.slice(index * MAX_BATCH_JOBS, (index + 1) * MAX_BATCH_JOBS),
    );
    return (await Promise.all(slices.map(readSlice))).flat();
  };

  const readSlice = async (jobIds: string[]): Promise<ListedJob[]> => {
    const jobs: ListedJob[] = [];
    let keys: Item[] = jobIds.map(jobKey);
    for (const delayMs of [...BATCH_RETRY_MS, undefined]) {
      const { Responses, UnprocessedKeys } = await client.send(
        new BatchGetItemCommand({
          RequestItems: { [tableName]: { ...JOB_PROJECTION, ConsistentRead: true, Keys: keys } },
        }),
      );
      jobs.push(...(Responses?.[tableName] ?? []).map(toListedJob));
      keys = UnprocessedKeys?.[tableName]?.Keys ?? [];
      if (keys.length === 0) return jobs;
      if (delayMs !== undefined) await sleep(delayMs);
    }
    throw new Error(`${keys.length} jobs were not read: the table is throttled`);
  };

  /** The jobs of these entries that are still selected, by id. */
  const selectedJobs = async (entries: Entry[], filter: JobFilter, now: number): Promise<Map<string, ListedJob>> => {
    const jobs = await readJobs(entries.map(({ jobId }) => jobId));
    const selected = jobs.filter((job) => !isExpired(job, now) && isSelected(job, filter));
    return new Map(selected.map((job) => [job.jobId, job]));
  };

  const scan = async ({ clientId, limit, after, now, ...filter }: JobListQuery): Promise<JobPage<Entry>> => {
    const { from, to, providerId, failureCode } = filter;
    const statuses = possibleStatuses(filter);
    if (statuses?.length === 0) return { jobs: [] };
    // Undelivered jobs are few and often queried, so they have a separate index. It holds no providers or failures.
    const isUndeliveredOnly = filter.inTrouble || (statuses?.every(isUndelivered) ?? false);
    const needsJobs = isUndeliveredOnly && (providerId !== undefined || failureCode !== undefined);
    const cost = needsJobs ? ENTRIES_PER_JOB : 1;
    const index = isUndeliveredOnly
      ? { name: UNDELIVERED_INDEX, key: 'undeliveredShard' }
      : { name: JOB_INDEX, key: 'clientShard' };
    const condition = toCondition(statuses, isUndeliveredOnly ? undefined : providerId);
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
          IndexName: index.name,
          KeyConditionExpression: `${index.key} = :shard AND listKey BETWEEN :oldest AND :below`,
          ...(condition && {
            FilterExpression: condition.expression,
            ExpressionAttributeNames: condition.names,
          }),
          ExpressionAttributeValues: toItem({
            ':shard': clientShard(clientId, shard.number),
            ':oldest': oldest,
            ':below': below,
            ...condition?.values,
          }),
          ScanIndexForward: false,
          Limit,
        }),
      );
      const found = Items.map((item) => parseStoredInput(unmarshall(item)) as Entry);
      const entries = found.filter((entry) => !isExpired(entry, now));
      const selected = needsJobs ? await selectedJobs(entries, filter, now) : undefined;
      shard.entries.push(...entries.filter(({ jobId }) => selected?.has(jobId) ?? true));
      shard.readTo = LastEvaluatedKey?.listKey?.S;
      return ScannedCount ?? Items.length;
    };

    const shards = Array.from({ length: shardCount }, (_, number): Shard => ({ number, entries: [], readTo: newest }));
    const endsAt = clock() + MAX_READ_MS;
    // A page's jobs are spread about evenly over the shards. Each further round doubles the limit, because a second round means
    // that few entries match.
    const maxEntries = MAX_ENTRIES_READ / cost;
    const maxPerQuery = Math.min(MAX_QUERY_ENTRIES, Math.ceil(maxEntries / shardCount));
    let perQuery = Math.min(limit, Math.ceil((1.5 * limit) / shardCount) + 2, maxPerQuery);
    let entriesRead = 0;
    let behind = shards;
    while (behind.length > 0) {
      const counts = await Promise.all(behind.map((shard) => read(shard, perQuery)));
      entriesRead += counts.reduce((sum, count) => sum + count, 0);
      if (entriesRead >= maxEntries || clock() >= endsAt) break;
      behind = shardsBehind(shards, limit);
      const left = Math.ceil((maxEntries - entriesRead) / Math.max(1, behind.length));
      perQuery = Math.min(perQuery * 2, MAX_QUERY_ENTRIES, left);
    }

    // A shard that stopped early may have unread entries older than its last key. Older entries are left to the next page.
    const boundary = shards.reduce((highest, { readTo = '' }) => (readTo > highest ? readTo : highest), '');
    const entries = newestFirst(shards).filter((entry) => entry.listKey >= boundary);
    const page = entries.slice(0, limit);
    const cursor = entries.length > limit ? page.at(-1)?.listKey : boundary;
    return { jobs: page, ...(cursor && { cursor }) };
  };

  return {
    list: async (query) => {
      const { jobs: entries, ...next } = await scan(query);
      const incomplete = entries.filter((entry) => summaryOf(entry) === undefined);
      const jobs = await selectedJobs(incomplete, query, query.now);
      const rows = entries.flatMap((entry) => {
        const job = jobs.get(entry.jobId);
        return summaryOf(entry) ?? (job ? toSummary(job) : []);
      });
      return { jobs: rows, ...next };
    },
    find: async (query) => {
      const { jobs, ...next } = await scan(query);
      return { jobs: jobs.map(toEntry), ...next };
    },
  };
};

/** The row of an ended job, if the entry holds all of it. */
const summaryOf = ({ jobId, status, createdAt, providers, callbackHost, endedAt, failure }: Entry) =>
  status === 'PENDING' || providers === undefined || callbackHost === undefined || endedAt === undefined
    ? undefined
    : { jobId, status, createdAt, providers, callbackHost, endedAt, ...(failure && { failure }) };

const toEntry = ({ jobId, status, createdAt, endedAt }: Entry): JobEntry => ({
  jobId,
  status,
  createdAt,
  ...(endedAt !== undefined && status !== 'PENDING' && { endedAt }),
});

/**
 * The filter expression of a query. The providers of a job with parameters or metadata are JSON text, others a list. An id
 * contains no quotes, so a quoted one matches only whole ids of the text, and none of a list.
 */
const toCondition = (statuses: JobFilter['statuses'], providerId: string | undefined) => {
  const keys = statuses?.map((_, index) => `:status${index}`);
  const clauses = [
    ...(keys ? [`#status IN (${keys.join(', ')})`] : []),
    ...(providerId === undefined
      ? []
      : ['(contains(providers, :quoted) OR (attribute_type(providers, :list) AND contains(providers, :provider)))']),
  ];
  if (clauses.length === 0) return undefined;
  return {
    expression: clauses.join(' AND '),
    names: keys && { '#status': 'status' },
    values: {
      ...Object.fromEntries(statuses?.map((status, index) => [`:status${index}`, status]) ?? []),
      ...(providerId !== undefined && { ':quoted': `"${providerId}"`, ':provider': providerId, ':list': 'L' }),
    },
  };
};

const newestFirst = (shards: Shard[]): Entry[] =>
  shards.flatMap(({ entries }) => entries).sort((a, b) => (a.listKey < b.listKey ? 1 : -1));

/** The shards that may still contain one of the `limit` newest matches. */
const shardsBehind = (shards: Shard[], limit: number): Shard[] => {
  const { listKey: last = '' } = newestFirst(shards)[limit - 1] ?? {};
  return shards.filter(({ readTo }) => readTo !== undefined && readTo > last);
};

/** Below and above all list keys, which begin with a digit. */
const OLDEST_KEY = '0';
const NEWEST_KEY = ':';

/** A key between the list keys of jobs accepted before this time and of those accepted at or after it. */
const timeKey = (ms: number): string => {
  if (ms < FIRST_MS) return OLDEST_KEY;
  return ms > LAST_MS ? NEWEST_KEY : toIso(ms);
};

/**
 * A key below the given one and above every smaller list key, because BETWEEN is inclusive. List keys have one length and
 * contain only characters that sort before the tilde.
 */
const justBelow = (key: string): string =>
  `${key.slice(0, -1)}${String.fromCharCode(key.charCodeAt(key.length - 1) - 1)}~`;
