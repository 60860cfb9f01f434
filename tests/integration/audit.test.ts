import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { createDynamoJobAudit } from '@boomerang/core/adapters/dynamo/job-audit.ts';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { createDynamoJobOutcomes } from '@boomerang/core/adapters/dynamo/job-outcomes.ts';
import { createDynamoResultWriter } from '@boomerang/core/adapters/dynamo/result-store.ts';
import { auditJob, type FindingName } from '@boomerang/core/domain/audit.ts';
import type { Job } from '@boomerang/core/domain/job.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { expect, test } from '@jest/globals';
import { newAccess } from '../../local/access.ts';
import { ensureTables, startDatabase } from '../../local/dynamodb.ts';
import { clientOf } from '../../local/running.ts';
import { readTemplate } from '../../local/template.ts';
import { aJob, NOW } from '../builders.ts';
import { runProgram } from '../run-program.ts';
import { startTables } from './database.ts';

const CLI = fileURLToPath(new URL('../../cli/audit.ts', import.meta.url));
const MINUTE = 60_000;

const pending = { status: 'PENDING', dueShard: 0, dueAt: NOW, results: [] };
const ended = { status: 'COMPLETE', expiresAt: NOW / 1000, results: [] };
const fetching = { ...pending, phase: 'FETCHING' };
const waiting = (...times: number[]) =>
  times.map((retryAt, index) => ({ providerId: `p${index}`, status: 'UNAVAILABLE', retryAt }));
const failed = (attempts: number) => [{ providerId: 'gas', status: 'UNAVAILABLE', attempts }];
/** The stored input of a job. */
const input = (change: object = {}) => ({
  providers: '["gas","water"]',
  parameters: '{"gas":{"account":"12345678"}}',
  metadata: '{"orderId":"A-42"}',
  ...change,
});
const fetched = [{ providerId: 'gas', status: 'FETCHED' }];

