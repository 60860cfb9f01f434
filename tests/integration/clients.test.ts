import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import {
  createDynamoClientAdmin,
  createDynamoFindCaller,
  createDynamoFindClient,
} from '@boomerang/core/adapters/dynamo/clients.ts';
import { StaleClient } from '@boomerang/core/ports/clients.ts';
import { hashApiKey, newApiKey } from '@boomerang/core/security/credentials.ts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { ensureLocalClient } from '../../local/local-client.ts';
import { NOW } from '../builders.ts';
import { startTables } from './database.ts';

let database: Awaited<ReturnType<typeof startTables>>;
let client: DynamoDBClient;

beforeAll(async () => {
  database = await startTables();
  client = database.client;
});

afterAll(async () => database.close());

const createWorld = async () => {
  const table = { client, tableName: 'ClientTable' };
  const admin = createDynamoClientAdmin(table);
  const keyHash = hashApiKey(newApiKey());
  const acme = { clientId: uuidv7(), name: 'acme', keyHash, secrets: [{ secret: 'whsec_a' }], createdAt: NOW };
  await admin.put(acme);
  return { admin, acme, findCaller: createDynamoFindCaller(table), findClient: createDynamoFindClient(table) };
};

test('a client is found by the hash of its key, without its secrets, until it is revoked', async () => {
  const { admin, acme, findCaller, findClient } = await createWorld();
  const { clientId } = acme;
  expect(await findCaller(acme.keyHash)).toEqual({ clientId, name: 'acme' });
  expect(await findCaller(hashApiKey('another'))).toBeUndefined();
  await admin.revoke(clientId, NOW + 1);
  await admin.revoke(clientId, NOW + 2);
  expect(await findCaller(acme.keyHash)).toBeUndefined();
  expect(await findClient(clientId)).toMatchObject({ revokedAt: NOW + 1 });
});

test('an operator is found as such', async () => {
  const { admin, acme, findCaller } = await createWorld();
  const { clientId } = acme;
  await admin.put({ ...acme, isOperator: true });
  expect(await findCaller(acme.keyHash)).toEqual({ clientId, name: 'acme', isOperator: true });
});

test('the index that callers are found by holds no secret', async () => {
  const { admin, acme } = await createWorld();
  await admin.setCallbackHeaders(acme.clientId, [{ name: 'authorization', value: 'Bearer a' }]);
  const { Items } = await client.send(
    new QueryCommand({
      TableName: 'ClientTable',
      IndexName: 'CallerIndex',
      KeyConditionExpression: 'keyHash = :hash',
      ExpressionAttributeValues: { ':hash': { S: acme.keyHash } },
    }),
  );
  expect(Items?.map((item) => Object.keys(item).sort())).toEqual([['clientId', 'keyHash', 'name']]);
});

test('a client is found with a rate of its own, until it is taken away again', async () => {
  const { admin, acme, findCaller } = await createWorld();
  const { clientId } = acme;
  await admin.setRate(clientId, 2.5);
  expect(await findCaller(acme.keyHash)).toEqual({ clientId, name: 'acme', ratePerSecond: 2.5 });
  await admin.setRate(clientId, undefined);
  expect(await findCaller(acme.keyHash)).toEqual({ clientId, name: 'acme' });
  await expect(admin.setRate(uuidv7(), 1)).rejects.toThrow();
});

test('headers of callbacks are kept as they were set last, and change nothing else of a client', async () => {
  const { admin, acme, findClient } = await createWorld();
  const { clientId } = acme;
  const headers = [
    { name: 'authorization', value: 'Bearer é+/=' },
    { name: '__proto__', value: 'x' },
  ];
  await admin.setCallbackHeaders(clientId, headers);
  expect(await findClient(clientId)).toEqual({ ...acme, callbackHeaders: headers });
  await admin.setCallbackHeaders(clientId, headers.slice(1));
  await admin.replaceSecrets(acme, [{ secret: 'whsec_b' }]);
  await admin.setRate(clientId, 2);
  await admin.revoke(clientId, NOW);
  expect(await findClient(clientId)).toMatchObject({
    callbackHeaders: headers.slice(1),
    secrets: [{ secret: 'whsec_b' }],
  });
  await admin.setCallbackHeaders(clientId, []);
  expect(await findClient(clientId)).not.toHaveProperty('callbackHeaders');
});

test.each([[[{ name: 'x-a', value: 'b' }]], [[]]])(
  'headers %j of a client that is not there are refused, and make none',
  async (headers) => {
    const { admin, findClient } = await createWorld();
    const clientId = uuidv7();
    await expect(admin.setCallbackHeaders(clientId, headers)).rejects.toBeInstanceOf(StaleClient);
    expect(await findClient(clientId)).toBeUndefined();
  },
);

test('the local client keeps its headers and its rate from start to start', async () => {
  const { admin, findClient } = await createWorld();
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
  const { signingSecret } = await ensureLocalClient(admin, folder, {}, NOW);
  await admin.setCallbackHeaders('local', [{ name: 'x-a', value: 'b' }]);
  await admin.setRate('local', 2);
  await ensureLocalClient(admin, folder, {}, NOW + 1);
  expect(await findClient('local')).toMatchObject({
    callbackHeaders: [{ name: 'x-a', value: 'b' }],
    ratePerSecond: 2,
    secrets: [{ secret: signingSecret }],
    createdAt: NOW,
  });
});

test('secrets are replaced only as they were read', async () => {
  const { admin, acme, findClient } = await createWorld();
  const fresh = [{ secret: 'whsec_b' }, { secret: 'whsec_a', expiresAt: NOW }];
  await admin.replaceSecrets(acme, fresh);
  expect(await findClient(acme.clientId)).toMatchObject({ secrets: fresh });
  await expect(admin.replaceSecrets(acme, [{ secret: 'whsec_c' }])).rejects.toBeInstanceOf(StaleClient);
});

test('a client that is not there is neither found, nor revoked, nor listed', async () => {
  const { admin, findClient } = await createWorld();
  const clientId = uuidv7();
  expect(await findClient(clientId)).toBeUndefined();
  await expect(admin.revoke(clientId, NOW)).rejects.toThrow();
  expect((await admin.list()).map((one) => one.clientId)).not.toContain(clientId);
});
