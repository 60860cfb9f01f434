import { type AttributeValue, ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { StaleClaim } from '../../domain/failures.ts';
import { ATTEMPT_LOG_LIMIT, type Attempt, type Job, type JobStatus } from '../../domain/job.ts';
import { toIso } from '../../domain/time.ts';
import type { ProviderResultData } from '../../ports/jobs.ts';

/** The job table. */
export type JobTable = { client: DynamoDBClient; tableName: string };

/** The job table with the number of its index shards, for adapters that write index keys or query every shard. */
export type ShardedJobTable = JobTable & {
  /** Number of index shards. May only be raised. */
  shardCount: number;
};

export type Item = Record<string, AttributeValue>;

export const JOB_ITEM_ID = 'JOB';
export const DUE_INDEX = 'DueIndex';
export const JOB_INDEX = 'JobIndex';
export const UNDELIVERED_INDEX = 'UndeliveredIndex';

/** Item id prefix of results. */
export const RESULT_PREFIX = 'PROVIDER#';

export const jobKey = (jobId: string): Item => ({ jobId: { S: jobId }, itemId: { S: JOB_ITEM_ID } });

/** `PROVIDER#<id>`: the head item of a result. */
export const resultItemId = (providerId: string): string => `${RESULT_PREFIX}${providerId}`;

/** The key contains the digest of the whole result, so that concurrent writers can't mix their chunks. */
export const chunkItemId = (providerId: string, digest: string, chunk: number): string =>
  `${resultItemId(providerId)}#${digest}#${chunk}`;

/** The index shard of a job: ids end in random or hashed digits, so the last eight are evenly distributed. */
export const shardOf = (jobId: string, shardCount: number): number => Number.parseInt(jobId.slice(-8), 16) % shardCount;

export const clientShard = (clientId: string, shard: number): string => `${clientId}#${shard}`;

/** Sorts a client's jobs by age; the id makes the key unique. */
export const listKey = ({ createdAt, jobId }: Pick<Job, 'createdAt' | 'jobId'>): string =>
  `${toIso(createdAt)}#${jobId}`;

export const parseListKey = (key: string): Pick<Job, 'createdAt' | 'jobId'> => {
  const end = key.indexOf('#');
  return { jobId: key.slice(end + 1), createdAt: Date.parse(key.slice(0, end)) };
};

export const toItem = (value: Record<string, unknown>): Item => marshall(value, { removeUndefinedValues: true });

/** Storage attributes that are not part of a job. */
const TABLE_ONLY = new Set([
  'itemId',
  'dueShard',
  'clientShard',
  'undeliveredShard',
  'listKey',
  'callbackHost',
  'data',
  'requestId',
  'requestHash',
]);

/**
 * The attempt log is stored as a ring: a map with a fixed number of slots. An execution adds its attempt without reading the
 * others, and the log never exceeds its limit.
 */
export const attemptSlot = (number: number): string => `slot${number % ATTEMPT_LOG_LIMIT}`;

/**
 * A caller's input, stored as JSON text: DynamoDB's number range is smaller than JSON's (1e300), and text costs no more bytes
 * than were posted. The providers of a job with input are text, too, so that a release without parameters fails to read them
 * instead of calling providers without their parameters.
 */
export const toStoredInput = ({
  providers,
  parameters,
  metadata,
}: Pick<Job, 'providers' | 'parameters' | 'metadata'>) =>
  parameters || metadata
    ? {
        providers: JSON.stringify(providers),
        parameters: parameters && JSON.stringify(parameters),
        metadata: metadata && JSON.stringify(metadata),
      }
    : { providers };

/** @throws TypeError whose message omits the text */
const parseStored = (name: string, text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new TypeError(`the stored ${name} of a job are not JSON`);
  }
};

export const INPUT_ATTRIBUTES = ['providers', 'parameters', 'metadata'];

/** Parses the caller's input in a job's attributes. */
export const parseStoredInput = <Attributes extends Record<string, unknown>>(attributes: Attributes): Attributes => {
  const texts = INPUT_ATTRIBUTES.flatMap((name) => {
    const text = attributes[name];
    return typeof text === 'string' ? [[name, parseStored(name, text)]] : [];
  });
  return { ...attributes, ...Object.fromEntries(texts) };
};

export const toJob = (item: Item): Job => {
  const {
    attemptLog,
    // These two keep their stored names because earlier versions read and write them, too.
    unsettled: claimsSinceOutcome,
    ownFaults: internalFaults,
    ...job
  } = unmarshall(Object.fromEntries(Object.entries(item).filter(([name]) => !TABLE_ONLY.has(name))));
  const attempts = Object.values(attemptLog as Record<string, Attempt>);
  return {
    ...parseStoredInput(job),
    ...(isInTrouble(item) && { isInTrouble: true }),
    claimsSinceOutcome,
    ...(internalFaults !== undefined && { internalFaults }),
    attemptLog: attempts.sort((a, b) => a.number - b.number),
  } as Job;
};

/** The inline results of a job. */
export const toInlineData = ({ data }: Item): ProviderResultData[] =>
  data === undefined ? [] : (unmarshall({ data }).data as ProviderResultData[]);

/** Turns a failed condition into a StaleClaim. */
export const fenced = async <T>(write: Promise<T>): Promise<T> => {
  try {
    return await write;
  } catch (cause) {
    if (!(cause instanceof ConditionalCheckFailedException)) throw cause;
    throw new StaleClaim('a newer writer changed the item', { cause });
  }
};

/** Whether a conditional write succeeded. Other failures are thrown. */
export const isWritten = async (write: Promise<unknown>): Promise<boolean> => {
  try {
    await fenced(write);
    return true;
  } catch (error) {
    if (error instanceof StaleClaim) return false;
    throw error;
  }
};

/** Ended jobs with these statuses are in the undelivered index; so are pending jobs in trouble. */
export const isUndelivered = (status: JobStatus | undefined): boolean => status === 'FAILED' || status === 'PARTIAL';

/** Whether a job is pending after a failed attempt. (Earlier versions left ended jobs in the index, too.) */
export const isInTrouble = ({ status, undeliveredShard }: Item): boolean =>
  status?.S === 'PENDING' && undeliveredShard !== undefined;

/** A projection of some attributes. By placeholders (`#status`), because some names are reserved words. */
export const projectionOf = (attributes: readonly string[]) => ({
  ProjectionExpression: attributes.map((name) => `#${name}`).join(', '),
  ExpressionAttributeNames: Object.fromEntries(attributes.map((name) => [`#${name}`, name])),
});

/** @param remove may be empty; DynamoDB does not accept an empty REMOVE clause, so there is none then */
export const toUpdateExpression = (set: readonly string[], remove: readonly string[]): string =>
  `SET ${set.join(', ')}${remove.length > 0 ? ` REMOVE ${remove.join(', ')}` : ''}`;

/** The parts of an update expression: attributes with a value are set, undefined ones are removed. */
export const toUpdate = (attributes: Record<string, unknown>) => {
  const entries = Object.entries(attributes).map(([name, value], index) => ({ name, value, key: `a${index}` }));
  const defined = entries.filter(({ value }) => value !== undefined);
  return {
    set: defined.map(({ key }) => `#${key} = :${key}`),
    remove: entries.filter(({ value }) => value === undefined).map(({ key }) => `#${key}`),
    names: Object.fromEntries(entries.map(({ key, name }) => [`#${key}`, name])),
    values: Object.fromEntries(defined.map(({ key, value }) => [`:${key}`, value])),
  };
};