test.each<[string, object | undefined, FindingName[]]>([
  ['is pending and due', pending, []],
  ['is pending and leased', { ...pending, leasedUntil: NOW, dueAt: NOW }, []],
  ['has ended', ended, []],
  ['is pending with a stored result', { ...pending, results: fetched }, []],
  ['is pending without a shard', { ...pending, dueShard: undefined }, ['PENDING_NEVER_DUE']],
  ['is pending without a due time', { ...pending, dueAt: undefined }, ['PENDING_NEVER_DUE']],
  [
    'has a lease that expired long ago',
    { ...pending, leasedUntil: NOW - 11 * MINUTE, dueAt: NOW - 11 * MINUTE },
    ['LEASE_LONG_PAST'],
  ],
  [
    'has a lease that expired long ago but is due later',
    { ...pending, leasedUntil: NOW - 11 * MINUTE, dueAt: NOW + MINUTE },
    [],
  ],
  ['is due with its earliest retry', { ...fetching, results: waiting(NOW - 30_000, NOW + 60_000) }, []],
  ['is due too long after its earliest retry', { ...fetching, results: waiting(NOW - 30_001) }, ['DUE_TOO_LATE']],
  ['is due late but was just settled', { ...fetching, updatedAt: NOW, results: waiting(NOW - 30_001) }, []],
  ['is due late but leased', { ...fetching, leasedUntil: NOW, results: waiting(NOW - 30_001) }, []],
  ['has been due for a long time', { ...pending, dueAt: NOW - 11 * MINUTE }, ['DUE_LONG_PAST']],
  ['has ended but is due', { ...ended, dueAt: NOW }, ['OVER_BUT_DUE']],
  ['has ended but is leased', { ...ended, leasedUntil: NOW }, ['OVER_BUT_DUE']],
  ['has ended but never expires', { ...ended, expiresAt: undefined }, ['OVER_WITHOUT_EXPIRY']],
  [
    'has failed attempts and is listed as in trouble',
    { ...pending, callbackAttempts: 1, undeliveredShard: 'client#0' },
    [],
  ],
  [
    'has a failed callback but is not listed as in trouble',
    { ...pending, callbackAttempts: 1 },
    ['TROUBLE_NOT_LISTED'],
  ],
  ['has a failed fetch but is not listed as in trouble', { ...pending, results: failed(1) }, ['TROUBLE_NOT_LISTED']],
  ['was only deferred and is not listed as in trouble', { ...pending, callbackAttempts: 0, results: failed(0) }, []],
  ['lacks a result', { ...pending, results: [{ providerId: 'water', status: 'FETCHED' }] }, ['RESULT_MISSING']],
  ['has parameters and metadata', { ...pending, ...input() }, []],
  ['has ended, with metadata', { ...ended, providers: '["gas"]', metadata: '{"a":"b"}' }, []],
  [
    'has parameters that are not JSON',
    { ...pending, ...input({ parameters: '{"gas":{"account":' }) },
    ['INPUT_UNREADABLE'],
  ],
  ['has parameters stored as a map', { ...pending, ...input({ parameters: { gas: {} } }) }, ['INPUT_UNREADABLE']],
  [
    'has a parameter that is not a scalar',
    { ...ended, ...input({ parameters: '{"gas":{"a":[1]}}' }) },
    ['INPUT_UNREADABLE'],
  ],
  ['has metadata that is not a string', { ...pending, ...input({ metadata: '{"a":1}' }) }, ['INPUT_UNREADABLE']],
  [
    'has parameters but providers stored as a list',
    { ...pending, ...input({ providers: ['gas'] }) },
    ['INPUT_UNREADABLE'],
  ],
  [
    'has parameters for a provider it does not request',
    { ...pending, ...input({ parameters: '{"tax":{"a":1}}' }) },
    ['STRAY_PARAMETERS'],
  ],
  [
    'has more than a kilobyte of parameters',
    { ...pending, ...input({ parameters: JSON.stringify({ gas: { a: 'é'.repeat(510) } }) }) },
    ['INPUT_TOO_LARGE'],
  ],
  [
    'has more than a kilobyte of metadata',
    { ...ended, ...input({ metadata: JSON.stringify({ a: 'x'.repeat(1_017) }) }) },
    ['INPUT_TOO_LARGE'],
  ],
  ['was expunged but still has its input', { ...ended, ...input(), expungedAt: NOW }, ['INPUT_NOT_DELETED']],
  ['has an unknown status', { ...pending, status: 'LOST' }, ['UNREADABLE']],
  ['does not exist but has stored results', undefined, ['RESULTS_WITHOUT_JOB']],
])('the audit of a job that %s reports exactly the expected findings', (_case, job, findings) => {
  const audited = { jobId: 'id', ...(job && { job }), kept: ['gas'], keptUntil: NOW / 1000 + 60 };
  expect(auditJob(audited, NOW)).toEqual(findings);
});

test('the audit of expired results without a job reports nothing', () => {
  expect(auditJob({ jobId: 'id', kept: ['gas'], keptUntil: NOW / 1000 }, NOW)).toEqual([]);
});

const runAudit = (DATA_DIR: string, ...args: string[]) => runProgram(CLI, args, { env: { ...process.env, DATA_DIR } });

const SECRETS = { parameters: { gas: { account: 'SECRET-1' } }, metadata: { a: 'SECRET-2' } };

/** Stores 30 pending jobs and an ended one, all consistent; then a result without a job (orphan), and a job never due (stuck). */
const storeJobs = async (client: DynamoDBClient): Promise<{ orphan: string; stuck: string }> => {
  const table = { client, tableName: 'JobTable', shardCount: 4 };
  const { create } = createDynamoJobIntake(table);
  const now = Date.now();
  const times = { createdAt: now, updatedAt: now, deadlineAt: now, dueAt: now + MINUTE, leasedUntil: now + MINUTE };
  const store = async (change: Partial<Job> = {}) => {
    const job = aJob({ ...times, ...change });
    await create(job, { requestId: job.jobId, requestHash: '' }, now);
    return job;
  };
  for (let index = 0; index < 30; index += 1) await store(index < 3 ? { ...SECRETS } : {});
  const done = await store();
  const attempt = { number: 1, trigger: 'immediate' as const, endedAt: now, fetches: [] };
  const settlement = { status: 'COMPLETE', phase: 'CALLING_BACK', results: [], attempt } as const;
  const counts = { fetchAttempts: 1, callbackAttempts: 1, updatedAt: now };
  await createDynamoJobOutcomes(table).save(done.jobId, 1, {
    ...settlement,
    ...counts,
    results: [],
    expiresAt: Math.ceil(now / 1000) + 60,
  });
  const orphan = aJob().jobId;
  const result = { providerId: 'gas', fetchedAt: now, bytes: 2, json: '{}' };
  await createDynamoResultWriter(table).save(orphan, 1, result, Math.ceil(now / 1000) + 600);
  const stuck = aJob().jobId;
  const input = { providers: '["gas"]', parameters: '{"gas":{"account":"SECRET-3"}}' };
  const Item = marshall({ jobId: stuck, itemId: 'JOB', status: 'PENDING', results: [], ...input });
  await client.send(new PutItemCommand({ TableName: 'JobTable', Item }));
  return { orphan, stuck };
};

