import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { ProviderResultData, ResultKey, ResultStore } from '../../ports/jobs.ts';
import {
  chunkItemId,
  fenced,
  type Item,
  isWritten,
  JOB_ITEM_ID,
  type JobTable,
  resultItemId,
  toInlineData,
  toItem,
  toJob,
} from './table.ts';

const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

/** Above this, gzip saves more write units than it costs time. */
const GZIP_FROM_BYTES = 2 * 1024;
/** DynamoDB takes items up to 400 KB, names and all. */
const CHUNK_BYTES = 350_000;

/** A result's head item. Chunks after the first are items of their own; a result that isn't compressed has none. */
type HeadItem = Omit<ProviderResultData, 'json'> & {
  itemId: string;
  claims: number;
  json?: string;
  gzip?: Uint8Array;
  digest?: string;
  chunkCount?: number;
};

/** Writing and reading are apart, so that a function that only writes holds no call that reads, nor the right to make it. */
export const createDynamoResultWriter = ({ client, tableName }: JobTable): Pick<ResultStore, 'save'> => {
  const put = (item: Record<string, unknown>) =>
    fenced(
      client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: toItem(item),
          ConditionExpression: 'attribute_not_exists(itemId) OR claims <= :claims',
          ExpressionAttributeValues: toItem({ ':claims': item.claims }),
        }),
      ),
    );

  return {
    save: async (jobId, claims, { json, ...result }, expiresAt) => {
      const { providerId } = result;
      const head = { ...result, jobId, itemId: resultItemId(providerId), claims, expiresAt };
      if (result.bytes < GZIP_FROM_BYTES) {
        await put({ ...head, json });
        return { chunks: 1, keptUntil: expiresAt };
      }
      const compressed = await gzipAsync(json);
      const digest = createHash('sha256').update(compressed).digest('hex').slice(0, 16);
      const chunks = split(compressed, CHUNK_BYTES);
      // The head goes last: a result is there when its head is, and then it is whole.
      for (const [index, chunk] of [...chunks.entries()].slice(1)) {
        await put({ jobId, itemId: chunkItemId(providerId, digest, index), gzip: chunk, claims, expiresAt });
      }
      await put({ ...head, digest, chunkCount: chunks.length, gzip: chunks[0] });
      return { digest, chunks: chunks.length, keptUntil: expiresAt };
    },
  };
};

/** What a result's keys are made of; those of results that earlier versions stored are only in its head item. */
const findKey = async ({ client, tableName }: JobTable, jobId: string, result: ResultKey): Promise<ResultKey> => {
  if (result.chunks !== undefined) return result;
  const { providerId } = result;
  const { Item = {} } = await client.send(
    new GetItemCommand({
      TableName: tableName,
      Key: toItem({ jobId, itemId: resultItemId(providerId) }),
      ProjectionExpression: 'digest, chunkCount',
    }),
  );
  const { digest, chunkCount = 1 } = unmarshall(Item) as Pick<HeadItem, 'digest' | 'chunkCount'>;
  return { providerId, digest, chunks: chunkCount };
};

/** The keys of a result's items, its head last. */
const keysOf = (jobId: string, { providerId, digest = '', chunks = 1 }: ResultKey): Item[] => {
  const chunkIds = Array.from({ length: chunks - 1 }, (_, index) => chunkItemId(providerId, digest, index + 1));
  return [...chunkIds, resultItemId(providerId)].map((itemId) => toItem({ jobId, itemId }));
};

export const createDynamoResultRenewer = (table: JobTable): Pick<ResultStore, 'renew'> => ({
  renew: async (jobId, result, expiresAt) => {
    const keys = keysOf(jobId, await findKey(table, jobId, result));
    const renewals = keys.map((Key) =>
      isWritten(
        table.client.send(
          new UpdateItemCommand({
            TableName: table.tableName,
            Key,
            UpdateExpression: 'SET expiresAt = :expiresAt',
            ConditionExpression: 'attribute_exists(itemId)',
            ExpressionAttributeValues: toItem({ ':expiresAt': expiresAt }),
          }),
        ),
      ),
    );
    return (await Promise.all(renewals)).every(Boolean);
  },
});

export const createDynamoResultRemover = (table: JobTable): Pick<ResultStore, 'remove'> => ({
  remove: async (jobId, claims, result) => {
    const keys = keysOf(jobId, await findKey(table, jobId, result));
    const removals = keys.map((Key) =>
      isWritten(
        table.client.send(
          new DeleteItemCommand({
            TableName: table.tableName,
            Key,
            ConditionExpression: 'claims = :claims',
            ExpressionAttributeValues: toItem({ ':claims': claims }),
          }),
        ),
      ),
    );
    await Promise.all(removals);
  },
});

export const createDynamoResultReader = ({ client, tableName }: JobTable): Pick<ResultStore, 'load'> => ({
  load: async (jobId) => {
    const pages = paginateQuery(
      { client },
      {
        TableName: tableName,
        ConsistentRead: true,
        KeyConditionExpression: 'jobId = :jobId',
        ExpressionAttributeValues: toItem({ ':jobId': jobId }),
      },
    );
    const items = new Map<string, Record<string, unknown>>();
    let job: ReturnType<typeof toJob> | undefined;
    let inline: ProviderResultData[] = [];
    for await (const { Items = [] } of pages) {
      for (const item of Items) {
        const itemId = item.itemId?.S ?? '';
        if (itemId === JOB_ITEM_ID) {
          job = toJob(item);
          inline = toInlineData(item);
        } else items.set(itemId, unmarshall(item));
      }
    }
    if (!job) return undefined;
    const heads = [...items.values()].filter((item) => 'providerId' in item) as unknown as HeadItem[];
    const kept = (await Promise.all(heads.map((head) => toResult(head, items)))).filter(
      (result) => result !== undefined,
    );
    // A job that is over holds what had to be kept nowhere else: it was fetched by the execution that delivered.
    const results = new Map([...kept, ...inline].map((result) => [result.providerId, result]));
    return { job, results: [...results.values()] };
  },
});

export const createDynamoResultExpunger = ({ client, tableName }: JobTable): Pick<ResultStore, 'expunge'> => ({
  expunge: async (jobId) => {
    const pages = paginateQuery(
      { client },
      {
        TableName: tableName,
        KeyConditionExpression: 'jobId = :jobId AND begins_with(itemId, :results)',
        ProjectionExpression: 'jobId, itemId',
        ExpressionAttributeValues: toItem({ ':jobId': jobId, ':results': resultItemId('') }),
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) {
      await Promise.all(Items.map((Key) => client.send(new DeleteItemCommand({ TableName: tableName, Key }))));
    }
  },
});

/** @returns undefined where a chunk is missing or broken */
const toResult = async (
  head: HeadItem,
  items: Map<string, Record<string, unknown>>,
): Promise<ProviderResultData | undefined> => {
  const { providerId, fetchedAt, bytes, digest = '', chunkCount = 0 } = head;
  if (head.json !== undefined) return { providerId, fetchedAt, bytes, json: head.json };
  const chunks = [head.gzip];
  for (let index = 1; index < chunkCount; index += 1) {
    chunks.push(items.get(chunkItemId(providerId, digest, index))?.gzip as Uint8Array | undefined);
  }
  if (!chunks.every((chunk) => chunk !== undefined)) return undefined;
  try {
    return { providerId, fetchedAt, bytes, json: (await gunzipAsync(Buffer.concat(chunks))).toString('utf8') };
  } catch {
    return undefined;
  }
};

const split = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.max(1, Math.ceil(bytes.length / size)) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
