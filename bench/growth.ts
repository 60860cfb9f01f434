import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { createDynamoJobList } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { clientOf } from '../local/running.ts';
import { aJob, postJob } from './client.ts';
import { cpuMs } from './process-figures.ts';
import { ms, quantile } from './stats.ts';
import { inParallel, withCloud } from './temporary-cloud.ts';

const SAMPLES = 100;
const PROVIDERS = [1, 2, 5, 10];
const KIBIBYTES = [1, 16, 128, 1_000];
const STORED_JOBS = [1_000, 10_000, 50_000];

/** Times jobs, one after another, from the request to the callback. */
const sample = (providers: number, bytes: number): Promise<string> =>
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

/** Times a page of a client's list, and a job from request to callback, with this many jobs in the table. */
const sampleTable = (jobs: number): Promise<string> =>
  withCloud({}, async ({ instance, receiver, providers }) => {
    const client = clientOf(instance.running.endpoints.dynamodb, instance.running.access);
    const table = { client, tableName: 'JobTable', shardCount: 4 };
    const { create } = createDynamoJobIntake(table);
    await inParallel(jobs, async () => {
      const { leasedUntil: _, dueAt: __, ...job } = aJob(receiver.url, providers, 'other');
      await create({ ...job, status: 'COMPLETE' }, { requestId: job.jobId, requestHash: '' }, job.createdAt);
    });
    const { list } = createDynamoJobList(table);
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
  });

/** Measures how the time and CPU of a job grow. Jobs run one after another. */
export const benchGrowth = async (): Promise<[string, string][]> => {
  const rows: [string, string][] = [];
  for (const count of PROVIDERS) rows.push([`${count} providers, p50`, await sample(count, 0)]);
  for (const size of KIBIBYTES) rows.push([`one provider, ${size} KiB, p50`, await sample(1, size * 1024)]);
  for (const count of STORED_JOBS) rows.push([`${count} jobs in the table, p50`, await sampleTable(count)]);
  return rows;
};
