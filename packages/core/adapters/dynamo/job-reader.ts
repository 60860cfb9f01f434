import { setTimeout as sleep } from 'node:timers/promises';
import { type AttributeValue, BatchGetItemCommand, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Job, JobStatus } from '../../domain/job.ts';
import { isSelected, type JobFilter, possibleStatuses } from '../../domain/job-filter.ts';
import { type JobSummary, toSummary } from '../../domain/job-summary.ts';
import { MAX_TIME_MS, MIN_TIME_MS, toIso } from '../../domain/time.ts';
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
  parseListKey,
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

/** One shard of an index, read from newest to oldest. */
type Shard = {
  number: number;
  /** The matching entries read so far. */
  entries: Item[];
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
const MAX_QUERY_ENTRIES = 2_500;

/** Each further query of a shard reads at most this many times as many entries as the one before. */
const MAX_GROWTH = 8;

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

/** The attributes read of an index entry. A list key holds the job's id and time of acceptance, too. */
const KEY_ATTRIBUTES = ['listKey', 'status', 'expiresAt'];
/** What `find` reads. Few attributes, because transferring and decoding 10,000 entries costs more than querying them. */
const FOUND_ATTRIBUTES = [...KEY_ATTRIBUTES, 'endedAt'];
const ROW_ATTRIBUTES = [...FOUND_ATTRIBUTES, 'providers', 'callbackHost', 'failure'];

type ListedJob = Parameters<typeof toSummary>[0] & Pick<Job, 'isInTrouble' | 'expiresAt'>;

const toListedJob = (item: Item): ListedJob => ({
  ...(parseStoredInput(unmarshall(item)) as ListedJob),
  ...(isInTrouble(item) && { isInTrouble: true }),
});

/** How to read the index entries of a query. */
type ReadPlan = {
  index: { name: string; key: string };
  condition: ReturnType<typeof toCondition>;
  projection: ReturnType<typeof projectionOf>;
  /** The range of list keys, `newest` excluded. */
  oldest: string;
  newest: string;
  /** The provider to filter by; undefined also if the index holds no providers. */
  providerId: string | undefined;
  /** Whether the filter needs attributes that the index does not hold, so that the jobs are read. */
  needsJobs: boolean;
};

/** @returns undefined if no job can match */
const planRead = ({ after, ...filter }: JobListQuery, attributes: readonly string[]): ReadPlan | undefined => {
  const { from, to, providerId, failureCode } = filter;
  const statuses = possibleStatuses(filter);
  if (statuses?.length === 0) return undefined;
  const range = {
    oldest: from === undefined ? OLDEST_KEY : timeKey(from),
    newest: [after, to === undefined ? undefined : timeKey(to)]
      .filter((key) => key !== undefined)
      .reduce((lower, key) => (key < lower ? key : lower), NEWEST_KEY),
  };
  // Undelivered jobs are few and often queried, so they have a separate index. It holds no providers or failures.
  if (filter.inTrouble || statuses?.every(isUndelivered)) {
    return {
      index: { name: UNDELIVERED_INDEX, key: 'undeliveredShard' },
      condition: toCondition(statuses, undefined),
      projection: projectionOf(KEY_ATTRIBUTES),
      ...range,
      providerId: undefined,
      needsJobs: providerId !== undefined || failureCode !== undefined,
    };
  }
  return {
    index: { name: JOB_INDEX, key: 'clientShard' },
    condition: toCondition(statuses, providerId),
    projection: projectionOf(attributes),
    ...range,
    providerId,
    needsJobs: false,
  };
};

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
  const selectedJobs = async (entries: Item[], filter: JobFilter, now: number): Promise<Map<string, ListedJob>> => {
    const jobs = await readJobs(entries.map(idOf));
    const selected = jobs.filter((job) => !isExpired(job, now) && isSelected(job, filter));
    return new Map(selected.map((job) => [job.jobId, job]));
  };

  /** Reads the next entries of a shard. @returns the number of entries read, matching or not */
  const readShard = async (shard: Shard, plan: ReadPlan, query: JobListQuery, Limit: number): Promise<number> => {
    const { index, condition, projection, oldest, providerId, needsJobs } = plan;
    const { clientId, now } = query;
    const below = justBelow(shard.readTo ?? '');
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
        ...(condition && { FilterExpression: condition.expression }),
        ...projection,
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
    const entries = Items.filter(
      (item) =>
        !isExpired({ expiresAt: numberOf(item.expiresAt) }, now) &&
        (providerId === undefined || hasProvider(item, providerId)),
    );
    const selected = needsJobs ? await selectedJobs(entries, query, now) : undefined;
    shard.entries.push(...entries.filter((entry) => selected?.has(idOf(entry)) ?? true));
    shard.readTo = LastEvaluatedKey?.listKey?.S;
    return ScannedCount ?? Items.length;
  };

  /** Reads the shards, in parallel queries, until they contain the `limit` newest matches or a cost limit is reached. */
  const readShards = async (shards: Shard[], plan: ReadPlan, query: JobListQuery): Promise<void> => {
    const { limit } = query;
    const endsAt = clock() + MAX_READ_MS;
    const maxEntries = MAX_ENTRIES_READ / (plan.needsJobs ? ENTRIES_PER_JOB : 1);
    // The first queries assume that a page's jobs are spread about evenly over the shards.
    const maxPerQuery = Math.min(MAX_QUERY_ENTRIES, Math.ceil(maxEntries / shardCount));
    let perQuery = Math.min(limit, Math.ceil((1.5 * limit) / shardCount) + 2, maxPerQuery);
    let entriesRead = 0;
    let behind = shards;
    while (behind.length > 0) {
      const counts = await Promise.all(behind.map((shard) => readShard(shard, plan, query, perQuery)));
      entriesRead += counts.reduce((sum, count) => sum + count, 0);
      if (entriesRead >= maxEntries || clock() >= endsAt) return;
      behind = shardsBehind(shards, limit);
      const matches = matchesIn(shards);
      // The entries that fill the page if matches stay as frequent as so far.
      const expected = Math.ceil((1.5 * (limit - matches) * entriesRead) / Math.max(1, matches * behind.length));
      const left = Math.ceil((maxEntries - entriesRead) / Math.max(1, behind.length));
      perQuery = Math.min(Math.max(perQuery * 2, expected), perQuery * MAX_GROWTH, MAX_QUERY_ENTRIES, left);
    }
  };

  /** @param attributes to read of entries of the job index; the undelivered index holds only `KEY_ATTRIBUTES` */
  const scan = async (query: JobListQuery, attributes: readonly string[]): Promise<JobPage<Item>> => {
    const plan = planRead(query, attributes);
    if (!plan) return { jobs: [] };
    const toShard = (_: unknown, number: number): Shard => ({ number, entries: [], readTo: plan.newest });
    const shards = Array.from({ length: shardCount }, toShard);
    await readShards(shards, plan, query);
    return newestPage(shards, query.limit);
  };

  return {
    list: async (query) => {
      const { jobs: entries, ...next } = await scan(query, ROW_ATTRIBUTES);
      const summaries = entries.map(summaryOf);
      const incomplete = entries.filter((_, index) => summaries[index] === undefined);
      const jobs = await selectedJobs(incomplete, query, query.now);
      const rows = entries.flatMap((entry, index) => {
        const job = jobs.get(idOf(entry));
        return summaries[index] ?? (job ? toSummary(job) : []);
      });
      return { jobs: rows, ...next };
    },
    find: async (query) => {
      const attributes = query.providerId === undefined ? FOUND_ATTRIBUTES : [...FOUND_ATTRIBUTES, 'providers'];
      const { jobs, ...next } = await scan(query, attributes);
      return { jobs: jobs.map(toEntry), ...next };
    },
  };
};

