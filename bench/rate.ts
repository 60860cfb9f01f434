import { setTimeout as sleep } from 'node:timers/promises';
import { postJob } from './client.ts';
import { cpuMs, pssMiB } from './process-figures.ts';
import { ms, quantile } from './stats.ts';
import { type Cloud, type CloudOptions, withCloud } from './temporary-cloud.ts';

const SECONDS = 6;
/** The rate tried first, jobs a second. */
const FIRST_RATE = 150;
/** Each rate is the previous one times this factor. */
const RATE_FACTOR = 1.1;
/** The instance keeps up if no job is refused, and at least this share is delivered when the last request is sent. */
const MIN_DELIVERED_SHARE = 0.95;

/** Posts jobs at a steady rate. Open loop: a slow response does not delay later requests. */
const postSteadily = async ({ instance, receiver, providers }: Cloud, jobsPerSecond: number, seconds: number) => {
  const acceptMs: number[] = [];
  const acceptedAt = new Map<string, number>();
  let refused = 0;
  const send = async (): Promise<void> => {
    const startedAt = performance.now();
    try {
      const jobId = await postJob(instance, receiver.url, providers);
      acceptMs.push(performance.now() - startedAt);
      acceptedAt.set(jobId, startedAt);
    } catch {
      refused += 1;
    }
  };
  const before = { cpu: cpuMs(instance.pid), delivered: receiver.receivedAt.size };
  const startedAt = performance.now();
  const total = Math.round(jobsPerSecond * seconds);
  const posts: Promise<void>[] = [];
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, ((performance.now() - startedAt) / 1000) * jobsPerSecond);
    for (; sent < due; sent += 1) posts.push(send());
    await sleep(1);
  }
  const deliveredInTime = receiver.receivedAt.size - before.delivered;
  await Promise.all(posts);
  await receiver.received(before.delivered + acceptedAt.size);
  const requestToCallbackMs = [...acceptedAt].map(([jobId, at]) => (receiver.receivedAt.get(jobId) ?? Number.NaN) - at);
  return {
    keepsUp: refused === 0 && deliveredInTime >= total * MIN_DELIVERED_SHARE,
    refused,
    acceptMs,
    requestToCallbackMs,
    cpuMsPerJob: (cpuMs(instance.pid) - before.cpu) / acceptedAt.size,
    pss: pssMiB(instance.pid),
  };
};

/** Measures latency, CPU time and memory at a steady rate of jobs. */
export const benchLoad = (jobsPerSecond: number, options: CloudOptions = {}, label = ''): Promise<[string, string][]> =>
  withCloud(options, async (cloud) => {
    await postSteadily(cloud, jobsPerSecond, SECONDS);
    const { acceptMs, requestToCallbackMs, refused, cpuMsPerJob, pss } = await postSteadily(
      cloud,
      jobsPerSecond,
      2 * SECONDS,
    );
    const [p50, p95] = [0.5, 0.95].map((share) => ms(quantile(requestToCallbackMs, share)));
    const at = `at ${jobsPerSecond} jobs/s${label}`;
    return [
      [`request to callback ${at} (${refused} refused), p50 / p95`, `${p50} / ${p95}`],
      [`accept ${at}, p95`, ms(quantile(acceptMs, 0.95))],
      [`CPU a job ${at}`, ms(cpuMsPerJob)],
      [`memory (PSS) ${at}`, `${pss.toFixed(0)} MiB`],
    ];
  });

/** Finds the highest steady rate of jobs with one provider. */
export const benchRate = (): Promise<[string, string][]> =>
  withCloud({}, async (cloud) => {
    await postSteadily(cloud, 100, SECONDS);
    let highest = { rate: 0, cpuMsPerJob: Number.NaN };
    for (let rate = FIRST_RATE; ; rate = Math.round(rate * RATE_FACTOR)) {
      let run = await postSteadily(cloud, rate, SECONDS);
      // Another process may have slowed the first run down.
      if (!run.keepsUp) run = await postSteadily(cloud, rate, SECONDS);
      if (!run.keepsUp) break;
      highest = { rate, cpuMsPerJob: run.cpuMsPerJob };
    }
    return [['highest steady rate, one provider', `${highest.rate}/s, ${ms(highest.cpuMsPerJob)} CPU a job`]];
  });
