import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Running } from '../../local/running.ts';

let folder: string;
let dataFolder: string;
let child: ChildProcess;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
  dataFolder = path.join(folder, 'data');
});

afterEach(() => {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
    process.kill(-child.pid, 'SIGKILL');
});

/** Starts a command in its own process group; resolves when its output matches. */
const start = async (
  command: string,
  args: string[],
  settings: Record<string, string>,
  upPattern: RegExp,
): Promise<string> => {
  const env = {
    ...process.env,
    SERVICE_PORT: '0',
    PROVIDERS_PORT: '0',
    DATA_DIR: dataFolder,
    TMPDIR: folder,
    ...settings,
  };
  child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let printed = '';
  const up = Promise.withResolvers<string>();
  for (const output of [child.stdout, child.stderr]) {
    output?.on('data', (chunk) => {
      printed += chunk;
      if (upPattern.test(printed)) up.resolve(printed);
    });
  }
  child.once('close', () => up.reject(new Error(printed)));
  return up.promise;
};

const until = async (condition: () => Promise<boolean> | boolean): Promise<void> => {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not true within 20 s: ${condition}`);
    await sleep(50);
  }
};

const isServing = async (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  );

describe('npm start', () => {
  // npm forwards SIGTERM to a shell, which does not forward it; npm does not forward SIGHUP, and cannot forward SIGKILL.
  test.each(['SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
    'stops cleanly when npm gets %s',
    async (signal) => {
      await start('npm', ['start'], {}, /Ctrl-C/);
      const running = JSON.parse(readFileSync(path.join(dataFolder, 'running.json'), 'utf8')) as Running;
      const urls = [
        ...Object.values(running.endpoints),
        running.outputs.ServiceApiUrl,
        running.outputs.ProvidersApiUrl,
      ];
      for (const url of urls) expect(await isServing(String(url))).toBe(true);
      child.kill(signal);
      for (const url of urls) await until(async () => !(await isServing(String(url))));
      await until(() => !existsSync(path.join(dataFolder, 'running.json')));
    },
    60_000,
  );
});

describe('the demo', () => {
  const DEMO = [path.resolve('local/demo.ts')];
  const FAILING = { FAILURE_RATE: '1' };
  const serviceUrlIn = (printed: string): string => String(/POST (\S+)\/webhook/.exec(printed)?.[1]);
  const isCleanedUp = () => !readdirSync(folder).some((name) => name.startsWith('boomerang-'));

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)(
    'cancels its job and stops its instance on %s',
    async (signal, exitCode) => {
      const printed = await start(process.execPath, DEMO, FAILING, /next attempt for/);
      const ended = once(child, 'close');
      child.kill(signal);
      expect(await ended).toEqual([exitCode, null]);
      expect(await isServing(serviceUrlIn(printed))).toBe(false);
      expect(isCleanedUp()).toBe(true);
    },
    60_000,
  );

  test('leaves no instance and no data when it is killed', async () => {
    const printed = await start(process.execPath, DEMO, FAILING, /next attempt for/);
    child.kill('SIGKILL');
    await until(async () => !(await isServing(serviceUrlIn(printed))));
    await until(isCleanedUp);
  }, 60_000);

  test('stops with its instance when npm is killed', async () => {
    const printed = await start('npm', ['run', 'demo'], FAILING, /next attempt for/);
    child.kill('SIGKILL');
    await until(async () => !(await isServing(serviceUrlIn(printed))));
    await until(isCleanedUp);
  }, 60_000);

  test('counts down to the next attempt when every provider fails', async () => {
    const settings = {
      ...FAILING,
      RETRY_SCHEDULE_SECONDS: '600',
      FETCH_DEADLINE_SECONDS: '86400',
      SWEEP_SECONDS: '60',
    };
    const printed = await start(process.execPath, DEMO, settings, /next attempt for .*\n/);
    // The attempt is made by the first sweep after the job is due.
    expect(printed).toMatch(
      /next attempt for gas and internet and reports in (?:59|6\d|7[0-2])\d s \(sweeps run every 60 s\)/,
    );
  }, 60_000);

  // How far the job gets within one second depends on the machine, so its attempts are not asserted.
  test('cancels the job and exits with 1 at --timeout', async () => {
    const ended = /Not delivered after 1 s: still waiting for .*\n/;
    const printed = await start(process.execPath, [...DEMO, '--timeout', '1'], FAILING, ended);
    expect(printed).toContain('job cancelled, because its receiver stops with the demo');
    if (child.exitCode === null) await once(child, 'close');
    expect(child.exitCode).toBe(1);
    expect(isCleanedUp()).toBe(true);
  }, 60_000);

  test('names the providers without data when a job is PARTIAL', async () => {
    const settings = { ...FAILING, FETCH_DEADLINE_SECONDS: '1' };
    const printed = await start(process.execPath, DEMO, settings, /The callback:.*\n\}\n/s);
    expect(printed).toContain('delivered: PARTIAL, without gas and internet and reports');
    if (child.exitCode === null) await once(child, 'close');
    expect(child.exitCode).toBe(0);
  }, 60_000);
});
