import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { clientOf } from '../local/running.ts';
import { type DrainFigures, drainByBaseline } from './baseline.ts';
import { aJob } from './client.ts';
import { cpuMs } from './process-figures.ts';
import { quantile } from './stats.ts';
import { inParallel, withCloud } from './temporary-cloud.ts';

const JOBS = 2_000;
const ROUNDS = 3;
/** Time to write all jobs before they are due. */
const WRITE_MS = 10_000;

const drain = (): Promise<DrainFigures> =>
  withCloud({ providers: 2, settings: { SWEEP_SECONDS: '1' } }, async ({ instance, receiver, providers }) => {
    const client = clientOf(instance.running.endpoints.dynamodb, instance.running.access);
    const { create } = createDynamoJobIntake({ client, tableName: 'JobTable', shardCount: 4 });
    const dueAt = Date.now() + WRITE_MS;
    await inParallel(JOBS, async () => {
      const { leasedUntil: _, ...job } = aJob(receiver.url, providers);
      // Without earlier claims, as after a failed attempt: jobs of dead executions are not batched.
      await create({ ...job, dueAt, claimsSinceOutcome: 0 }, { requestId: job.jobId, requestHash: '' }, Date.now());
    });
    if (Date.now() > dueAt) throw new Error('the jobs were due before they were all written');
    const before = cpuMs(instance.pid);
    await receiver.received(JOBS);
    // The time includes up to a second until the sweep that claims the first job.
    return { jobsPerSecond: (JOBS / (Date.now() - dueAt)) * 1000, cpuMsPerJob: (cpuMs(instance.pid) - before) / JOBS };
  });

/**
 * Measures how fast jobs that become due at the same time are claimed, fetched from two providers each, and delivered. Rounds
 * alternate with those of the baseline, the simplest algorithm for the same jobs.
 */
export const benchDrain = async (): Promise<[string, string][]> => {
  const drains: DrainFigures[] = [];
  const baselineDrains: DrainFigures[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    drains.push(await drain());
    baselineDrains.push(await drainByBaseline(JOBS));
  }
  const median = (rounds: DrainFigures[], metric: keyof DrainFigures) =>
    quantile(
      rounds.map((round) => round[metric]),
      0.5,
    );
  const describe = (rounds: DrainFigures[]) =>
    `${median(rounds, 'jobsPerSecond').toFixed(0)} jobs/s, ${median(rounds, 'cpuMsPerJob').toFixed(1)} ms CPU a job`;
  return [
    [`drain of ${JOBS} due jobs, two providers`, describe(drains)],
    ['baseline: one query, all records in parallel, one update a record', describe(baselineDrains)],
    ['ratio', (median(drains, 'jobsPerSecond') / median(baselineDrains, 'jobsPerSecond')).toFixed(2)],
  ];
};