const keyOf = ({ listKey }: Item): string => listKey?.S ?? '';
const idOf = (item: Item): string => parseListKey(keyOf(item)).jobId;
const numberOf = (value: AttributeValue | undefined): number | undefined =>
  value?.N === undefined ? undefined : Number(value.N);

const toEntry = (item: Item): JobEntry => {
  const status = item.status?.S as JobStatus;
  const endedAt = numberOf(item.endedAt);
  return {
    ...parseListKey(keyOf(item)),
    status,
    ...(endedAt !== undefined && status !== 'PENDING' && { endedAt }),
  };
};

/** The row of an ended job, if the entry holds all of it. */
const summaryOf = (item: Item): JobSummary | undefined => {
  const { providers, callbackHost, failure } = parseStoredInput(unmarshall(item)) as Partial<JobSummary>;
  const { jobId, status, createdAt, endedAt } = toEntry(item);
  return endedAt === undefined || providers === undefined || callbackHost === undefined
    ? undefined
    : { jobId, status, createdAt, providers, callbackHost, endedAt, ...(failure && { failure }) };
};

/** The providers of a job with parameters or metadata are JSON text, others a list. Ids contain no quotes. */
const hasProvider = ({ providers }: Item, providerId: string): boolean =>
  providers?.S?.includes(`"${providerId}"`) ?? providers?.L?.some(({ S }) => S === providerId) ?? false;

