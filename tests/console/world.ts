import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf, isOver } from '../e2e/api.ts';
import { respondsWith, startThirdParties, type ThirdParties } from '../e2e/third-parties.ts';

/** An embedded cloud with scripted third parties. */

export type World = {
  cloud: Instance;
  /** An operator's API key. */
  operatorKey: string;
  parties: ThirdParties;
  api: ReturnType<typeof apiOf>;
  stop: () => Promise<void>;
};

const CLI = fileURLToPath(new URL('../../cli/clients.ts', import.meta.url));

const BILLS = [
  { billedOn: '2026-01-07', amount: 22.27 },
  { billedOn: '2026-02-07', amount: 19.9 },
];

const catalogueOf = (url: string) => ({
  providers: [
    { id: 'gas', title: 'Gas bills', description: 'The bills of one account, oldest first.', url: `${url}/gas` },
    // Its calls are counted from 9.5 s after a failure.
    { id: 'internet', title: 'Internet bills', url: `${url}/internet`, timeoutMs: 500 },
    { id: 'water', title: 'Water bills', description: 'Refuses every request.', url: `${url}/water` },
    {
      id: 'reports',
      title: 'Credit reports',
      parameters: {
        type: 'object',
        required: ['account'],
        properties: {
          account: { type: 'string', pattern: '^[0-9]{8}$', description: 'Eight digits' },
          size: { type: 'integer', minimum: 1, maximum: 100 },
        },
      },
      url: `${url}/reports?account={account}`,
    },
  ],
});

/** `gas` and `reports` return data, `internet` answers 503, `water` refuses; the receiver `/gone` answers 410. */
export const startWorld = async (settings: Record<string, string> = {}): Promise<World> => {
  const parties = await startThirdParties();
  parties.set('/gas', respondsWith(BILLS));
  parties.set('/internet', respondsWith({ error: 'maintenance' }, 503));
  parties.set('/water', respondsWith({ error: 'unknown account' }, 404));
  parties.set('/gone', respondsWith({}, 410));
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'boomerang-catalogue-')), 'providers.json');
  writeFileSync(file, JSON.stringify(catalogueOf(parties.url)));
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
  const cloud = await startInstance({
    DATA_DIR: dataFolder,
    PROVIDER_CATALOGUE: file,
    RETRY_SCHEDULE_SECONDS: '600',
    SWEEP_SECONDS: '1',
    // Otherwise the circuit of the unavailable provider opens.
    BREAKER_MIN_CALLS: '1000',
    ...settings,
  });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [CLI, 'create', '--name', 'ops', '--operator', '--json'],
    { env: { ...process.env, DATA_DIR: dataFolder } },
  );
  return {
    cloud,
    operatorKey: (JSON.parse(stdout) as { apiKey: string }).apiKey,
    parties,
    api: apiOf(cloud),
    stop: async () => {
      await cloud.stop();
      await parties.close();
    },
  };
};

/** Posts jobs to a receiver, and waits until each has ended or failed once. @returns their ids */
export const postJobs = async (
  { api, parties }: World,
  count: number,
  providers: string[],
  receiver: string,
): Promise<string[]> => {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) ids.push(await api.submit(providers, `${parties.url}${receiver}`));
  for (const id of ids) await api.waitFor(id, (job) => isOver(job) || job.attempts.length > 0);
  return ids;
};
