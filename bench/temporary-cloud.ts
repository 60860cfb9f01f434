import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Instance, startInstance } from '../local/instance.ts';
import { startReceiver } from './receiver.ts';

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

export type Cloud = {
  instance: Instance;
  receiver: Receiver;
  /** Ids of the providers in its catalogue. */
  providers: string[];
};

export type CloudOptions = {
  /** Number of providers, all of which answer at once. */
  providers?: number;
  /** Size of the data of each provider, bytes. */
  bytes?: number;
  /** Settings of the embedded cloud. */
  settings?: Record<string, string>;
};

const CONCURRENCY = 32;

/** Runs `work` `count` times, at most 32 at once. */
export const inParallel = async (count: number, work: () => Promise<void>): Promise<void> => {
  for (let started = 0; started < count; started += CONCURRENCY) {
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, count - started) }, work));
  }
};

/** Runs a bench on a temporary embedded cloud whose providers and receiver are in this process. */
export const withCloud = async <T>(
  { providers = 1, bytes = 0, settings = {} }: CloudOptions,
  measure: (cloud: Cloud) => Promise<T>,
): Promise<T> => {
  const receiver = await startReceiver(bytes);
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-bench-'));
  const catalogue = path.join(folder, 'providers.json');
  const ids = Array.from({ length: providers }, (_, index) => `provider${index + 1}`);
  writeFileSync(
    catalogue,
    JSON.stringify({ providers: ids.map((id) => ({ id, url: receiver.providerUrl, maxBytes: 1_048_576 })) }),
  );
  const instance = await startInstance({ PROVIDER_CATALOGUE: catalogue, SWEEP_SECONDS: '60', ...settings });
  try {
    return await measure({ instance, receiver, providers: ids });
  } finally {
    await instance.stop();
    await receiver.close();
    rmSync(folder, { recursive: true });
  }
};
