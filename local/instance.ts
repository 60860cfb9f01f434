import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findRunning, type Running } from './running.ts';

/** An embedded cloud that answers. */
export type Instance = {
  serviceUrl: string;
  providersUrl: string;
  /** The key of its local client. */
  apiKey: string;
  /** Its tables, its state machine, its schedule. */
  running: Running;
  /** Its process; known of an own instance. */
  pid?: number | undefined;
  /** Whether it was started here, and ends with whoever started it. */
  isOwn: boolean;
  /** Ends it in order. */
  stop: () => Promise<void>;
  /** Ends it at once, as a crash would. */
  kill: () => Promise<void>;
  /** What it printed so far. */
  output: () => string;
};

/** How much of what it prints is kept. */
const MAX_PRINTED = 4_000_000;

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/** The instance that runs over the `DATA_DIR` of the environment, or one of its own. */
export const useInstance = async (settings: Record<string, string>): Promise<Instance> => {
  const running = await findRunning(process.env.DATA_DIR ?? '.data');
  if (running) return { ...urlsOf(running), isOwn: false, stop: nothing, kill: nothing, output: () => '' };
  return startInstance(settings);
};

const nothing = async (): Promise<void> => {};

const urlsOf = (running: Running) => ({
  serviceUrl: running.outputs.ServiceApiUrl ?? '',
  providersUrl: running.outputs.ProvidersApiUrl ?? '',
  apiKey: running.apiKey,
  running,
});

/**
 * Starts an instance in a process of its own, on free ports, with data that is deleted at its end unless `DATA_DIR` is set. It ends
 * when this process does, however that ends.
 * @throws Error with what it printed, when it ends before it is up
 */
export const startInstance = async (settings: Record<string, string>): Promise<Instance> => {
  const child = spawn(process.execPath, [MAIN, ...(settings.DATA_DIR === undefined ? ['--temporary'] : [])], {
    env: { ...process.env, SERVICE_PORT: '0', PROVIDERS_PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Its own group: Ctrl-C reaches whoever started it, who then stops it in order.
    detached: true,
  });
  const ended = once(child, 'exit');
  let printed = '';
  for (const output of [child.stdout, child.stderr]) {
    output?.on('data', (chunk: Buffer) => {
      printed = (printed + chunk.toString('utf8')).slice(-MAX_PRINTED);
    });
  }
  const running = await Promise.race([
    once(child, 'message').then(([message]) => message as Running & { dataFolder: string }),
    once(child, 'close').then(() => Promise.reject(new Error(printed))),
  ]);
  return {
    ...urlsOf(running),
    pid: child.pid,
    isOwn: true,
    output: () => printed,
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
