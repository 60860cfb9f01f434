import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { listen } from './http-server.ts';
import { type Instance, useInstance } from './instance.ts';

/**
 * `npm run demo`: one job, from the request to the callback, as it happens. Uses the instance that runs, or starts one of
 * its own with a quick schedule.
 */

type Call = { status: string; class?: string; statusCode?: number; durationMs?: number };
type JobView = {
  status: string;
  providers: { providerId: string; status: string }[];
  attempts: { number: number; fetches: (Call & { providerId: string })[]; callback: Call | null }[];
  nextAttemptAt: string | null;
};

const PATIENCE_MS = 10 * 60_000;

const say = (mark: string, what: string): void => {
  process.stdout.write(`${styleText('gray', new Date().toLocaleTimeString('en-GB'))}  ${mark}  ${what}\n`);
};

const describe = ({ status, class: why, statusCode, durationMs }: Call): string =>
  status === 'OK' ? `in ${durationMs} ms` : `${why}${statusCode === undefined ? '' : `, status ${statusCode}`}`;

/** Tells what has changed since the job was last looked at. */
const createReporter = () => {
  let attemptsSeen = 0;
  let nextSeen: string | null = null;
  const settled = new Set<string>();
  return (job: JobView): void => {
    for (const attempt of job.attempts.slice(attemptsSeen)) {
      for (const fetch of attempt.fetches) {
        if (fetch.status === 'OK') say(styleText('green', '✓'), `${fetch.providerId}: fetched ${describe(fetch)}`);
        else say(styleText('yellow', '✗'), `${fetch.providerId}: not now (${describe(fetch)})`);
      }
      if (attempt.callback?.status === 'FAILED')
        say(styleText('yellow', '✗'), `callback: ${describe(attempt.callback)}`);
    }
    attemptsSeen = job.attempts.length;
    for (const { providerId, status } of job.providers) if (status !== 'PENDING') settled.add(providerId);
    if (job.nextAttemptAt !== null && job.nextAttemptAt !== nextSeen) {
      const missing = job.providers.filter((p) => p.status !== 'FETCHED').map((p) => p.providerId);
      const at = new Date(job.nextAttemptAt).toLocaleTimeString('en-GB');
      say(
        styleText('cyan', '…'),
        `waiting: ${missing.join(' and ') || 'the callback'} again at ${at}, or the sweep after it`,
      );
    }
    nextSeen = job.nextAttemptAt;
  };
};

const run = async ({ serviceUrl, apiKey }: Instance): Promise<void> => {
  const { promise: called, resolve } = Promise.withResolvers<string>();
  const receiver = createServer((request: IncomingMessage, response) => {
    void text(request).then((body) => {
      response.writeHead(200).end();
      resolve(body);
    });
  });
  const { url, close } = await listen(receiver, 0);
  try {
    const authorization = `Bearer ${apiKey}`;
    const request = { providers: ['gas', 'internet'], callbackUrl: `${url}/complete` };
    say('→', `POST ${serviceUrl}/webhook ${JSON.stringify(request)}`);
    const answer = await fetch(`${serviceUrl}/webhook`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    const accepted = (await answer.json()) as { jobId: string; links: { self: string } };
    if (answer.status !== 202) throw new Error(`${answer.status} ${JSON.stringify(accepted)}`);
    say('←', `202 ${accepted.jobId}`);

    const report = createReporter();
    const givesUpAt = Date.now() + PATIENCE_MS;
    for (;;) {
      const job = (await (
        await fetch(`${serviceUrl}${accepted.links.self}`, { headers: { authorization } })
      ).json()) as JobView;
      report(job);
      if (job.status !== 'PENDING') {
        if (job.status !== 'COMPLETE' && job.status !== 'PARTIAL') throw new Error(`the job ended ${job.status}`);
        say(styleText('green', '✓'), `delivered: ${job.status}`);
        break;
      }
      if (Date.now() > givesUpAt) throw new Error('the job is still on its way: look at it later');
      await sleep(200);
    }
    process.stdout.write(`\nThe callback:\n${JSON.stringify(JSON.parse(await called), null, 2)}\n`);
  } finally {
    await close();
  }
};

const instance = await useInstance({ RETRY_SCHEDULE_SECONDS: '2', SWEEP_SECONDS: '1' });
process.once('SIGINT', () => void instance.stop().then(() => process.exit(130)));
try {
  say('·', instance.isOwn ? 'no instance answers: started one, with a quick schedule' : `found ${instance.serviceUrl}`);
  await run(instance);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  await instance.stop();
}
