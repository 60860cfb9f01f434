import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { createDynamoFindClient } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { newAccess } from '../../local/access.ts';
import { startDatabase } from '../../local/dynamodb.ts';
import { clientOf } from '../../local/running.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

const CLI = fileURLToPath(new URL('../../cli/clients.ts', import.meta.url));
const SECRET = 'swordfish-1234';
const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
const dataFolder = path.join(folder, 'data');

/** Runs `npm run clients` with a data folder, and asserts that it does not print the secret. */
const clients = async (args: string[], stdin = ''): Promise<ProgramResult> => {
  const ran = await runProgram(CLI, args, { env: { ...process.env, DATA_DIR: dataFolder }, stdin });
  expect(ran.stdout + ran.stderr).not.toContain('swordfish');
  return ran;
};

/** Opens the database for `work`, and closes it so that the next command can open it. */
const withDatabase = async <T>(work: (database: ReturnType<typeof clientOf>) => Promise<T>): Promise<T> => {
  const access = newAccess();
  const { url, close } = await startDatabase(dataFolder, access, createLog('test'));
  const database = clientOf(url, access);
  try {
    return await work(database);
  } finally {
    database.destroy();
    await close();
  }
};
const storedHeaders = async (clientId: string) =>
  withDatabase(async (client) => {
    const found = await createDynamoFindClient({ client, tableName: 'ClientTable' })(clientId);
    return found?.callbackHeaders;
  });

const create = async (...args: string[]): Promise<string> => {
  const { stdout } = await clients(['create', '--name', 'acme', '--json', ...args]);
  return (JSON.parse(stdout) as { clientId: string }).clientId;
};

/** The client whose headers the tests of set-headers change. */
let clientId: string;
beforeAll(async () => {
  clientId = await create();
}, 60_000);

describe('npm run clients -- set-headers', () => {
  test('replaces the headers, lowercases their names, and says when the change applies', async () => {
    await clients(['set-headers', clientId, '--header', 'x-old: 1']);
    const header = ['--header', `Authorization: Bearer ${SECRET}`, '--header', 'X-Tenant:acme: é '];
    const { code, stdout, stderr } = await clients(['set-headers', clientId, ...header]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      'Callbacks of client acme will carry only these custom headers: authorization, x-tenant. The change applies within a minute.\n',
    );
    expect(await storedHeaders(clientId)).toEqual([
      { name: 'authorization', value: `Bearer ${SECRET}` },
      { name: 'x-tenant', value: 'acme: é' },
    ]);
  }, 60_000);

  test('reads more headers from stdin', async () => {
    const args = ['set-headers', clientId, '--header', 'x-a: b', '--header-file', '-', '--json'];
    const { code, stdout } = await clients(args, `Authorization: Bearer ${SECRET}\r\n`);
    expect([code, JSON.parse(stdout)]).toEqual([0, { clientId, callbackHeaders: ['x-a', 'authorization'] }]);
    expect(await storedHeaders(clientId)).toEqual([
      { name: 'x-a', value: 'b' },
      { name: 'authorization', value: `Bearer ${SECRET}` },
    ]);
  }, 60_000);

  test('removes the headers with --clear', async () => {
    await clients(['set-headers', clientId, '--header', 'x-a: b']);
    const { stdout } = await clients(['set-headers', clientId, '--clear']);
    expect(stdout).toBe('Callbacks of client acme will carry no custom headers. The change applies within a minute.\n');
    expect(await storedHeaders(clientId)).toBeUndefined();
  }, 60_000);

  test.each<{ input: string; args: string[]; reason: string }>([
    { input: 'no headers', args: [], reason: '--clear' },
    { input: 'both --header and --clear', args: ['--clear', '--header', `x-a: ${SECRET}`], reason: '--clear' },
    {
      input: 'an unquoted value',
      args: ['--header', 'authorization:', 'Bearer', SECRET],
      reason: 'must be quoted',
    },
  ])(
    'refuses $input with exit code 2 and a reason',
    async ({ args, reason }) => {
      const { code, stdout, stderr } = await clients(['set-headers', clientId, ...args]);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(reason);
    },
    60_000,
  );

  test('refuses a reserved header name with exit code 2, and changes nothing', async () => {
    await clients(['set-headers', clientId, '--header', 'x-a: kept']);
    const header = ['--header', `x-a: ${SECRET}`, '--header', `Host: ${SECRET}`];
    const { code, stderr } = await clients(['set-headers', clientId, ...header]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('header 2 (host): Must not be')]);
    expect(await storedHeaders(clientId)).toEqual([{ name: 'x-a', value: 'kept' }]);
  }, 60_000);

  test('refuses an unknown client with exit code 2', async () => {
    const { code, stderr } = await clients(['set-headers', 'nobody', '--header', `x-a: ${SECRET}`]);
    expect([code, stderr]).toEqual([2, 'No such client: nobody\n']);
    expect(await storedHeaders('nobody')).toBeUndefined();
  }, 60_000);
});

describe('npm run clients', () => {
  test('create accepts headers; list shows only their names, as text and as JSON', async () => {
    const id = await create('--header', `Authorization: ${SECRET}`, '--header', 'x-tenant: acme');
    const other = await create();
    expect(await storedHeaders(id)).toHaveLength(2);
    const { stdout: text } = await clients(['list']);
    expect(text).toMatch(new RegExp(`^${id} .* {2}callbacks with authorization, x-tenant {2}acme$`, 'm'));
    expect(text).toMatch(new RegExp(`^${other} .*1 signing secret {3}acme$`, 'm'));
    const list = JSON.parse((await clients(['list', '--json'])).stdout) as { clientId: string }[];
    const entryOf = (wanted: string) => list.find((one) => one.clientId === wanted);
    expect(entryOf(id)).toMatchObject({ callbackHeaders: ['authorization', 'x-tenant'] });
    expect(entryOf(other)).toMatchObject({ callbackHeaders: [] });
  }, 60_000);

  test('list reports invalid stored headers without showing them', async () => {
    const id = await create();
    await withDatabase(async (database) => {
      const update = new UpdateItemCommand({
        TableName: 'ClientTable',
        Key: marshall({ clientId: id }),
        UpdateExpression: 'SET callbackHeaders = :headers',
        ExpressionAttributeValues: marshall({ ':headers': [{ name: SECRET, value: `${SECRET}\n` }] }),
      });
      await database.send(update);
    });
    expect((await clients(['list'])).stdout).toMatch(new RegExp(`^${id} .*callback headers are invalid`, 'm'));
    const list = JSON.parse((await clients(['list', '--json'])).stdout) as { clientId: string }[];
    expect(list.find((one) => one.clientId === id)).toMatchObject({ callbackHeaders: null });
  }, 60_000);

  test('list refuses --header', async () => {
    const { code, stderr } = await clients(['list', '--header', `x-a: ${SECRET}`]);
    expect([code, stderr]).toEqual([2, 'list: --header and --header-file are not allowed\n']);
  }, 60_000);
});
