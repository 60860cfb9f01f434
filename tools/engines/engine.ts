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

/** What runs this project elsewhere than in its embedded cloud: started and stopped for a check. */

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Each engine is installed in a folder of its own in here; deleting it costs nothing but time. */
export const FOLDER = path.join(ROOT, '.engines');

/** Something that a check needs can't be had here. */
export class Unavailable extends Error {
  override name = 'Unavailable';
}

/** A command, or a server, ended with an error; the message says what it said last. */
export class CommandFailed extends Error {
  override name = 'CommandFailed';
  readonly output: string;
  constructor(message: string, output = '') {
    super(message);
    this.output = output;
  }
}

/** The line that says what went wrong, among all that a program says. */
const reasonIn = (output: string): string => {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return (lines.find((line) => /\berror\b/i.test(line)) ?? lines[0] ?? 'it does not say why').trim().slice(0, 200);
};

/** Why something failed, in one line: what a command said of it, where it was one. */
export const reasonOf = (error: unknown): string =>
  reasonIn((error instanceof CommandFailed && error.output) || (error as Error).message);

const interruption = new AbortController();

/** Resolves when somebody wants an end: Ctrl-C, or a signal of whoever started this. */
export const interrupted = new Promise<void>((resolve) => {
  interruption.signal.addEventListener('abort', () => resolve());
});

/** Whoever calls may have a profile, a session or endpoints of AWS: a check knows only what it is given. */
const withoutAws = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')));

/** Starts a program; what interrupts this one ends it, too. */
const start = (command: string, args: string[], { env, ...options }: SpawnOptions): ChildProcess =>
  spawn(command, args, { ...options, env: { ...withoutAws(), ...env }, signal: interruption.signal });

type RunOptions = { cwd?: string; env?: Record<string, string>; isQuiet?: boolean };

/**
 * Runs a command to its end.
 * @returns what it said, when it is quiet; else that goes to our output
 * @throws CommandFailed
 */
export const run = async (command: string, args: string[], options: RunOptions = {}): Promise<string> => {
  const { cwd = ROOT, env = {}, isQuiet = false } = options;
  const stdio = isQuiet ? 'pipe' : 'inherit';
  const child = start(command, args, { cwd, env, stdio: ['ignore', stdio, stdio] });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => said.push(String(chunk)));
  const end = await new Promise<number | string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? 'there is no such command' : error.message),
    );
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal ?? 'ended'));
  });
  const output = said.join('');
  if (end === 0) return output;
  const last = output.trimEnd().split('\n').slice(-20).join('\n');
  const name = [path.basename(command), args[0]].join(' ');
  throw new CommandFailed(`${name} failed (${end})${last && `:\n${last}`}`, output);
};

/** Any port that is free now. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

/** A server that runs; `ended` resolves when it does so no more. */
export type Engine = { url: string; ended: Promise<void>; stop: () => Promise<void> };

export type Program = {
  /** Its folder in `.engines`, where its log is, too: `server.log`. */
  folder: string;
  /** Where it listens, on loopback. */
  port: number;
  command: string;
  args: string[];
  env?: Record<string, string>;
};

const STARTS_WITHIN_MS = 60_000;

/**
 * Starts a server and waits until it answers anything at all. Its input ends when this process does, however that ends: those in
 * `python/` end with it, and what `end-with-parent.cjs` runs.
 * @throws CommandFailed when it ends instead, or says nothing for a minute
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
    // That it is told to end is an error, too, and not yet its end.
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
  const givesUpAt = Date.now() + STARTS_WITHIN_MS;
  // Whoever answers for a server that has ended is somebody else.
  while (!(await answers(url)) || hasEnded) {
    if (hasEnded || Date.now() > givesUpAt) {
      await stop();
      const where = path.relative(ROOT, file);
      throw new CommandFailed(`${name} did not start (${where}): ${reasonIn(readFileSync(file, 'utf8'))}`);
    }
    await sleep(100);
  }
  return { url, ended, stop };
};

/** Whether anything answers at an address. */
export const answers = async (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
    () => true,
    () => false,
  );

/** Runs tests by Jest, with these variables on top of the environment; an engine may be slower than what is embedded. */
export const runTests = async (paths: string[], env: Record<string, string>): Promise<void> => {
  // As `npm test` does, for ES modules.
  const flags = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules'];
  const jest = path.join(ROOT, 'node_modules/jest/bin/jest.js');
  const options = ['--testPathIgnorePatterns=/node_modules/', '--noStackTrace', '--testTimeout=60000'];
  await run(process.execPath, [...flags, jest, ...paths, ...options], { env }).catch(() => {
    throw new CommandFailed('Its tests failed, as told above.');
  });
};

/** How a check ends that could not be made: EX_UNAVAILABLE of sysexits.h. */
const EXIT_UNAVAILABLE = 69;

/** What the usage of each check says. */
const EXIT_CODES = { 1: 'it failed', [EXIT_UNAVAILABLE]: 'not run: something that it needs can not be had here' };
const ENVIRONMENT = { TMPDIR: 'where temporary files go (/tmp); none is left there' };

/**
 * Runs a check, or what else works on engines, as a command: what can't be had here is told in one line. What it starts works in a
 * temporary folder that is deleted at the end.
 */
export const check = async <const C extends Command>(
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
