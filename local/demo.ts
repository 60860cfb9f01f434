import { createServer, type IncomingMessage } from 'node:http';
import { constants } from 'node:os';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { failUsage, readArguments } from '../cli/command.ts';
import { onParentEnd } from './end-with-parent.ts';
import { listen } from './http-server.ts';
import { type Instance, useInstance } from './instance.ts';
import { nextTickMs } from './schedule.ts';

/** `npm run demo`: one job, from the request to the callback, as it happens. */

const OWN_SETTINGS = { RETRY_SCHEDULE_SECONDS: '2', SWEEP_SECONDS: '1', FETCH_DEADLINE_SECONDS: '60' };

const DEMO = {
  name: 'npm run demo',
  about:
    'Posts one job and shows it live, from the request to the callback. Uses the instance that runs over DATA_DIR, or starts one of its\nown with a quick schedule, which ends with it.',
  options: {
    timeout: { type: 'string', default: '180', value: 'seconds', about: 'how long to wait for the callback (180)' },
  },
  environment: {
    DATA_DIR: 'data folder of the instance to use (.data)',
    FAILURE_RATE: 'of an instance of its own: probability that the mock providers fail (0.5)',
    '…': 'of an instance of its own: all settings of npm start',
  },
  examples: { '': 'one job', '--timeout 30': 'half a minute of patience' },
  exitCodes: { 1: 'not delivered in time, or not at all', 130: 'Ctrl-C' },
} as const;

type Call = { status: string; class?: string; statusCode?: number; durationMs?: number };
type JobView = {
  status: string;
  providers: { providerId: string; status: string; polls?: number }[];
  attempts: { number: number; fetches: (Call & { providerId: string })[]; callback: Call | null }[];
  nextAttemptAt: string | null;
};

/** Pages by cursor, pages by Link header, and a report that takes some seconds to make, behind OAuth. */
const JOB = {
  providers: [
    { id: 'gas', parameters: { account: '12345678' } },
    'internet',
    { id: 'reports', parameters: { taxId: 'DE-123' } },
  ],
  metadata: { orderId: 'A-42' },
};

const LOOK_EVERY_MS = 200;
/** Where the countdown can't be drawn over, it is a line every so often. */
const COUNT_EVERY_SECONDS = 10;
const DELIVERED = ['COMPLETE', 'PARTIAL'];

const isDrawn = process.stdout.isTTY;

const say = (mark: string, what: string): void => {
  process.stdout.write(
    `${isDrawn ? '\r\x1b[K' : ''}${styleText('gray', new Date().toLocaleTimeString('en-GB'))}  ${mark}  ${what}\n`,
  );
};

const describe = ({ status, class: why, statusCode, durationMs }: Call): string =>
  status === 'OK' ? `in ${durationMs} ms` : `${why}${statusCode === undefined ? '' : `, status ${statusCode}`}`;

const missingOf = (job: JobView): string =>
  job.providers
    .filter(({ status }) => status !== 'FETCHED')
    .map(({ providerId }) => providerId)
    .join(' and ') || 'the callback';

/** Shows what has changed since the job was last looked at. */
const createReporter = () => {
  let attemptsSeen = 0;
  const polled = new Map<string, number>();
  return (job: JobView): void => {
    for (const { providerId, polls } of job.providers) {
      if (polls === undefined || polled.get(providerId) === polls) continue;
      polled.set(providerId, polls);
      say(
        styleText('cyan', '…'),
        `${providerId}: still working (${polls === 0 ? 'accepted' : `asked ${polls} times`})`,
      );
    }
    for (const attempt of job.attempts.slice(attemptsSeen)) {
      for (const fetched of attempt.fetches) {
        if (fetched.status === 'OK')
          say(styleText('green', '✓'), `${fetched.providerId}: fetched ${describe(fetched)}`);
        else say(styleText('yellow', '✗'), `${fetched.providerId}: not now (${describe(fetched)})`);
      }
      if (attempt.callback?.status === 'FAILED')
        say(styleText('yellow', '✗'), `callback: ${describe(attempt.callback)}`);
    }
    attemptsSeen = job.attempts.length;
  };
};

/** Counts down to the next attempt: the first sweep at or after the time that the job is due. */
const createCountdown = ({ running }: Instance) => {
  const { since, everySeconds } = running.sweeps;
  let lastShown: string | undefined;
  let isAnnounced = '';
  return (job: JobView): void => {
    if (job.nextAttemptAt === null) return;
    const dueMs = Date.parse(job.nextAttemptAt);
    const sweepMs = nextTickMs(Date.parse(since), everySeconds, dueMs);
    const seconds = Math.max(0, Math.ceil((sweepMs - Date.now()) / 1000));
    const isFirst = isAnnounced !== job.nextAttemptAt;
    isAnnounced = job.nextAttemptAt;
    const when = seconds > 0 ? `in ${seconds} s` : 'any moment';
    const line = `${styleText('cyan', '…')}  ${missingOf(job)} again ${when} (sweeps come every ${everySeconds} s)`;
    if (line === lastShown) return;
    lastShown = line;
    if (isDrawn) process.stdout.write(`\r\x1b[K          ${line}`);
    else if (isFirst || (seconds > 0 && seconds % COUNT_EVERY_SECONDS === 0))
      process.stdout.write(`          ${line}\n`);
  };
};

