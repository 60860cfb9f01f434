import { type AttributeValue, ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { StaleClaim } from '../../domain/failures.ts';
import { ATTEMPT_LOG_LIMIT, type Attempt, type Job, type JobStatus } from '../../domain/job.ts';
import type { ProviderResultData } from '../../ports/jobs.ts';

/** What every adapter of the job table needs. */
export type JobTable = { client: DynamoDBClient; tableName: string };

/** What those need that put jobs into its indexes, or read these for all jobs. */
export type ShardedJobTable = JobTable & {
  /** Over how many index keys the jobs are spread. It may only ever be raised. */
  shardCount: number;
};

export type Item = Record<string, AttributeValue>;

export const JOB_ITEM_ID = 'JOB';
export const DUE_INDEX = 'DueIndex';
export const CLIENT_INDEX = 'ClientIndex';
export const UNDELIVERED_INDEX = 'UndeliveredIndex';

/** What every item of a result begins with. */
export const RESULT_PREFIX = 'PROVIDER#';

export const jobKey = (jobId: string): Item => ({ jobId: { S: jobId }, itemId: { S: JOB_ITEM_ID } });

/** `PROVIDER#<id>` is a result's head item. */
export const resultItemId = (providerId: string): string => `${RESULT_PREFIX}${providerId}`;

/** Chunks carry the digest of the whole, so that two writers of different data can't mix theirs. */
export const chunkItemId = (providerId: string, digest: string, chunk: number): string =>
  `${resultItemId(providerId)}#${digest}#${chunk}`;

/** The shard of a job: ids end in random or hashed digits, so the last eight spread evenly. */
export const shardOf = (jobId: string, shardCount: number): number => Number.parseInt(jobId.slice(-8), 16) % shardCount;

export const clientShard = (clientId: string, shard: number): string => `${clientId}#${shard}`;

/** Sorts a client's jobs by age; the id makes it unique. */
export const listKey = ({ createdAt, jobId }: Pick<Job, 'createdAt' | 'jobId'>): string =>
  `${new Date(createdAt).toISOString()}#${jobId}`;

export const toItem = (value: Record<string, unknown>): Item => marshall(value, { removeUndefinedValues: true });

/** The attributes that only the table needs, and no reader of a job should see. */
const TABLE_ONLY = new Set([
  'itemId',
  'dueShard',
  'clientShard',
  'undeliveredShard',
  'listKey',
  'data',
  'requestId',
  'requestHash',
]);

/**
 * The log is stored as a ring, a map of so many slots: an execution adds its attempt without knowing the others, and the log
 * never outgrows its limit.
 */
export const attemptSlot = (number: number): string => `slot${number % ATTEMPT_LOG_LIMIT}`;

/**
 * A caller's input as it is stored: JSON text. Numbers of DynamoDB reach less far than those of JSON (1e300), and a text costs
 * the bytes that it was posted with. The providers of such a job are text as well: a release that knows no parameters can't
 * read them, and so can't ask providers without what they were to be asked with.
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

/** @throws TypeError that repeats nothing of the text */
const parseStored = (name: string, text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new TypeError(`the ${name} of a stored job are not JSON`);
  }
};

export const INPUT_ATTRIBUTES = ['providers', 'parameters', 'metadata'];

/** The attributes of a job with its caller's input parsed. */
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
    unsettled: claimsSinceOutcome,
    ...job
  } = unmarshall(Object.fromEntries(Object.entries(item).filter(([name]) => !TABLE_ONLY.has(name))));
  const attempts = Object.values(attemptLog as Record<string, Attempt>);
  return {
    ...parseStoredInput(job),
    claimsSinceOutcome,
    attemptLog: attempts.sort((a, b) => a.number - b.number),
  } as Job;
};

/** The results that a job holds itself. */
export const toInlineData = ({ data }: Item): ProviderResultData[] =>
  data === undefined ? [] : (unmarshall({ data }).data as ProviderResultData[]);

/** Turns a failed condition into the failure it stands for. */
export const fenced = async <T>(write: Promise<T>): Promise<T> => {
  try {
    return await write;
  } catch (cause) {
    if (cause instanceof ConditionalCheckFailedException) throw new StaleClaim('a newer writer was here', { cause });
    throw cause;
  }
};

/** Whether a conditional write took effect; any other failure is thrown. */
export const isWritten = async (write: Promise<unknown>): Promise<boolean> => {
  try {
    await fenced(write);
    return true;
  } catch (error) {
    if (error instanceof StaleClaim) return false;
    throw error;
  }
};

/** Who was not delivered, or not all of it, is in an index of its own. */
export const isUndelivered = (status: JobStatus | undefined): boolean => status === 'FAILED' || status === 'PARTIAL';

/** Attributes as the parts of an update expression: those with a value to set, the others to remove. */
export const toUpdate = (attributes: Record<string, unknown>) => {
  const entries = Object.entries(attributes).map(([name, value], index) => ({ name, value, key: `a${index}` }));
  const given = entries.filter(({ value }) => value !== undefined);
  return {
    set: given.map(({ key }) => `#${key} = :${key}`),
    remove: entries.filter(({ value }) => value === undefined).map(({ key }) => `#${key}`),
    names: Object.fromEntries(entries.map(({ key, name }) => [`#${key}`, name])),
    values: Object.fromEntries(given.map(({ key, value }) => [`:${key}`, value])),
  };
};
