import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listen } from '../../local/http-server.ts';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf, isOver } from './api.ts';

const SIGNING_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

const freePort = async (): Promise<string> => {
  const { url, close } = await listen(createServer(), 0);
  await close();
  return new URL(url).port;
};

/** Starts a receiver of `docs/snippets` with a signing secret, and waits until it answers. */
const startReceiver = async ([command, ...args]: string[], secret: string) => {
  const port = await freePort();
  const child = spawn(String(command), args, {
    env: { ...process.env, SIGNING_SECRET: secret, PORT: port },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 30_000;
  const answers = (): Promise<boolean> =>
    fetch(url).then(
      () => true,
      () => false,
    );
  while (!(await answers())) {
    if (Date.now() > deadline || child.exitCode !== null) throw new Error(`${command} does not answer`);
    await sleep(50);
  }
  return {
    url,
    output: () => output,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
};

/** Tests that receivers of `docs/snippets`, given by name and command, accept callbacks of the embedded cloud and refuse others. */
export const testReceivers = (receivers: [name: string, command: string[]][]): void => {
  let cloud: Instance;
  beforeAll(async () => {
    cloud = await startInstance({
      FAILURE_RATE: '0',
      LOCAL_SIGNING_SECRET: SIGNING_SECRET,
      RETRY_SCHEDULE_SECONDS: '1',
    });
  }, 60_000);
  afterAll(() => cloud.stop());

  test.each(receivers)(
    '%s accepts a signed callback, and refuses others',
    async (_, command) => {
      const { submit, waitFor } = apiOf(cloud);
      const receiver = await startReceiver(command, SIGNING_SECRET);
      try {
        const job = await waitFor(await submit(['internet'], `${receiver.url}/callback`), isOver);
        expect(job.status).toBe('COMPLETE');
        expect(receiver.output()).toContain(`${job.jobId} 1`);
        const headers = {
          'content-type': 'application/json',
          'webhook-id': job.jobId,
          'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
        };
        const forged = { ...headers, 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` };
        expect((await fetch(receiver.url, { method: 'POST', headers: forged, body: '{}' })).status).toBe(401);
        expect(
          (await fetch(receiver.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }))
            .status,
        ).toBe(401);
      } finally {
        await receiver.stop();
      }
    },
    60_000,
  );

  test.each(receivers)(
    '%s with another secret refuses a callback',
    async (_, command) => {
      const { submit, waitFor } = apiOf(cloud);
      const receiver = await startReceiver(command, `whsec_${Buffer.alloc(32, 8).toString('base64')}`);
      try {
        const job = await waitFor(await submit(['internet'], `${receiver.url}/callback`), isOver);
        expect(job.status).toBe('FAILED');
        expect(job.attempts.at(-1)?.callback).toMatchObject({ class: 'bad_status', statusCode: 401 });
      } finally {
        await receiver.stop();
      }
    },
    60_000,
  );
};
