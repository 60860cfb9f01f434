import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { findRunning, type Running } from './running.ts';

/** A running embedded cloud. */
export type Instance = {
  serviceUrl: string;
  providersUrl: string;
  /** The API key of its local client. */
  apiKey: string;
  /** Endpoints, outputs and schedule. */
  running: Running;
  /** Process id; only if `isOwn`. */
  pid?: number | undefined;
  /** Whether it was started by this process, and ends with it. */
  isOwn: boolean;
  /** Stops it gracefully. */
  stop: () => Promise<void>;
  /** Kills it, to simulate a crash. */
  kill: () => Promise<void>;
  /** Its output so far. */
  output: () => string;
};

/** Characters at the end of the output that are kept. Earlier chunks may be dropped. */
const MIN_OUTPUT_CHARACTERS = 4_000_000;

/**
 * The same option as in package.json. Most objects are garbage after one job, so small semi-spaces suffice: with the default of
 * 16 MiB, both threads together use 130 MiB more under load.
 */
const NODE_OPTIONS = ['--max-semi-space-size=8'];

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Returns the instance running on `DATA_DIR` of the environment, or starts a temporary one. */
export const useInstance = async (settings: Record<string, string>): Promise<Instance> => {
  const running = await findRunning(process.env.DATA_DIR ?? '.data');
  if (running) return { ...connectionOf(running), isOwn: false, stop: noop, kill: noop, output: () => '' };
  return startInstance(settings);
};

const noop = async (): Promise<void> => {};

const connectionOf = (running: Running) => ({
  serviceUrl: running.outputs.ServiceApiUrl ?? '',
  providersUrl: running.outputs.ProvidersApiUrl ?? '',
  apiKey: running.apiKey,
  running,
});

/**
 * Starts an instance in a child process, on free ports. Its data is deleted at the end unless `settings` has `DATA_DIR`. The
 * instance ends with this process, even if this process is killed.
 * @throws Error with the output of the instance, if it ends before it is ready
 */
export const startInstance = async (settings: Record<string, string>): Promise<Instance> => {
  const child = spawn(
    process.execPath,
    [...NODE_OPTIONS, MAIN, ...(settings.DATA_DIR === undefined ? ['--temporary'] : [])],
    {
      env: { ...process.env, SERVICE_PORT: '0', PROVIDERS_PORT: '0', ...settings },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Own process group: Ctrl-C must only reach the parent, which then stops the instance gracefully.
      detached: true,
    },
  );
  const ended = once(child, 'exit');
  const output = keepEnd([child.stdout, child.stderr]);
  const running = await Promise.race([
    once(child, 'message').then(([message]) => message as Running & { dataFolder: string }),
    once(child, 'close').then(() => Promise.reject(new Error(output()))),
  ]);
  return {
    ...connectionOf(running),
    pid: child.pid,
    isOwn: true,
    output,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
      if (settings.DATA_DIR === undefined) rmSync(running.dataFolder, { recursive: true, force: true });
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
};

/** Returns a function that returns the end of what these streams have printed so far. */
const keepEnd = (streams: (Readable | null)[]): (() => string) => {
  const chunks: string[] = [];
  let length = 0;
  for (const stream of streams) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      chunks.push(chunk);
      length += chunk.length;
      // Whole chunks are dropped, because cutting one long string would copy megabytes at every chunk.
      while (length - (chunks[0]?.length ?? 0) >= MIN_OUTPUT_CHARACTERS) length -= chunks.shift()?.length ?? 0;
    });
  }
  return () => chunks.join('');
};
