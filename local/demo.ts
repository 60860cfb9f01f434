import { createServer, type IncomingMessage } from 'node:http';
import { constants } from 'node:os';
import { text } from 'node:stream/consumers';
import { styleText } from 'node:util';
import { failUsage, readArguments } from '../cli/command.ts';
import type { Call, Job } from '../packages/client/api-types.ts';
import { ApiProblem, type Client, createClient } from '../packages/client/client.ts';
import { onParentEnd } from './end-with-parent.ts';
import { listen } from './http-server.ts';
import { type Instance, useInstance } from './instance.ts';
import { nextTickMs } from './schedule.ts';

/** `npm run demo`: runs one job, and shows it live. */

/** Settings of a temporary instance. */
const TEMPORARY_SETTINGS = { RETRY_SCHEDULE_SECONDS: '2', SWEEP_SECONDS: '1', FETCH_DEADLINE_SECONDS: '60' };

const DEMO = {
  name: 'npm run demo',
  about:
    'Posts one job and shows it live, from the request to the callback. Uses the instance running on DATA_DIR, or starts a temporary\none with short retry delays.',
  options: {
    timeout: { type: 'string', default: '180', value: 'seconds', about: 'how long to wait for the callback (180)' },
  },
  environment: {
    DATA_DIR: 'data folder of the instance to use (.data)',
    FAILURE_RATE: 'for a temporary instance: probability that the mock providers fail (0.5)',
    '…': 'for a temporary instance: all settings of npm start',
  },
  examples: { '': 'one job', '--timeout 30': 'wait at most 30 seconds' },
  exitCodes: { 1: 'the callback was not delivered in time', 130: 'Ctrl-C' },
} as const;

/** `gas` is paged by cursor, `internet` by Link header; `reports` is polled, behind OAuth. */
const JOB = {
  providers: [
    { id: 'gas', parameters: { account: '12345678' } },
    'internet',
    { id: 'reports', parameters: { taxId: 'DE-123' } },
  ],
  metadata: { orderId: 'A-42' },
};

const POLL_INTERVAL_MS = 200;
/** Interval of the countdown lines when the output is not a terminal. */
const COUNTDOWN_LINE_SECONDS = 10;
const DELIVERED = ['COMPLETE', 'PARTIAL'];

const isTerminal = process.stdout.isTTY;

const print = (mark: string, line: string): void => {
  process.stdout.write(
    `${isTerminal ? '\r\x1b[K' : ''}${styleText('gray', new Date().toLocaleTimeString('en-GB'))}  ${mark}  ${line}\n`,
  );
};

const describeCall = ({ status, class: failureClass, statusCode, durationMs }: Call): string =>
  status === 'OK'
    ? `in ${durationMs} ms`
    : `${failureClass}${statusCode === undefined ? '' : `, status ${statusCode}`}`;

const missingOf = (job: Job): string =>
  job.providers
    .filter(({ status }) => status !== 'FETCHED')
    .map(({ providerId }) => providerId)
    .join(' and ') || 'the callback';

/** Prints what changed since the last poll. */
const createReporter = () => {
  let attemptsSeen = 0;
  const polled = new Map<string, number>();
  return (job: Job): void => {
    for (const { providerId, polls } of job.providers) {
      if (polls === undefined || polled.get(providerId) === polls) continue;
      polled.set(providerId, polls);
      print(
        styleText('cyan', '…'),
        `${providerId}: still working (${polls === 0 ? 'accepted' : `polled ${polls} time${polls === 1 ? '' : 's'}`})`,
      );
    }
    for (const attempt of job.attempts.slice(attemptsSeen)) {
      for (const fetched of attempt.fetches) {
        if (fetched.status === 'OK')
          print(styleText('green', '✓'), `${fetched.providerId}: fetched ${describeCall(fetched)}`);
        else print(styleText('yellow', '✗'), `${fetched.providerId}: no data yet (${describeCall(fetched)})`);
      }
      if (attempt.callback?.status === 'FAILED')
        print(styleText('yellow', '✗'), `callback: failed (${describeCall(attempt.callback)})`);
    }
    attemptsSeen = job.attempts.length;
  };
};

/** Counts down to the next attempt, which the first sweep makes after the job is due. */
const createCountdown = ({ running }: Instance) => {
  const { since, everySeconds } = running.sweeps;
  let lastShown: string | undefined;
  let lastAttemptAt = '';
  return (job: Job): void => {
    if (job.nextAttemptAt === null) return;
    const dueMs = Date.parse(job.nextAttemptAt);
    const sweepMs = nextTickMs(Date.parse(since), everySeconds, dueMs);
    const seconds = Math.max(0, Math.ceil((sweepMs - Date.now()) / 1000));
    const isFirst = lastAttemptAt !== job.nextAttemptAt;
    lastAttemptAt = job.nextAttemptAt;
    const when = seconds > 0 ? `in ${seconds} s` : 'now';
    const line = `${styleText('cyan', '…')}  next attempt for ${missingOf(job)} ${when} (sweeps run every ${everySeconds} s)`;
    if (line === lastShown) return;
    lastShown = line;
    if (isTerminal) process.stdout.write(`\r\x1b[K          ${line}`);
    else if (isFirst || (seconds > 0 && seconds % COUNTDOWN_LINE_SECONDS === 0))
      process.stdout.write(`          ${line}\n`);
  };
};

