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
import { StaleClaim } from '../../domain/failures.ts';
import type { ProviderResultData, ResultKey, ResultStore } from '../../ports/jobs.ts';
import {
  chunkItemId,
  fenced,
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

/** Smaller results are not compressed: the saved write units are not worth the CPU time. */
const GZIP_FROM_BYTES = 2 * 1024;
/** DynamoDB's item limit is 400 KB, attribute names included. */
const CHUNK_BYTES = 350_000;

/** The head item of a result, with the first chunk. Further chunks are separate items. Uncompressed results have one item. */
type HeadItem = Omit<ProviderResultData, 'json'> & {
  itemId: string;
  claims: number;
  json?: string;
  gzip?: Uint8Array;
  digest?: string;
  chunkCount?: number;
};

/** Separate from the reader, so that a function that only writes needs no read permission. */
export const createDynamoResultWriter = (table: JobTable): Pick<ResultStore, 'save'> => {
  const { client, tableName } = table;
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
      const stored = { digest, chunks: chunks.length, keptUntil: expiresAt };
      try {
        // The head goes last: once it exists, the result is complete.
        for (const [index, chunk] of [...chunks.entries()].slice(1)) {
          await put({ jobId, itemId: chunkItemId(providerId, digest, index), gzip: chunk, claims, expiresAt });
        }
        await put({ ...head, digest, chunkCount: chunks.length, gzip: chunks[0] });
      } catch (error) {
        // No head will reference these chunks. After other errors keep them: the write of the head may have succeeded.
        if (error instanceof StaleClaim) await removeResult(table, jobId, claims, { providerId, ...stored });
        throw error;
      }
      return stored;
    },
  };
};

/** Reads the parts of a result's item keys from its head item. */
const readKey = async ({ client, tableName }: JobTable, jobId: string, providerId: string): Promise<ResultKey> => {
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

/** The parts of a result's item keys. They are in the job, except for results stored by earlier versions. */
const findKey = async (table: JobTable, jobId: string, result: ResultKey): Promise<ResultKey> =>
  result.chunks === undefined ? readKey(table, jobId, result.providerId) : result;

/** The items of a result, head last, each with the condition that it still belongs to this result. */
const itemsOf = (jobId: string, { providerId, digest, chunks = 1 }: ResultKey) => {
  const chunkIds = Array.from({ length: chunks - 1 }, (_, index) => chunkItemId(providerId, digest ?? '', index + 1));
  // A newer result of the same provider overwrites the head, because its key contains no digest.
  const sameDigest = digest === undefined ? 'attribute_not_exists(digest)' : 'digest = :digest';
  return [
    ...chunkIds.map((itemId) => ({
      Key: toItem({ jobId, itemId }),
      condition: 'attribute_exists(itemId)',
      values: {},
    })),
    {
      Key: toItem({ jobId, itemId: resultItemId(providerId) }),
      condition: `attribute_exists(itemId) AND ${sameDigest}`,
      values: { ':digest': digest },
    },
  ];
};

export const createDynamoResultRenewer = (table: JobTable): Pick<ResultStore, 'renew'> => {
  const { client, tableName } = table;
  /**
   * Renews sequentially: an item costs up to 350 write units, and all items of a job share a partition.
   * @returns whether all items exist
   */
  const renewAll = async (jobId: string, key: ResultKey, expiresAt: number): Promise<boolean> => {
    for (const { Key, condition, values } of itemsOf(jobId, key)) {
      const renewal = new UpdateItemCommand({
        TableName: tableName,
        Key,
        UpdateExpression: 'SET expiresAt = :expiresAt',
        ConditionExpression: condition,
        ExpressionAttributeValues: toItem({ ...values, ':expiresAt': expiresAt }),
      });
      if (!(await isWritten(client.send(renewal)))) return false;
    }
    return true;
  };
  return {
    renew: async (jobId, result, expiresAt) => {
      const key = await findKey(table, jobId, result);
      if (await renewAll(jobId, key, expiresAt)) return true;
      // Step Functions may run an execution twice, and the second run may have replaced the result that the job references.
      const stored = await readKey(table, jobId, result.providerId);
      return stored.digest !== key.digest && (await renewAll(jobId, stored, expiresAt));
    },
  };
};

/** Deletes the items of a result that were written under a claim. */
const removeResult = async (
  { client, tableName }: JobTable,
  jobId: string,
  claims: number,
  key: ResultKey,
): Promise<void> => {
  const removals = itemsOf(jobId, key).map(({ Key, condition, values }) =>
    isWritten(
      client.send(
        new DeleteItemCommand({
          TableName: tableName,
          Key,
          ConditionExpression: `${condition} AND claims = :claims`,
          ExpressionAttributeValues: toItem({ ...values, ':claims': claims }),
        }),
      ),
    ),
  );
  await Promise.all(removals);
};

export const createDynamoResultRemover = (table: JobTable): Pick<ResultStore, 'remove'> => ({
  remove: async (jobId, claims, result) => removeResult(table, jobId, claims, await findKey(table, jobId, result)),
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
        } else {
          items.set(itemId, unmarshall(item));
        }
      }
    }
    if (!job) return undefined;
    const heads = [...items.values()].filter((item) => 'providerId' in item) as unknown as HeadItem[];
    const kept = (await Promise.all(heads.map((head) => toResult(head, items)))).filter(
      (result) => result !== undefined,
    );
    // An ended job holds the results of the execution that delivered in its own item.
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

/** @returns undefined if a chunk is missing or corrupt */
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
