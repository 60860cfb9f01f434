import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DeleteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoClientAdmin } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { jobKey } from '@boomerang/core/adapters/dynamo/table.ts';
import { hashApiKey, newApiKey } from '@boomerang/core/security/credentials.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { listen } from '../../local/http-server.ts';
import { readTemplate, resourcesOf } from '../../local/template.ts';
import { aJob, CLIENT_ID, SECRET, storeJob } from '../builders.ts';
import { expectations, FIXTURE_JOB_ID } from '../event-expectations.ts';
import { FUNCTION_SETTINGS } from '../function-settings.ts';
import { startTables, type Tables } from '../integration/database.ts';

/** The output of `sam build`. Handlers are loaded as Lambda loads them, with their production adapters and configuration. */
const BUILD = path.resolve('.aws-sam/build');
const built = readTemplate(path.join(BUILD, 'template.yaml'));
const layer = built.Resources.ProviderCatalogueLayer;
const apiKey = newApiKey();
/** A copy outside of the repository, whose package.json would make the artefacts ES modules. */
const deployed = mkdtempSync(path.join(tmpdir(), 'boomerang-artefacts-'));
const loadHandler = createRequire(import.meta.url);

let database: Tables;
let client: DynamoDBClient;
/** Fakes Step Functions, EventBridge, a provider without bills and a receiver. */
let fakes: Awaited<ReturnType<typeof listen>>;

const ANSWERS: Record<string, object> = {
  'AWSStepFunctions.StartExecution': { executionArn: 'arn', startDate: 1 },
  'AWSEvents.PutEvents': { FailedEntryCount: 0, Entries: [{ EventId: 'id' }] },
};

beforeAll(async () => {
  cpSync(BUILD, deployed, { recursive: true });
  database = await startTables();
  client = database.client;
  const server = createServer((request, response) => {
    request.resume();
    const isGas = request.url?.startsWith('/providers/gas/') ?? false;
    const answer = ANSWERS[String(request.headers['x-amz-target'])] ?? (isGas ? { data: [] } : []);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  fakes = await listen(server, 0);
  const { url: endpoint } = fakes;
  const { accessKeyId, secretAccessKey } = await client.config.credentials();
  Object.assign(process.env, FUNCTION_SETTINGS, {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: database.url,
    AWS_ENDPOINT_URL_SFN: endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoint,
    PROVIDER_CATALOGUE: path.join(BUILD, String(layer?.Properties?.ContentUri), 'providers.json'),
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
    PROVIDERS_API_URL: endpoint,
    CALLBACK_ALLOW: '127.0.0.1',
    CALLBACK_ALLOW_HTTP: 'true',
    RETENTION_SECONDS: '864000',
  });
  const clients = createDynamoClientAdmin({ client, tableName: 'ClientTable' });
  const secrets = [{ secret: SECRET }];
  await clients.put({ clientId: CLIENT_ID, name: 'test', keyHash: hashApiKey(apiKey), secrets, createdAt: 1 });
});

afterAll(async () => {
  await fakes.close();
  await database.close();
  rmSync(deployed, { recursive: true });
});

const table = () => ({ client, tableName: 'JobTable', shardCount: 1 });

beforeEach(async () => {
  await client.send(new DeleteItemCommand({ TableName: 'JobTable', Key: jobKey(FIXTURE_JOB_ID) }));
  const expired = Date.now() - 1_000;
  const job = aJob({ jobId: FIXTURE_JOB_ID, dueAt: expired, leasedUntil: expired });
  await storeJob({ intake: createDynamoJobIntake(table()) }, job);
});

const functions = resourcesOf(readTemplate('template.yaml'), 'AWS::Serverless::Function').map(
  ([logicalId, { Properties }]) => [String(Properties?.CodeUri).replace('functions/', ''), logicalId] as const,
);

test('the build has an artefact for every function', () => {
  for (const [, logicalId] of functions) expect(existsSync(path.join(BUILD, logicalId, 'handler.js'))).toBe(true);
});

test.each(Object.entries(expectations))('the fixture %s has its expected outcome', async (fixture, expectation) => {
  const name = fixture.split('/')[0] as string;
  const logicalId = new Map(functions).get(name);
  const { handler } = loadHandler(path.join(deployed, String(logicalId), 'handler.js')) as {
    handler: (event: unknown, context: object) => Promise<unknown>;
  };
  const text = readFileSync(`events/${fixture}.json`, 'utf8')
    .replaceAll('https://example.com', fakes.url)
    .replace('<API key>', apiKey);
  const result = handler(JSON.parse(text), { awsRequestId: 'request', getRemainingTimeInMillis: () => 30_000 });
  await expectation({ result, readJob: async () => createDynamoJobReader(table()).get(FIXTURE_JOB_ID, Date.now()) });
});
