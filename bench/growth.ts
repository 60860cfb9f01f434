import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CALL_LIMITS } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { createDynamoJobList } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { omit } from '@boomerang/core/domain/omit.ts';
import { openStore } from '../local/dynamodb-store.ts';
import { inProcessClients } from '../local/in-process-clients.ts';
import { clientOf } from '../local/running.ts';
import { aJob, postJob } from './client.ts';
import { cpuMs } from './process-figures.ts';
import { ms, quantile } from './stats.ts';
import { type Cloud, inParallel, withCloud } from './temporary-cloud.ts';

const SAMPLES = 100;
const PROVIDERS = [1, 2, 5, 10];
const KIBIBYTES = [1, 16, 128, 1_000];
const STORED_JOBS = [1_000, 10_000, 100_000];
const TABLE = { tableName: 'JobTable', shardCount: 4 };

/** Times jobs, one after another, from the request to the callback. */
const sampleJobs = (providers: number, bytes: number): Promise<string> =>
  withCloud({ providers, bytes }, async ({ instance, receiver, providers: ids }) => {
    const journeys: number[] = [];
    const runJob = async (): Promise<void> => {
      const startedAt = performance.now();
      await Promise.all([postJob(instance, receiver.url, ids), receiver.received(receiver.receivedAt.size + 1)]);
      journeys.push(performance.now() - startedAt);
    };
    for (let round = 0; round < SAMPLES; round += 1) await runJob();
    const before = cpuMs(instance.pid);
    journeys.length = 0;
    for (let round = 0; round < SAMPLES; round += 1) await runJob();
    return `${ms(quantile(journeys, 0.5))}, ${ms((cpuMs(instance.pid) - before) / SAMPLES)} CPU`;
  });

/** Stores ended jobs in a data folder that has tables. Bypasses the endpoint, where a million jobs would take half an hour. */
const fill = async (folder: string, jobs: number): Promise<void> => {
  const store = await openStore(path.join(folder, 'dynamodb'));
  const services = { database: store.service, stepFunctions: store.service, eventBus: store.service };
  const client = inProcessClients(services)(new DynamoDBClient(), CALL_LIMITS.sweep);
  const { create } = createDynamoJobIntake({ client, ...TABLE });
  await inParallel(jobs, async () => {
    const job = omit(aJob('https://example.com/callback', ['gas'], 'other'), ['leasedUntil', 'dueAt']);
    await create({ ...job, status: 'COMPLETE' }, { requestId: job.jobId, requestHash: '' }, job.createdAt);
  });
  await store.close();
};

/** Times a page of a client's list, and a job from request to callback, with this many jobs in the table. */
const sampleTable = async (jobs: number): Promise<[string, string]> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-bench-'));
  const settings = { DATA_DIR: folder };
  try {
    // Creates the tables.
    await withCloud({ settings }, async () => {});
    await fill(folder, jobs);
    return [`${jobs} jobs in the table, p50`, await withCloud({ settings }, sampleCloud)];
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const sampleCloud = async ({ instance, receiver, providers }: Cloud): Promise<string> => {
  const client = clientOf(instance.running.endpoints.dynamodb, instance.running.access);
  const { list } = createDynamoJobList({ client, ...TABLE });
  const pages: number[] = [];
  const journeys: number[] = [];
  for (let round = 0; round < SAMPLES; round += 1) {
    const startedAt = performance.now();
    await list({ clientId: 'other', limit: 20, now: Date.now() });
    const listedAt = performance.now();
    await Promise.all([postJob(instance, receiver.url, providers), receiver.received(receiver.receivedAt.size + 1)]);
    pages.push(listedAt - startedAt);
    journeys.push(performance.now() - listedAt);
  }
  return `${ms(quantile(journeys, 0.5))}; a page of 20: ${ms(quantile(pages, 0.5))}`;
};

/** Measures how the time and CPU of a job grow with its providers, its data and the jobs in the table. */
export const benchGrowth = async (): Promise<[string, string][]> => {
  const rows: [string, string][] = [];
  for (const count of PROVIDERS) rows.push([`${count} providers, p50`, await sampleJobs(count, 0)]);
  for (const size of KIBIBYTES) rows.push([`one provider, ${size} KiB, p50`, await sampleJobs(1, size * 1024)]);
  for (const count of STORED_JOBS) rows.push(await sampleTable(count));
  return rows;
};

/** As benchGrowth, with a million jobs in the table. */
export const benchMillion = async (): Promise<[string, string][]> => [await sampleTable(1_000_000)];
