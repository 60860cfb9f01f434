import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newAccess } from '../../local/access.ts';
import { ensureTables, startDatabase } from '../../local/dynamodb.ts';
import { clientOf } from '../../local/running.ts';
import { readTemplate } from '../../local/template.ts';
import { aJob, storeJob } from '../builders.ts';
import { runProgram } from '../run-program.ts';

/** Each test starts a process, which opens the database. */
const TIMEOUT_MS = 30_000;

const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-pending-'));
const account = { type: 'string', pattern: '^[0-9]{8,12}$' };
const gas = { id: 'gas', url: 'https://gas.example/{?account}' };

const check = (providers: object[]) => {
  const file = path.join(folder, 'providers.json');
  writeFileSync(file, JSON.stringify({ providers }));
  const env = { PATH: process.env.PATH ?? '', DATA_DIR: path.join(folder, 'data') };
  return runProgram('cli/providers.ts', ['check', file, '--stage', 'local'], { env });
};

beforeAll(async () => {
  const access = newAccess();
  const database = await startDatabase(path.join(folder, 'data'), access, createLog('test'));
  const client = clientOf(database.url, access);
  await ensureTables(client, readTemplate('template.yaml'));
  const intake = createDynamoJobIntake({ client, tableName: 'JobTable', shardCount: 4 });
  const withAccount = (value: string) => ({ providers: ['gas'], parameters: { gas: { account: value } } });
  const refused = { providerId: 'gas', status: 'REFUSED' as const, error: { class: 'bad_status' as const } };
  for (const job of [
    aJob(withAccount('12345678')),
    aJob(withAccount('12-secret')),
    aJob({ providers: ['gas'] }),
    // These jobs no longer need the catalogue.
    aJob({ ...withAccount('12-secret'), status: 'FAILED' }),
    aJob({ ...withAccount('12-secret'), phase: 'CALLING_BACK' }),
    aJob({ ...withAccount('12-secret'), results: [refused] }),
  ]) {
    await storeJob({ intake }, job);
  }
  client.destroy();
  await database.close();
}, 30_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test(
  'a catalogue that accepts the pending jobs passes',
  async () => {
    const parameters = { type: 'object', properties: { account: { type: 'string' } } };
    const { code, stdout } = await check([{ ...gas, parameters }]);
    expect(stdout).toMatch(/^ok, 1 provider\nok, accepts 5 pending jobs\n$/);
    expect(code).toBe(0);
  },
  TIMEOUT_MS,
);

test(
  'a catalogue that refuses parameters of pending jobs fails: each error counts its jobs and shows no value',
  async () => {
    const parameters = { type: 'object', required: ['account'], properties: { account } };
    const { code, stdout } = await check([{ ...gas, parameters }]);
    expect(stdout).toContain('gas: parameters.account: Must match the pattern ^[0-9]{8,12}$ (1 pending job)');
    expect(stdout).toContain('gas: parameters.account: Is required (1 pending job)');
    expect(stdout).not.toContain('secret');
    expect(code).toBe(1);
  },
  TIMEOUT_MS,
);

test(
  'a catalogue that lacks a provider of pending jobs fails',
  async () => {
    const { code, stdout } = await check([{ id: 'water', url: 'https://water.example/' }]);
    expect(stdout).toContain('gas: Is not in the catalogue (3 pending jobs)');
    expect(code).toBe(1);
  },
  TIMEOUT_MS,
);