/**
 * The filter expression of a query. The filter by provider also matches longer ids in the text of a job with parameters or
 * metadata, so its entries are checked again. (An expression that matches only whole ids needs nested parentheses, which take
 * the embedded database longer to parse than a hundred entries to read.)
 */
const toCondition = (statuses: JobFilter['statuses'], providerId: string | undefined) => {
  const keys = statuses?.map((_, index) => `:status${index}`);
  const clauses = [
    ...(keys ? [`#status IN (${keys.join(', ')})`] : []),
    ...(providerId === undefined ? [] : ['contains(#providers, :provider)']),
  ];
  if (clauses.length === 0) return undefined;
  return {
    expression: clauses.join(' AND '),
    values: {
      ...Object.fromEntries(statuses?.map((status, index) => [`:status${index}`, status]) ?? []),
      ...(providerId !== undefined && { ':provider': providerId }),
    },
  };
};

const newestFirst = (shards: Shard[]): Item[] =>
  shards.flatMap(({ entries }) => entries).sort((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1));

const matchesIn = (shards: Shard[]): number => shards.reduce((sum, { entries }) => sum + entries.length, 0);

/**
 * The newest matches. A shard that was not read to its end may have unread entries older than its last key, so entries older
 * than the newest of these keys are left to the next page.
 */
const newestPage = (shards: Shard[], limit: number): JobPage<Item> => {
  const boundary = shards.reduce((highest, { readTo = '' }) => (readTo > highest ? readTo : highest), '');
  const entries = newestFirst(shards).filter((entry) => keyOf(entry) >= boundary);
  const page = entries.slice(0, limit);
  const last = page.at(-1);
  const cursor = entries.length > limit && last ? keyOf(last) : boundary;
  return { jobs: page, ...(cursor && { cursor }) };
};

/** The shards that may still contain one of the `limit` newest matches. */
const shardsBehind = (shards: Shard[], limit: number): Shard[] => {
  const last = matchesIn(shards) < limit ? '' : keyOf(newestFirst(shards)[limit - 1] ?? {});
  return shards.filter(({ readTo }) => readTo !== undefined && readTo > last);
};

/** Below and above all list keys, which begin with a digit. */
const OLDEST_KEY = '0';
const NEWEST_KEY = ':';

/** A key between the list keys of jobs accepted before this time and of those accepted at or after it. */
const timeKey = (ms: number): string => {
  if (ms < MIN_TIME_MS) return OLDEST_KEY;
  return ms > MAX_TIME_MS ? NEWEST_KEY : toIso(ms);
};

/**
 * A key below the given one and above every smaller list key, because BETWEEN is inclusive. List keys have one length and
 * contain only characters that sort before the tilde.
 */
const justBelow = (key: string): string =>
  `${key.slice(0, -1)}${String.fromCharCode(key.charCodeAt(key.length - 1) - 1)}~`;
