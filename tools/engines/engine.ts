import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** What runs this project elsewhere than in its embedded cloud: started and stopped for a check. */

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Each engine is installed in a folder of its own in here; deleting it costs nothing but time. */
export const FOLDER = path.join(ROOT, '.engines');

/** Something that a check needs can't be had here. */
export class Unavailable extends Error {
  override name = 'Unavailable';
}

/** A command ended with an error; it has said why. */
export class CommandFailed extends Error {
  override name = 'CommandFailed';
}

type RunOptions = { cwd?: string; env?: Record<string, string>; isQuiet?: boolean };

/**
 * Runs a command to its end.
 * @returns what it wrote to its output, when it is quiet; else that goes to ours
 * @throws CommandFailed
 */
export const run = async (command: string, args: string[], options: RunOptions = {}): Promise<string> => {
  const { cwd = ROOT, env = {}, isQuiet = false } = options;
  const stdio = isQuiet ? 'pipe' : 'inherit';
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', stdio, stdio] });
  const output: string[] = [];
  const said: string[] = [];
  child.stdout?.on('data', (chunk) => output.push(String(chunk)));
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => said.push(String(chunk)));
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal ?? 'ended'));
  });
  if (code === 0) return output.join('');
  const last = said
    .join('')
    .trimEnd()
    .split('\n')
    .slice(isQuiet ? -20 : -1)
    .join('\n');
  throw new CommandFailed(`${path.basename(command)} ${args[0] ?? ''} failed (${code})${last && `: ${last}`}`);
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

export type Engine = { url: string; stop: () => Promise<void> };

const STARTS_WITHIN_MS = 60_000;

/**
 * Starts a server and waits until it answers anything at all.
 * @param program what to run; it is to listen on the port
 * @throws Unavailable when it ends instead, or says nothing for a minute
 */
export const startServer = async (
  name: string,
  port: number,
  program: { command: string; args: string[]; cwd?: string; env?: Record<string, string> },
): Promise<Engine> => {
  const child = spawn(program.command, program.args, {
    cwd: program.cwd ?? FOLDER,
    env: { ...process.env, ...program.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said.push(String(chunk));
      if (said.length > 200) said.shift();
    });
  }
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill();
    const kill = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(kill);
  };
  const givesUpAt = Date.now() + STARTS_WITHIN_MS;
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > givesUpAt) {
      await stop();
      throw new Unavailable(`${name} did not start: ${said.join('').trimEnd().split('\n').at(-1)}`);
    }
    await sleep(100);
  }
  if (process.env.ENGINE_LOGS) process.once('exit', () => console.log(said.join('')));
  return { url, stop };
};

const answers = async (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  );

/** Runs tests by Jest, with these variables on top of the environment. */
export const runTests = async (paths: string[], env: Record<string, string>): Promise<void> => {
  const flags = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules'];
  const jest = path.join(ROOT, 'node_modules/jest/bin/jest.js');
  await run(process.execPath, [...flags, jest, ...paths, '--testPathIgnorePatterns=/node_modules/', '--noStackTrace'], {
    env,
  });
};

/** How a check ends that could not be made: EX_UNAVAILABLE of sysexits.h. */
const EXIT_UNAVAILABLE = 69;

/** Runs a check as a command: what can't be had here is told in one line. */
export const check = async (name: string, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Unavailable || error instanceof CommandFailed)) throw error;
    console.error(error instanceof Unavailable ? `${name} was not run: ${error.message}` : error.message);
    process.exitCode = error instanceof Unavailable ? EXIT_UNAVAILABLE : 1;
  }
};
