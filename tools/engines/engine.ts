import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Command, failUsage, readArguments } from '../../cli/command.ts';
import { UsageError } from '../../cli/usage-error.ts';
import { onParentEnd } from '../../local/end-with-parent.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

/** Runs checks on engines other than the embedded cloud: emulators and tools that are installed, started and stopped here. */

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Each engine is installed in its own folder below. It can be deleted: engines are then installed again. */
export const FOLDER = path.join(ROOT, '.engines');

/** A requirement of the check is not available on this machine. */
export class Unavailable extends Error {
  override name = 'Unavailable';
}

/** A command or a server failed. The message has the end of its output. */
export class CommandFailed extends Error {
  override name = 'CommandFailed';
  readonly output: string;
  constructor(message: string, output = '') {
    super(message);
    this.output = output;
  }
}

/** The line of a program's output that best explains its failure. */
const reasonIn = (output: string): string => {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return (lines.find((line) => /\berror\b/i.test(line)) ?? lines[0] ?? 'no output').trim().slice(0, 200);
};

/** Explains an error in one line; for a failed command, from its output. */
export const reasonOf = (error: unknown): string =>
  reasonIn((error instanceof CommandFailed && error.output) || (error as Error).message);

const interruption = new AbortController();

/** Resolves on Ctrl-C, another signal, or the end of the parent. */
export const interrupted = new Promise<void>((resolve) => {
  interruption.signal.addEventListener('abort', () => resolve());
});

/** Removes AWS_ variables: the user's profile, session and endpoints must not affect a check. */
const withoutAws = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')));

/** Starts a program. It is ended when this process is interrupted. */
const start = (command: string, args: string[], { env, ...options }: SpawnOptions): ChildProcess =>
  spawn(command, args, { ...options, env: { ...withoutAws(), ...env }, signal: interruption.signal });

type RunOptions = { cwd?: string; env?: Record<string, string>; isQuiet?: boolean };

/**
 * Runs a command until it ends.
 * @returns its output if `isQuiet`; otherwise the output is printed
 * @throws CommandFailed
 */
export const run = async (command: string, args: string[], options: RunOptions = {}): Promise<string> => {
  const { cwd = ROOT, env = {}, isQuiet = false } = options;
  const stdio = isQuiet ? 'pipe' : 'inherit';
  const child = start(command, args, { cwd, env, stdio: ['ignore', stdio, stdio] });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => chunks.push(String(chunk)));
  const end = await new Promise<number | string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? 'command not found' : error.message),
    );
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal ?? 'ended'));
  });
  const output = chunks.join('');
  if (end === 0) return output;
  const last = output.trimEnd().split('\n').slice(-20).join('\n');
  const name = [path.basename(command), args[0]].join(' ');
  throw new CommandFailed(`${name} failed (${end})${last && `:\n${last}`}`, output);
};

/** Finds a port that is currently free. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

/** A running server. `ended` resolves when it ends. */
export type Engine = { url: string; ended: Promise<void>; stop: () => Promise<void> };

export type Program = {
  /** Its folder in `.engines`, which also has its log, `server.log`. */
  folder: string;
  /** Loopback port that it listens on. */
  port: number;
  command: string;
  args: string[];
  env?: Record<string, string>;
};

const START_TIMEOUT_MS = 60_000;

/**
 * Starts a server and waits until it answers. Its stdin closes when this process ends, even if killed; the servers in `python/` and
 * those run by `end-with-parent.cjs` then end too.
 * @throws CommandFailed if it ends, or does not answer for a minute
 */
export const startServer = async (name: string, program: Program): Promise<Engine> => {
  const { folder, port, command, args, env = {} } = program;
  const cwd = path.join(FOLDER, folder);
  mkdirSync(cwd, { recursive: true });
  const file = path.join(cwd, 'server.log');
  const log = openSync(file, 'w');
  const child = start(command, args, { cwd, env, stdio: ['pipe', log, log] });
  closeSync(log);
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    // Aborting the child also emits an error, before it has ended. Without a pid, it never started.
    child.on('error', () => child.pid === undefined && resolve());
  });
  void ended.then(() => {
    hasEnded = true;
  });
  const stop = async (): Promise<void> => {
    child.kill();
    const kill = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(kill);
  };
  const url = `http://127.0.0.1:${port}`;
  const timesOutAt = Date.now() + START_TIMEOUT_MS;
  // If the server has ended, a response comes from another process on its port.
  while (!(await answers(url)) || hasEnded) {
    if (hasEnded || Date.now() > timesOutAt) {
      await stop();
      const where = path.relative(ROOT, file);
      throw new CommandFailed(`${name} did not start (${where}): ${reasonIn(readFileSync(file, 'utf8'))}`);
    }
    await sleep(100);
  }
  return { url, ended, stop };
};

/** Whether a URL answers, with any status. */
export const answers = async (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
    () => true,
    () => false,
  );

/** Runs tests with Jest and additional environment variables. The timeout is high: engines may be slower than the embedded cloud. */
export const runTests = async (paths: string[], env: Record<string, string>): Promise<void> => {
  // For ES modules, as in `npm test`.
  const flags = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules'];
  const jest = path.join(ROOT, 'node_modules/jest/bin/jest.js');
  const options = ['--testPathIgnorePatterns=/node_modules/', '--noStackTrace', '--testTimeout=60000'];
  await run(process.execPath, [...flags, jest, ...paths, ...options], { env }).catch(() => {
    throw new CommandFailed('Tests failed, see above.');
  });
};

/** Exit code of a check that could not run: EX_UNAVAILABLE of sysexits.h. */
const EXIT_UNAVAILABLE = 69;

/** Shown in the usage of each check. */
const EXIT_CODES = { 1: 'the check failed', [EXIT_UNAVAILABLE]: 'not run: a requirement is missing on this machine' };
const ENVIRONMENT = { TMPDIR: 'folder for temporary files (/tmp); they are deleted at the end' };

/**
 * Runs the work of an npm script that uses engines, with the usage text, options and exit codes of `command`. A missing requirement
 * is reported in one line. Temporary files go to a folder that is deleted at the end.
 */
export const runScript = async <const C extends Command>(
  command: C,
  work: (values: ReturnType<typeof readArguments<C>>['values']) => Promise<void>,
): Promise<void> => {
  const usage = {
    ...command,
    environment: { ...command.environment, ...ENVIRONMENT },
    exitCodes: { ...EXIT_CODES, ...command.exitCodes },
  };
  const { values } = readArguments(usage);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interruption.abort());
  onParentEnd(() => interruption.abort());
  const name = command.name.replace(/^npm run /, '');
  const removeTemporaryFiles = useTemporaryFolder('boomerang-engines');
  try {
    await work(values as never);
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof UsageError) failUsage(usage, error.message);
    if (interruption.signal.aborted) console.error(`${name} was interrupted.`);
    else if (error instanceof Unavailable) {
      console.error(`${name} was not run: ${error.message}`);
      process.exitCode = EXIT_UNAVAILABLE;
    } else if (error instanceof CommandFailed) console.error(error.message);
    else throw error;
  } finally {
    removeTemporaryFiles();
  }
};
