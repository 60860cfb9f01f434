import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { newJob } from '@boomerang/core/domain/job.ts';
import { v7 as uuidv7 } from 'uuid';
import { startInstance } from '../local/instance.ts';
import { clientOf } from '../local/running.ts';
import { startReceiver } from './receiver.ts';

const JOBS = 2_000;
const CONCURRENCY = 32;
/** Time to write all jobs before they are due. */
const AHEAD_MS = 10_000;

/** Measures how fast jobs that become due at the same time are claimed, fetched and delivered. */
export const benchDrain = async (): Promise<[string, string][]> => {
  const instance = await startInstance({ FAILURE_RATE: '0', SWEEP_SECONDS: '1' });
  const receiver = await startReceiver();
  const client = clientOf(instance.running.endpoints.dynamodb, instance.running.access);
  const { create } = createDynamoJobIntake({ client, tableName: 'JobTable', shardCount: 4 });
  const dueAt = Date.now() + AHEAD_MS;
  const insert = async (): Promise<void> => {
    const { leasedUntil: _, ...job } = newJob({
      jobId: uuidv7(),
      clientId: 'local',
      providers: ['gas', 'internet'],
      callbackUrl: receiver.url,
      now: Date.now(),
      leaseMs: 360_000,
      fetchDeadlineMs: 86_400_000,
    });
    await create({ ...job, dueAt }, { requestId: job.jobId, requestHash: '' }, Date.now());
  };
  for (let at = 0; at < JOBS; at += CONCURRENCY) {
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, JOBS - at) }, insert));
  }
  if (Date.now() > dueAt) throw new Error('the jobs were due before they were all written');
  await receiver.received(1);
  const first = Math.min(...receiver.receivedAt.values());
  await receiver.received(JOBS);
  const seconds = (Math.max(...receiver.receivedAt.values()) - first) / 1000;
  await receiver.close();
  await instance.stop();
  return [
    [
      `drain of ${JOBS} due jobs, first to last callback`,
      `${seconds.toFixed(1)} s, ${(JOBS / seconds).toFixed(0)} jobs/s`,
    ],
  ];
};
