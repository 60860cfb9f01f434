import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { DeleteItemCommand, PutItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { ProviderResultData, ResultStore } from '../../ports/jobs.ts';
import { chunkItemId, fenced, JOB_ITEM_ID, type JobTable, resultItemId, toItem, toJob } from './table.ts';

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
        return;
      }
      const compressed = await gzipAsync(json);
      const digest = createHash('sha256').update(compressed).digest('hex').slice(0, 16);
      const chunks = split(compressed, CHUNK_BYTES);
      // The head goes last: a result is there when its head is, and then it is whole.
      for (const [index, chunk] of [...chunks.entries()].slice(1)) {
        await put({ jobId, itemId: chunkItemId(providerId, digest, index), gzip: chunk, claims, expiresAt });
      }
      await put({ ...head, digest, chunkCount: chunks.length, gzip: chunks[0] });
    },
  };
};

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
          if (item.data) inline = unmarshall({ data: item.data }).data as ProviderResultData[];
        } else items.set(itemId, unmarshall(item));
      }
    }
    if (!job) return undefined;
    const heads = [...items.values()].filter((item) => 'providerId' in item) as unknown as HeadItem[];
    const kept = await Promise.all(heads.map((head) => toResult(head, items)));
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

const toResult = async (head: HeadItem, items: Map<string, Record<string, unknown>>): Promise<ProviderResultData> => {
  const { providerId, fetchedAt, bytes, digest = '', chunkCount = 0 } = head;
  if (head.json !== undefined) return { providerId, fetchedAt, bytes, json: head.json };
  const chunks = [head.gzip];
  for (let index = 1; index < chunkCount; index += 1) {
    chunks.push(items.get(chunkItemId(providerId, digest, index))?.gzip as Uint8Array | undefined);
  }
  if (!chunks.every((chunk) => chunk !== undefined))
    throw new Error(`a chunk of the result of ${providerId} is missing`);
  return { providerId, fetchedAt, bytes, json: (await gunzipAsync(Buffer.concat(chunks))).toString('utf8') };
};

const split = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.max(1, Math.ceil(bytes.length / size)) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