/** The demo ended without a callback. Printed without a stack trace. */
class NotDelivered extends Error {
  override name = 'NotDelivered';
}

/** Shows the job until it has ended. */
const follow = async (
  client: Client,
  jobId: string,
  instance: Instance,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Job> => {
  const report = createReporter();
  const countDown = createCountdown(instance);
  let job: Job | undefined;
  const ticking = setInterval(() => job && countDown(job), POLL_INTERVAL_MS);
  const onChange = (changed: Job): void => {
    job = changed;
    report(changed);
  };
  try {
    return await client.wait(jobId, { timeoutMs, signal, pollEveryMs: POLL_INTERVAL_MS, onChange });
  } catch (cause) {
    if ((cause as Error).name !== 'TimeoutError') throw cause;
    throw new NotDelivered(
      `Not delivered after ${timeoutMs / 1000} s: still waiting for ${job ? missingOf(job) : 'the API'}. Without the demo's timeout, Boomerang would keep retrying.
FAILURE_RATE sets how often the mock providers fail, and --timeout how long the demo waits.`,
      { cause },
    );
  } finally {
    clearInterval(ticking);
  }
};

const run = async (instance: Instance, timeoutMs: number, signal: AbortSignal): Promise<void> => {
  const { serviceUrl, apiKey } = instance;
  const client = createClient({
    baseUrl: serviceUrl,
    apiKey,
    fetch: (url, init) =>
      fetch(url, init).catch((cause: unknown) => {
        throw new NotDelivered(`${serviceUrl} stopped answering.`, { cause });
      }),
  });

  const { promise: callbackBody, resolve } = Promise.withResolvers<string>();
  const receiver = createServer((request: IncomingMessage, response) => {
    void text(request).then((body) => {
      response.writeHead(200).end();
      resolve(body);
    });
  });
  const { url, close } = await listen(receiver, 0);
  let pending: string | undefined;
  try {
    const request = { ...JOB, callbackUrl: `${url}/complete` };
    print('→', `POST ${serviceUrl}/webhook ${JSON.stringify(request)}`);
    const { jobId } = await client.submit(request).catch((cause: unknown) => {
      if (!(cause instanceof ApiProblem)) throw cause;
      throw new NotDelivered(`${cause.status} ${JSON.stringify(cause.problem)}`, { cause });
    });
    pending = jobId;
    print('←', `202 ${jobId}; waiting up to ${timeoutMs / 1000} s for the callback`);

    const job = await follow(client, jobId, instance, timeoutMs, signal);
    pending = undefined;
    if (!DELIVERED.includes(job.status)) throw new NotDelivered(`The job ended ${job.status}.`);
    const missing = job.status === 'PARTIAL' ? `, without ${missingOf(job)}` : '';
    print(styleText('green', '✓'), `delivered: ${job.status}${missing}`);
    process.stdout.write(`\nThe callback:\n${JSON.stringify(JSON.parse(await callbackBody), null, 2)}\n`);
    // A temporary instance stops with the demo.
    if (!instance.isOwn) {
      const link = `${serviceUrl}/console#/jobs/${jobId}?key=${encodeURIComponent(apiKey)}`;
      process.stdout.write(`\nThe job in the console:\n${link}\n`);
    }
  } finally {
    // The receiver stops with the demo, so the callback could never be delivered.
    if (pending !== undefined) {
      const cancelled = await client.cancel(pending).catch(() => undefined);
      if (cancelled) print('·', 'job cancelled, because its receiver stops with the demo');
    }
    await close();
  }
};

const { values } = readArguments(DEMO);
if (!/^[1-9]\d{0,5}$/.test(values.timeout))
  failUsage(DEMO, '--timeout must be a whole number of seconds from 1 to 999999');

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    const code = 128 + constants.signals[signal];
    // A second signal exits at once. A temporary instance stops by itself when its parent ends.
    if (interruption.signal.aborted) process.exit(code);
    process.exitCode = code;
    interruption.abort();
  });
}
onParentEnd(() => interruption.abort());
for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

const settings = Object.fromEntries(
  Object.entries(TEMPORARY_SETTINGS).filter(([name]) => process.env[name] === undefined),
);
const instance = await useInstance(settings).catch((error: Error) => {
  process.stderr.write(`${error.message.trim()}\n`);
  process.exit(1);
});
try {
  print('·', instance.isOwn ? 'started a temporary instance, with short retry delays' : `using ${instance.serviceUrl}`);
  interruption.signal.throwIfAborted();
  await run(instance, Number(values.timeout) * 1000, interruption.signal);
} catch (error) {
  if (isTerminal) process.stdout.write('\r\x1b[K');
  if (interruption.signal.aborted) print('·', 'interrupted');
  else {
    process.stderr.write(`${error instanceof NotDelivered ? error.message : (error as Error).stack}\n`);
    process.exitCode = 1;
  }
} finally {
  await instance.stop();
}
process.exit();
