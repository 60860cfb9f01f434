import { execFile } from 'node:child_process';
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
import { startTables } from './database.ts';

const CLI = fileURLToPath(new URL('../../cli/audit.ts', import.meta.url));
const MINUTE = 60_000;

const pending = { status: 'PENDING', dueShard: 0, dueAt: NOW, results: [] };
const over = { status: 'COMPLETE', expiresAt: NOW / 1000, results: [] };
const fetching = { ...pending, phase: 'FETCHING' };
const waits = (...times: number[]) =>
  times.map((retryAt, index) => ({ providerId: `p${index}`, status: 'UNAVAILABLE', retryAt }));
const failed = (attempts: number) => [{ providerId: 'gas', status: 'UNAVAILABLE', attempts }];
/** What a caller gave with a job, as the table has it. */
const input = (change: object = {}) => ({
  providers: '["gas","water"]',
  parameters: '{"gas":{"account":"12345678"}}',
  metadata: '{"orderId":"A-42"}',
  ...change,
});
const gave = [{ providerId: 'gas', status: 'FETCHED' }];

test.each<[string, object | undefined, FindingName[]]>([
  ['is pending and due', pending, []],
  ['is held', { ...pending, leasedUntil: NOW, dueAt: NOW }, []],
  ['is over', over, []],
  ['is pending, with what its provider gave', { ...pending, results: gave }, []],
  ['is pending, and in no shard', { ...pending, dueShard: undefined }, ['PENDING_NEVER_DUE']],
  ['is pending, and never due', { ...pending, dueAt: undefined }, ['PENDING_NEVER_DUE']],
  ['was held long ago', { ...pending, leasedUntil: NOW - 11 * MINUTE, dueAt: NOW - 11 * MINUTE }, ['LEASE_LONG_PAST']],
  ['was held long ago, and backs off', { ...pending, leasedUntil: NOW - 11 * MINUTE, dueAt: NOW + MINUTE }, []],
  ['is due with the first of its providers', { ...fetching, results: waits(NOW - 30_000, NOW + 60_000) }, []],
  ['is due too late for the first of its providers', { ...fetching, results: waits(NOW - 30_001) }, ['DUE_TOO_LATE']],
  ['is due late, and was not settled before', { ...fetching, updatedAt: NOW, results: waits(NOW - 30_001) }, []],
  ['is held, and late', { ...fetching, leasedUntil: NOW, results: waits(NOW - 30_001) }, []],
  ['has been due for long', { ...pending, dueAt: NOW - 11 * MINUTE }, ['DUE_LONG_PAST']],
  ['is over, and due', { ...over, dueAt: NOW }, ['OVER_BUT_DUE']],
  ['is over, and held', { ...over, leasedUntil: NOW }, ['OVER_BUT_DUE']],
  ['is over, and kept for ever', { ...over, expiresAt: undefined }, ['OVER_WITHOUT_EXPIRY']],
  ['failed, and is listed', { ...pending, callbackAttempts: 1, undeliveredShard: 'client#0' }, []],
  ['failed to call back, and is not listed', { ...pending, callbackAttempts: 1 }, ['TROUBLE_NOT_LISTED']],
  ['failed to fetch, and is not listed', { ...pending, results: failed(1) }, ['TROUBLE_NOT_LISTED']],
  ['was only deferred', { ...pending, callbackAttempts: 0, results: failed(0) }, []],
  ['misses a result', { ...pending, results: [{ providerId: 'water', status: 'FETCHED' }] }, ['RESULT_MISSING']],
  ['has parameters and metadata', { ...pending, ...input() }, []],
  ['is over, with metadata', { ...over, providers: '["gas"]', metadata: '{"a":"b"}' }, []],
  [
    'has parameters that are no JSON',
    { ...pending, ...input({ parameters: '{"gas":{"account":' }) },
    ['INPUT_UNREADABLE'],
  ],
  ['has parameters that are no text', { ...pending, ...input({ parameters: { gas: {} } }) }, ['INPUT_UNREADABLE']],
  [
    'has parameters that are no scalars',
    { ...over, ...input({ parameters: '{"gas":{"a":[1]}}' }) },
    ['INPUT_UNREADABLE'],
  ],
  ['has metadata that is no text', { ...pending, ...input({ metadata: '{"a":1}' }) }, ['INPUT_UNREADABLE']],
  [
    'has providers that are no text beside them',
    { ...pending, ...input({ providers: ['gas'] }) },
    ['INPUT_UNREADABLE'],
  ],
  [
    'has parameters of another provider',
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
    { ...over, ...input({ metadata: JSON.stringify({ a: 'x'.repeat(1_017) }) }) },
    ['INPUT_TOO_LARGE'],
  ],
  ['was deleted, but for its parameters', { ...over, ...input(), expungedAt: NOW }, ['INPUT_NOT_DELETED']],
  ['is of a kind that nobody knows', { ...pending, status: 'LOST' }, ['UNREADABLE']],
  ['is not there, but its results are', undefined, ['RESULTS_WITHOUT_JOB']],
])('a job that %s', (_case, job, findings) => {
  const audited = { jobId: 'id', ...(job && { job }), kept: ['gas'], keptUntil: NOW / 1000 + 60 };
  expect(auditJob(audited, NOW)).toEqual(findings);
});

test('results that have expired are nobody’s fault', () => {
  expect(auditJob({ jobId: 'id', kept: ['gas'], keptUntil: NOW / 1000 }, NOW)).toEqual([]);
});

const runAudit = (DATA_DIR: string, ...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [CLI, ...args], { env: { ...process.env, DATA_DIR } }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });

const SECRETS = { parameters: { gas: { account: 'SECRET-1' } }, metadata: { a: 'SECRET-2' } };

/** Puts jobs into a table: 31 that wait and one that is over, all well; and two things that are not. */
const plant = async (client: DynamoDBClient): Promise<{ orphan: string; stuck: string }> => {
  const table = { client, tableName: 'JobTable', shardCount: 4 };
  const { create } = createDynamoJobIntake(table);
  const now = Date.now();
  const times = { createdAt: now, updatedAt: now, deadlineAt: now, dueAt: now + MINUTE, leasedUntil: now + MINUTE };
  const born = async (change: Partial<Job> = {}) => {
    const job = aJob({ ...times, ...change });
    await create(job, { requestId: job.jobId, requestHash: '' }, now);
    return job;
  };
  for (let index = 0; index < 30; index += 1) await born(index < 3 ? { ...SECRETS } : {});
  const done = await born();
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

test('a table is read job by job, with what was kept for each', async () => {
  const { client, close } = await startTables();
  const { orphan, stuck } = await plant(client);
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

test('npm run audit finds what was planted in a table, and nothing else', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-audit-'));
  const access = newAccess();
  const { url, close } = await startDatabase(folder, access, createLog('test'));
  const client = clientOf(url, access);
  await ensureTables(client, readTemplate('template.yaml'));
  const { orphan, stuck } = await plant(client);
  client.destroy();
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

test('npm run audit says what it takes', async () => {
  expect(await runAudit('', '--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('PENDING_NEVER_DUE') });
  expect(await runAudit('', '--stage', 'moon')).toMatchObject({ code: 2, stderr: expect.stringContaining('--stage') });
  expect(await runAudit('', '--nonsense')).toMatchObject({ code: 2 });
}, 30_000);
