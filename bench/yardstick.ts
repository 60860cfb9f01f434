import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { v7 as uuidv7 } from 'uuid';
import { setAccess } from '../local/access.ts';
import { clientOf } from '../local/running.ts';
import { inParallel, withCloud } from './external-cloud.ts';
import { cpuMs } from './process-figures.ts';

/**
 * The yardstick of a drain: one query of all pending records, all of them in parallel, one update a record. No lease, no retry, no
 * signature, no limit. It runs in a process of its own and uses the same database.
 */

/** A drain: jobs delivered a second, from the first callback to the last, and the CPU time of each. */
export type Drain = { jobsPerSecond: number; cpuMsPerJob: number };

const TABLE = 'YardstickTable';
const STATUS = { '#status': 'status' };

/** Drains the table. Runs in the child process. */
const drainTable = async (client: DynamoDBClient): Promise<void> => {
  const work = async (item: { id: string; providers: string[]; callbackUrl: string }): Promise<void> => {
    const data = await Promise.all(item.providers.map(async (url) => (await fetch(url)).json()));
    const body = JSON.stringify({ jobId: item.id, data });
    const headers = { 'content-type': 'application/json' };
    const { ok } = await fetch(item.callbackUrl, { method: 'POST', headers, body });
    if (!ok) throw new Error('the callback was refused');
    await client.send(
      new UpdateItemCommand({
        TableName: TABLE,
        Key: { id: { S: item.id } },
        UpdateExpression: 'SET #status = :complete',
        ExpressionAttributeNames: STATUS,
        ExpressionAttributeValues: { ':complete': { S: 'complete' } },
      }),
    );
  };
  const working: Promise<void>[] = [];
  let from: QueryCommand['input']['ExclusiveStartKey'];
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: TABLE,
        IndexName: 'StatusIndex',
        KeyConditionExpression: '#status = :pending',
        ExpressionAttributeNames: STATUS,
        ExpressionAttributeValues: { ':pending': { S: 'pending' } },
        ExclusiveStartKey: from,
      }),
    );
    for (const { id, providers, callbackUrl } of page.Items ?? []) {
      const urls = providers?.SS ?? [];
      working.push(work({ id: id?.S ?? '', providers: urls, callbackUrl: callbackUrl?.S ?? '' }));
    }
    from = page.LastEvaluatedKey;
  } while (from);
  await Promise.all(working);
};

/** Fills a table with records of two providers, and measures how fast a child process drains it. */
export const drainByYardstick = (jobs: number): Promise<Drain> =>
  withCloud({}, async ({ instance, receiver }) => {
    const { endpoints, access } = instance.running;
    const client = clientOf(endpoints.dynamodb, access);
    await client.send(
      new CreateTableCommand({
        TableName: TABLE,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['id', 'status'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        GlobalSecondaryIndexes: [
          {
            IndexName: 'StatusIndex',
            KeySchema: [{ AttributeName: 'status', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
      }),
    );
    await inParallel(jobs, async () => {
      const Item = {
        id: { S: uuidv7() },
        status: { S: 'pending' },
        providers: { SS: [`${receiver.providerUrl}?1`, `${receiver.providerUrl}?2`] },
        callbackUrl: { S: receiver.url },
      };
      await client.send(new PutItemCommand({ TableName: TABLE, Item }));
    });
    const env = { ...process.env, AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb };
    setAccess(env, access);
    const child = fork(fileURLToPath(import.meta.url), { env });
    const ended = once(child, 'message');
    await once(child, 'spawn');
    const databaseBefore = cpuMs(instance.pid);
    await receiver.received(jobs);
    const [{ cpu }] = (await ended) as [{ cpu: number }];
    child.kill();
    return {
      jobsPerSecond: receiver.jobsPerSecond(),
      cpuMsPerJob: (cpu + cpuMs(instance.pid) - databaseBefore) / jobs,
    };
  });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const before = process.cpuUsage();
  await drainTable(new DynamoDBClient());
  const { user, system } = process.cpuUsage(before);
  process.send?.({ cpu: (user + system) / 1000 });
}
