import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import {
  createDynamoClientAdmin,
  createDynamoFindCaller,
  createDynamoFindClient,
  createDynamoListClients,
} from '@boomerang/core/adapters/dynamo/clients.ts';
import { StaleClient } from '@boomerang/core/ports/clients.ts';
import { hashApiKey, newApiKey } from '@boomerang/core/security/credentials.ts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { ensureLocalClient } from '../../local/local-client.ts';
import { NOW } from '../builders.ts';
import { startTables, type Tables } from './database.ts';

let database: Tables;
let client: DynamoDBClient;

beforeAll(async () => {
  database = await startTables();
  client = database.client;
});

afterAll(async () => database.close());

const setUp = async () => {
  const table = { client, tableName: 'ClientTable' };
  const admin = createDynamoClientAdmin(table);
  const keyHash = hashApiKey(newApiKey());
  const acme = { clientId: uuidv7(), name: 'acme', keyHash, secrets: [{ secret: 'whsec_a' }], createdAt: NOW };
  await admin.put(acme);
  return { admin, acme, findCaller: createDynamoFindCaller(table), findClient: createDynamoFindClient(table) };
};

test('a caller is found by the hash of its key, without its secrets, until it is revoked', async () => {
  const { admin, acme, findCaller, findClient } = await setUp();
  const { clientId } = acme;
  expect(await findCaller(acme.keyHash)).toEqual({ clientId, name: 'acme' });
  expect(await findCaller(hashApiKey('another'))).toBeUndefined();
  await admin.revoke(clientId, NOW + 1);
  await admin.revoke(clientId, NOW + 2);
  expect(await findCaller(acme.keyHash)).toBeUndefined();
  expect(await findClient(clientId)).toMatchObject({ revokedAt: NOW + 1 });
});

test('a caller that is an operator is found with isOperator', async () => {
  const { admin, acme, findCaller } = await setUp();
  const { clientId } = acme;
  await admin.put({ ...acme, isOperator: true });
  expect(await findCaller(acme.keyHash)).toEqual({ clientId, name: 'acme', isOperator: true });
});

test('all clients, including revoked ones, are listed without their secrets', async () => {
  const { admin, acme } = await setUp();
  const { clientId } = acme;
  await admin.put({ ...acme, isOperator: true, callbackHeaders: [{ name: 'authorization', value: 'Bearer a' }] });
  const list = createDynamoListClients({ client, tableName: 'ClientTable' });
  const find = async () => (await list()).find((one) => one.clientId === clientId);
  expect(await find()).toEqual({ clientId, name: 'acme', isOperator: true });
  await admin.revoke(clientId, NOW);
  expect(await find()).toEqual({ clientId, name: 'acme', isOperator: true, revokedAt: NOW });
});

test('the index of callers contains no secrets', async () => {
  const { admin, acme } = await setUp();
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

test('a caller has its own rate until the rate is removed', async () => {
  const { admin, acme, findCaller } = await setUp();
  const { clientId } = acme;
  await admin.setRate(clientId, 2.5);
  expect(await findCaller(acme.keyHash)).toEqual({ clientId, name: 'acme', ratePerSecond: 2.5 });
  await admin.setRate(clientId, undefined);
  expect(await findCaller(acme.keyHash)).toEqual({ clientId, name: 'acme' });
  await expect(admin.setRate(uuidv7(), 1)).rejects.toThrow();
});

test('setting callback headers replaces the previous headers and nothing else', async () => {
  const { admin, acme, findClient } = await setUp();
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
  'setting headers %j of an unknown client fails and creates no client',
  async (headers) => {
    const { admin, findClient } = await setUp();
    const clientId = uuidv7();
    await expect(admin.setCallbackHeaders(clientId, headers)).rejects.toBeInstanceOf(StaleClient);
    expect(await findClient(clientId)).toBeUndefined();
  },
);

test('the local client keeps its headers, rate and secret across restarts', async () => {
  const { admin, findClient } = await setUp();
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

test('replacing secrets fails if they changed since they were read', async () => {
  const { admin, acme, findClient } = await setUp();
  const fresh = [{ secret: 'whsec_b' }, { secret: 'whsec_a', expiresAt: NOW }];
  await admin.replaceSecrets(acme, fresh);
  expect(await findClient(acme.clientId)).toMatchObject({ secrets: fresh });
  await expect(admin.replaceSecrets(acme, [{ secret: 'whsec_c' }])).rejects.toBeInstanceOf(StaleClient);
});

test('an unknown client is not found or listed, and revoking it fails', async () => {
  const { admin, findClient } = await setUp();
  const clientId = uuidv7();
  expect(await findClient(clientId)).toBeUndefined();
  await expect(admin.revoke(clientId, NOW)).rejects.toThrow();
  expect((await admin.list()).map((one) => one.clientId)).not.toContain(clientId);
});
