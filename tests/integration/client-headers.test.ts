import { execFile } from 'node:child_process';
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

const CLI = fileURLToPath(new URL('../../cli/clients.ts', import.meta.url));
const SECRET = 'swordfish-1234';
const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
const dataFolder = path.join(folder, 'data');

type Ran = { code: number; stdout: string; stderr: string };

/** Runs `npm run clients` over a data folder. Whatever it prints, the secret must not be part of it. */
const clients = async (args: string[], stdin = ''): Promise<Ran> => {
  const ran = await new Promise<Ran>((resolve) => {
    const env = { ...process.env, DATA_DIR: dataFolder };
    const child = execFile(process.execPath, [CLI, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
    // A command that reads none may have ended by then.
    child.stdin?.on('error', () => {}).end(stdin);
  });
  expect(ran.stdout + ran.stderr).not.toContain('swordfish');
  return ran;
};

/** What is stored of a client; the database is free again afterwards. */
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

/** A client that is there for all tests. */
let clientId: string;
beforeAll(async () => {
  clientId = await create();
}, 60_000);

describe('npm run clients -- set-headers', () => {
  test('replaces the headers, with names in any case, and says when it applies', async () => {
    await clients(['set-headers', clientId, '--header', 'x-old: 1']);
    const header = ['--header', `Authorization: Bearer ${SECRET}`, '--header', 'X-Tenant:acme: é '];
    const { code, stdout, stderr } = await clients(['set-headers', clientId, ...header]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      'Callbacks of client acme will carry only these custom headers: authorization, x-tenant, within a minute.\n',
    );
    expect(await storedHeaders(clientId)).toEqual([
      { name: 'authorization', value: `Bearer ${SECRET}` },
      { name: 'x-tenant', value: 'acme: é' },
    ]);
  }, 60_000);

  test('reads lines of stdin too', async () => {
    const args = ['set-headers', clientId, '--header', 'x-a: b', '--header-file', '-', '--json'];
    const { code, stdout } = await clients(args, `Authorization: Bearer ${SECRET}\r\n`);
    expect([code, JSON.parse(stdout)]).toEqual([0, { clientId, callbackHeaders: ['x-a', 'authorization'] }]);
    expect(await storedHeaders(clientId)).toEqual([
      { name: 'x-a', value: 'b' },
      { name: 'authorization', value: `Bearer ${SECRET}` },
    ]);
  }, 60_000);

  test('--clear removes them', async () => {
    await clients(['set-headers', clientId, '--header', 'x-a: b']);
    const { stdout } = await clients(['set-headers', clientId, '--clear']);
    expect(stdout).toBe('Callbacks of client acme will carry no custom headers, within a minute.\n');
    expect(await storedHeaders(clientId)).toBeUndefined();
  }, 60_000);

  test.each<{ what: string; args: string[]; why: string }>([
    { what: 'nothing to set', args: [], why: '--clear' },
    { what: 'headers to set and to remove', args: ['--clear', '--header', `x-a: ${SECRET}`], why: '--clear' },
    { what: 'a value without quotes', args: ['--header', 'authorization:', 'Bearer', SECRET], why: 'must be quoted' },
  ])(
    'with $what ends with 2, and says why',
    async ({ args, why }) => {
      const { code, stdout, stderr } = await clients(['set-headers', clientId, ...args]);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(why);
    },
    60_000,
  );

  test('refuses a reserved name with 2, and changes nothing', async () => {
    await clients(['set-headers', clientId, '--header', 'x-a: kept']);
    const header = ['--header', `x-a: ${SECRET}`, '--header', `Host: ${SECRET}`];
    const { code, stderr } = await clients(['set-headers', clientId, ...header]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('header 2 (host): Must not be')]);
    expect(await storedHeaders(clientId)).toEqual([{ name: 'x-a', value: 'kept' }]);
  }, 60_000);

  test('refuses a client that is not there', async () => {
    const { code, stderr } = await clients(['set-headers', 'nobody', '--header', `x-a: ${SECRET}`]);
    expect([code, stderr]).toEqual([2, 'No such client: nobody\n']);
    expect(await storedHeaders('nobody')).toBeUndefined();
  }, 60_000);
});

describe('the other commands', () => {
  test('create takes headers too; list shows their names alone, for people and for machines', async () => {
    const id = await create('--header', `Authorization: ${SECRET}`, '--header', 'x-tenant: acme');
    const other = await create();
    expect(await storedHeaders(id)).toHaveLength(2);
    const { stdout: text } = await clients(['list']);
    expect(text).toMatch(new RegExp(`^${id} .* {2}callbacks with authorization, x-tenant {2}acme$`, 'm'));
    expect(text).toMatch(new RegExp(`^${other} .*1 signing secret {3}acme$`, 'm'));
    const list = JSON.parse((await clients(['list', '--json'])).stdout) as { clientId: string }[];
    const about = (wanted: string) => list.find((one) => one.clientId === wanted);
    expect(about(id)).toMatchObject({ callbackHeaders: ['authorization', 'x-tenant'] });
    expect(about(other)).toMatchObject({ callbackHeaders: [] });
  }, 60_000);

  test('list tells of stored headers that callbacks can not carry, and shows nothing of them', async () => {
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

  test('list refuses headers', async () => {
    const { code, stderr } = await clients(['list', '--header', `x-a: ${SECRET}`]);
    expect([code, stderr]).toEqual([2, 'list: --header and --header-file are not allowed\n']);
  }, 60_000);
});
