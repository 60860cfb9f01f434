import { setTimeout as sleep } from 'node:timers/promises';
import { startInstance } from '../local/instance.ts';
import { postJob } from './client.ts';
import { startReceiver } from './receiver.ts';
import { ms, quantile } from './stats.ts';

const WARM_UP_SECONDS = 3;
const SECONDS = 10;

/** Measures the time from the 202 to the callback under a steady load. Load generator and receiver share the machine. */
export const benchJourney = async (jobsPerSecond: number): Promise<[string, string][]> => {
  const instance = await startInstance({ FAILURE_RATE: '0', SWEEP_SECONDS: '60' });
  const receiver = await startReceiver();
  const acceptedAt = new Map<string, number>();
  const post = async (isCounted: boolean) => {
    const jobId = await postJob(instance, receiver.url);
    if (isCounted) acceptedAt.set(jobId, performance.now());
  };

  const posts: Promise<void>[] = [];
  const startedAt = performance.now();
  const total = (WARM_UP_SECONDS + SECONDS) * jobsPerSecond;
  // Open loop: a slow response does not delay later requests.
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, ((performance.now() - startedAt) / 1000) * jobsPerSecond);
    for (; sent < due; sent += 1) posts.push(post(sent >= WARM_UP_SECONDS * jobsPerSecond));
    await sleep(1);
  }
  await Promise.all(posts);
  await receiver.received(total);
  const took = (performance.now() - startedAt) / 1000;

  const latencies = [...acceptedAt].map(([jobId, at]) =>
    Math.max(0, (receiver.receivedAt.get(jobId) ?? Number.NaN) - at),
  );
  await receiver.close();
  await instance.stop();
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => ms(quantile(latencies, share)));
  return [
    [
      `202 to callback at ${jobsPerSecond} jobs/s (${(total / took).toFixed(0)} done), p50 / p95 / p99`,
      `${p50} / ${p95} / ${p99}`,
    ],
  ];
};
