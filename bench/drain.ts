import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { clientOf } from '../local/running.ts';
import { type Drain, drainByBaseline } from './baseline.ts';
import { aJob } from './client.ts';
import { cpuMs } from './process-figures.ts';
import { quantile } from './stats.ts';
import { inParallel, withCloud } from './temporary-cloud.ts';

const JOBS = 2_000;
const ROUNDS = 3;
/** Time to write all jobs before they are due. */
const AHEAD_MS = 10_000;

const drain = (): Promise<Drain> =>
  withCloud({ providers: 2, settings: { SWEEP_SECONDS: '1' } }, async ({ instance, receiver, providers }) => {
    const client = clientOf(instance.running.endpoints.dynamodb, instance.running.access);
    const { create } = createDynamoJobIntake({ client, tableName: 'JobTable', shardCount: 4 });
    const dueAt = Date.now() + AHEAD_MS;
    await inParallel(JOBS, async () => {
      const { leasedUntil: _, ...job } = aJob(receiver.url, providers);
      await create({ ...job, dueAt }, { requestId: job.jobId, requestHash: '' }, Date.now());
    });
    if (Date.now() > dueAt) throw new Error('the jobs were due before they were all written');
    const before = cpuMs(instance.pid);
    await receiver.received(JOBS);
    // Up to a second passes before the sweep that claims the first job.
    return { jobsPerSecond: (JOBS / (Date.now() - dueAt)) * 1000, cpuMsPerJob: (cpuMs(instance.pid) - before) / JOBS };
  });

/**
 * Measures how fast jobs of two providers that become due at the same time are claimed, fetched and delivered. Rounds alternate
 * with those of the baseline, the simplest algorithm for the same jobs.
 */
export const benchDrain = async (): Promise<[string, string][]> => {
  const drains: Drain[] = [];
  const baselineDrains: Drain[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    drains.push(await drain());
    baselineDrains.push(await drainByBaseline(JOBS));
  }
  const median = (of: Drain[], metric: keyof Drain) =>
    quantile(
      of.map((one) => one[metric]),
      0.5,
    );
  const describe = (of: Drain[]) =>
    `${median(of, 'jobsPerSecond').toFixed(0)} jobs/s, ${median(of, 'cpuMsPerJob').toFixed(1)} ms CPU a job`;
  return [
    [`drain of ${JOBS} due jobs, two providers`, describe(drains)],
    ['the same by the baseline (one query, all in parallel, one update a record)', describe(baselineDrains)],
    ['ratio', (median(drains, 'jobsPerSecond') / median(baselineDrains, 'jobsPerSecond')).toFixed(2)],
  ];
};
