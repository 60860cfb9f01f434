import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** An embedded cloud that answers. */
export type Instance = {
  serviceUrl: string;
  providersUrl: string;
  /** The key of its local client. */
  apiKey: string;
  /** Where its table and its state machine answer; known of an own instance. */
  endpoints?: { dynamodb: string; stepFunctions: string; stateMachineArn: string };
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

/** The instance that runs on the ports of the environment, or one of its own. */
export const useInstance = async (settings: Record<string, string>): Promise<Instance> => {
  const serviceUrl = `http://127.0.0.1:${process.env.SERVICE_PORT ?? 3000}`;
  const providersUrl = `http://127.0.0.1:${process.env.PROVIDERS_PORT ?? 3001}`;
  const isUp = await fetch(`${serviceUrl}/health`).then(
    (answer) => answer.ok,
    () => false,
  );
  if (isUp)
    return {
      serviceUrl,
      providersUrl,
      apiKey: readApiKey(),
      isOwn: false,
      stop: nothing,
      kill: nothing,
      output: () => '',
    };
  return startInstance(settings);
};

const readApiKey = (): string =>
  process.env.LOCAL_API_KEY ?? readFileSync(path.join(process.env.DATA_DIR ?? '.data', 'local-api-key'), 'utf8').trim();

const nothing = async (): Promise<void> => {};

/**
 * Starts an instance in a process of its own, on free ports, with data that is thrown away unless `DATA_DIR` is set.
 * @throws Error with what it printed, when it ends before it is up
 */
export const startInstance = async (settings: Record<string, string>): Promise<Instance> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, SERVICE_PORT: '0', PROVIDERS_PORT: '0', DATA_DIR: folder, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own group: Ctrl-C reaches whoever started it, who then stops it in order.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let printed = '';
  let isUp = false;
  const urls = await new Promise<Omit<Instance, 'isOwn' | 'stop' | 'kill' | 'output'>>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed = (printed + chunk.toString('utf8')).slice(-MAX_PRINTED);
      if (isUp) return;
      const serviceUrl = /service API +(\S+)/.exec(printed)?.[1];
      const providersUrl = /providers API +(\S+)\/providers/.exec(printed)?.[1];
      const dynamodb = /DynamoDB +(\S+),/.exec(printed)?.[1];
      const apiKey = settings.LOCAL_API_KEY ?? /API key +(\S+)/.exec(printed)?.[1];
      const [, stepFunctions, stateMachineArn] = /Step Functions +(\S+), (\S+)\n/.exec(printed) ?? [];
      if (!serviceUrl || !providersUrl || !apiKey || !dynamodb || !stepFunctions || !stateMachineArn) return;
      isUp = true;
      resolve({ serviceUrl, providersUrl, apiKey, endpoints: { dynamodb, stepFunctions, stateMachineArn } });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then(() => reject(new Error(printed)));
  });
  return {
    ...urls,
    isOwn: true,
    output: () => printed,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      if (settings.DATA_DIR === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
};