/** Why the demo ends without a callback; the message says all there is to say. */
class NotDelivered extends Error {
  override name = 'NotDelivered';
}

const run = async (instance: Instance, patienceMs: number, signal: AbortSignal): Promise<void> => {
  const { serviceUrl, apiKey } = instance;
  const call = async (route: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
    const answer = await fetch(`${serviceUrl}${route}`, { ...init, headers }).catch((cause: unknown) => {
      throw new NotDelivered(`${serviceUrl} does not answer any more.`, { cause });
    });
    return { status: answer.status, body: await answer.json() };
  };

  const { promise: called, resolve } = Promise.withResolvers<string>();
  const receiver = createServer((request: IncomingMessage, response) => {
    void text(request).then((body) => {
      response.writeHead(200).end();
      resolve(body);
    });
  });
  const { url, close } = await listen(receiver, 0);
  let pending: string | undefined;
  try {
    const body = JSON.stringify({ ...JOB, callbackUrl: `${url}/complete` });
    say('→', `POST ${serviceUrl}/webhook ${body}`);
    const posted = await call('/webhook', { method: 'POST', body });
    if (posted.status !== 202) throw new NotDelivered(`${posted.status} ${JSON.stringify(posted.body)}`);
    const { jobId, links } = posted.body as { jobId: string; links: { self: string } };
    pending = links.self;
    say('←', `202 ${jobId}; waiting at most ${patienceMs / 1000} s for the callback`);

    const report = createReporter();
    const countDown = createCountdown(instance);
    const givesUpAt = Date.now() + patienceMs;
    for (;;) {
      const { status, body: view } = await call(links.self);
      // While the table is out of reach, the job waits for it as we do.
      const job = status === 200 ? (view as JobView) : undefined;
      if (job) {
        report(job);
        if (job.status !== 'PENDING') pending = undefined;
        if (DELIVERED.includes(job.status)) {
          const lacks = job.status === 'PARTIAL' ? `, without ${missingOf(job)}` : '';
          say(styleText('green', '✓'), `delivered: ${job.status}${lacks}`);
          break;
        }
        if (job.status !== 'PENDING') throw new NotDelivered(`The job ended ${job.status}.`);
        countDown(job);
      }
      if (Date.now() > givesUpAt) {
        throw new NotDelivered(
          `Not delivered after ${patienceMs / 1000} s: still waiting for ${job ? missingOf(job) : 'the API'}. Boomerang would go on for hours, the demo does not.
The mock providers fail with the probability FAILURE_RATE; --timeout sets how long the demo waits.`,
        );
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
    process.stdout.write(`\nThe callback:\n${JSON.stringify(JSON.parse(await called), null, 2)}\n`);
  } finally {
    // Its receiver ends with the demo: nobody would take its callback any more.
    if (pending !== undefined) {
      const cancelled = await call(`${pending}/cancel`, { method: 'POST' }).catch(() => undefined);
      if (cancelled?.status === 202) say('·', 'cancelled the job, since its receiver ends here');
    }
    await close();
  }
};

const { values } = readArguments(DEMO);
if (!/^[1-9]\d{0,5}$/.test(values.timeout)) failUsage(DEMO, '--timeout takes seconds, 1 or more');

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    const code = 128 + constants.signals[signal];
    // Once more: at once. An instance of its own notices, and ends by itself.
    if (interruption.signal.aborted) process.exit(code);
    process.exitCode = code;
    interruption.abort();
  });
}
onParentEnd(() => interruption.abort());
for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

const own = Object.fromEntries(Object.entries(OWN_SETTINGS).filter(([name]) => process.env[name] === undefined));
const instance = await useInstance(own).catch((error: Error) => {
  process.stderr.write(`${error.message.trim()}\n`);
  process.exit(1);
});
try {
  say('·', instance.isOwn ? 'no instance answers: started one, with a quick schedule' : `found ${instance.serviceUrl}`);
  interruption.signal.throwIfAborted();
  await run(instance, Number(values.timeout) * 1000, interruption.signal);
} catch (error) {
  if (isDrawn) process.stdout.write('\r\x1b[K');
  if (interruption.signal.aborted) say('·', 'interrupted');
  else {
    process.stderr.write(`${error instanceof NotDelivered ? error.message : (error as Error).stack}\n`);
    process.exitCode = 1;
  }
} finally {
  await instance.stop();
}
process.exit();