test('the table is read job by job, with the results of each', async () => {
  const { client, close } = await startTables();
  const { orphan, stuck } = await storeJobs(client);
  const { read, readAll } = createDynamoJobAudit({ client, tableName: 'JobTable' });
  const found = new Map<string, FindingName[]>();
  let items = 0;
  for await (const page of readAll()) {
    items += page.items;
    for (const job of page.jobs) found.set(job.jobId, auditJob(job, Date.now()));
  }
  expect([items, found.size]).toEqual([33, 33]);
  expect([...found].filter(([, findings]) => findings.length > 0).sort()).toEqual(
    [[orphan, ['RESULTS_WITHOUT_JOB']] as const, [stuck, ['PENDING_NEVER_DUE']] as const].sort(),
  );
  expect(await read(orphan)).toMatchObject({ jobId: orphan, kept: ['gas'] });
  await close();
}, 30_000);

/** A database with the template's tables, in a folder of its own. */
const openTables = async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-audit-'));
  const access = newAccess();
  const { url, close } = await startDatabase(folder, access, createLog('test'));
  const client = clientOf(url, access);
  await ensureTables(client, readTemplate('template.yaml'));
  return {
    folder,
    client,
    close: async () => {
      client.destroy();
      await close();
    },
  };
};

test('npm run audit finds exactly the inconsistencies in a table, and prints no job input', async () => {
  const { folder, client, close } = await openTables();
  const { orphan, stuck } = await storeJobs(client);
  await close();

  const { code, stdout } = await runAudit(folder, '--json');
  expect(JSON.parse(stdout)).toEqual({
    items: 33,
    jobs: { PENDING: 31, COMPLETE: 1 },
    oldestDueSeconds: 0,
    findings: { RESULTS_WITHOUT_JOB: [orphan], PENDING_NEVER_DUE: [stuck] },
  });
  expect(code).toBe(1);
  const { stdout: text, stderr } = await runAudit(folder);
  expect(text).toContain(`PENDING_NEVER_DUE: 1.`);
  expect([stdout, text, stderr].join()).not.toContain('SECRET');
}, 30_000);

test('npm run audit reports harmless findings without failing', async () => {
  const { folder, client, close } = await openTables();
  const { create } = createDynamoJobIntake({ client, tableName: 'JobTable', shardCount: 4 });
  const soon = Date.now() + MINUTE;
  // A job that failed under an earlier version has no marker of trouble.
  const job = aJob({ callbackAttempts: 1, createdAt: soon, updatedAt: soon, dueAt: soon, leasedUntil: soon });
  await create(job, { requestId: job.jobId, requestHash: '' }, soon);
  await close();
  const { code, stdout } = await runAudit(folder, '--json');
  expect([JSON.parse(stdout).findings, code]).toEqual([{ TROUBLE_NOT_LISTED: [job.jobId] }, 0]);
}, 30_000);

test('npm run audit prints help, and refuses unknown options and stages', async () => {
  expect(await runAudit('', '--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('PENDING_NEVER_DUE') });
  expect(await runAudit('', '--stage', 'moon')).toMatchObject({ code: 2, stderr: expect.stringContaining('--stage') });
  expect(await runAudit('', '--nonsense')).toMatchObject({ code: 2 });
}, 30_000);
