import { createServer, type Socket } from 'node:net';
import { createDynamoClientAdmin } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { hashApiKey, newApiKey } from '@boomerang/core/security/credentials.ts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { FUNCTION_SETTINGS } from '../function-settings.ts';
import { startTables, type Tables } from './database.ts';

/** The webhook function with its production time limits, a real table, and a Step Functions endpoint that hangs. */

let database: Tables;
const sockets = new Set<Socket>();
const hanging = createServer((socket) => void sockets.add(socket.on('error', () => {})));
const environment = { ...process.env };

beforeAll(async () => {
  database = await startTables();
  await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
  const { accessKeyId, secretAccessKey } = await database.client.config.credentials();
  Object.assign(process.env, FUNCTION_SETTINGS, {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: database.url,
    AWS_ENDPOINT_URL_SFN: `http://127.0.0.1:${(hanging.address() as { port: number }).port}`,
    POWERTOOLS_METRICS_DISABLED: 'true',
    // Releasing the claim may be slow on a busy machine.
    CALL_TIME_FACTOR: '3',
  });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  hanging.close();
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  await database.close();
});

test('POST /webhook responds with 202 and releases the job when StartExecution hangs', async () => {
  const apiKey = newApiKey();
  const clients = createDynamoClientAdmin({ client: database.client, tableName: 'ClientTable' });
  await clients.put({ clientId: 'client', name: 'test', keyHash: hashApiKey(apiKey), secrets: [], createdAt: 0 });

  const { handler } = await import('../../functions/webhook/handler.ts');
  const body = JSON.stringify({ providers: ['gas'], callbackUrl: 'https://example.com/' });
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const event = { headers, body, isBase64Encoded: false, requestContext: { requestId: 'request' } };
  const response = await handler(event as never, {} as Context);

  expect(response).toMatchObject({ statusCode: 202 });
  expect(sockets.size).toBe(1);
  const { jobId } = JSON.parse(response.body ?? '');
  const job = await createDynamoJobReader({ client: database.client, tableName: 'JobTable' }).get(jobId, Date.now());
  expect(job).toMatchObject({ status: 'PENDING', claims: 1 });
  expect(job).not.toHaveProperty('leasedUntil');
}, 30_000);
