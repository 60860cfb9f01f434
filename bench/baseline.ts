import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
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
import { cpuMs } from './process-figures.ts';
import { inParallel, withCloud } from './temporary-cloud.ts';

/**
 * The baseline that a drain is compared with: it queries all pending records, processes them in parallel and updates each once,
 * without leases, retries, signatures or limits. It runs in a process of its own and uses the same database.
 */

/** Figures of a drain, which lasts from its start to the last callback. */
export type DrainFigures = { jobsPerSecond: number; cpuMsPerJob: number };

const TABLE = 'BaselineTable';
const STATUS = { '#status': 'status' };

/** The provider is one process: more connections at once would overflow its listen queue. */
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

const call = async (method: 'GET' | 'POST', url: string, body = ''): Promise<string> => {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const request = http.request(url, { method, agent, headers });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`${method} ${url}: ${response.statusCode}`);
  return text(response);
};

/** Drains the table. Runs in the child process. */
const drainTable = async (client: DynamoDBClient): Promise<void> => {
  const processRecord = async (item: { id: string; providers: string[]; callbackUrl: string }): Promise<void> => {
    const data = await Promise.all(item.providers.map(async (url) => JSON.parse(await call('GET', url))));
    await call('POST', item.callbackUrl, JSON.stringify({ jobId: item.id, data }));
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
  let startKey: QueryCommand['input']['ExclusiveStartKey'];
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: TABLE,
        IndexName: 'StatusIndex',
        KeyConditionExpression: '#status = :pending',
        ExpressionAttributeNames: STATUS,
        ExpressionAttributeValues: { ':pending': { S: 'pending' } },
        ExclusiveStartKey: startKey,
      }),
    );
    for (const { id, providers, callbackUrl } of page.Items ?? []) {
      const urls = providers?.SS ?? [];
      working.push(processRecord({ id: id?.S ?? '', providers: urls, callbackUrl: callbackUrl?.S ?? '' }));
    }
    startKey = page.LastEvaluatedKey;
  } while (startKey);
  await Promise.all(working);
};

/** Fills a table with records that name two providers each, and measures how fast a child process drains it. */
export const drainByBaseline = (jobs: number): Promise<DrainFigures> =>
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
            KeySchema: [
              { AttributeName: 'status', KeyType: 'HASH' },
              { AttributeName: 'id', KeyType: 'RANGE' },
            ],
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
    const databaseBefore = cpuMs(instance.pid);
    const child = fork(fileURLToPath(import.meta.url), { env });
    const failed = once(child, 'exit').then(() => Promise.reject(new Error('the baseline failed')));
    const [{ cpu, tookMs }] = (await Promise.race([once(child, 'message'), failed])) as [ChildFigures];
    failed.catch(() => {});
    child.kill();
    if (receiver.receivedAt.size !== jobs) throw new Error(`${receiver.receivedAt.size} of ${jobs} callbacks arrived`);
    return {
      jobsPerSecond: (jobs / tookMs) * 1000,
      cpuMsPerJob: (cpu + cpuMs(instance.pid) - databaseBefore) / jobs,
    };
  });

type ChildFigures = { cpu: number; tookMs: number };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  await drainTable(new DynamoDBClient());
  const { user, system } = process.cpuUsage(before);
  process.send?.({ cpu: (user + system) / 1000, tookMs: performance.now() - startedAt } satisfies ChildFigures);
}
