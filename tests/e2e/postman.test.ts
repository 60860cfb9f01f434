import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { startInstance } from '../../local/instance.ts';

const run = promisify(execFile);
const CLI = fileURLToPath(new URL('../../cli/postman.ts', import.meta.url));
const NEWMAN = 'node_modules/newman/bin/newman.js';
const COLLECTION = 'postman/boomerang.postman_collection.json';

type Report = {
  run: {
    stats: Record<'requests' | 'assertions', { total: number }>;
    failures: { source: { name: string }; error: { message: string } }[];
  };
};

test('the Postman collection passes against the embedded cloud, with the environment from npm run postman', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
  const cloud = await startInstance({ DATA_DIR: folder });
  try {
    await run(process.execPath, [CLI, '--out', folder], { env: { ...process.env, DATA_DIR: folder } });
    const environment = path.join(folder, 'local.postman_environment.json');
    const file = path.join(folder, 'report.json');
    const reporters = ['--reporters', 'json', '--reporter-json-export', file, '--suppress-exit-code'];
    await run(process.execPath, [NEWMAN, 'run', COLLECTION, '--environment', environment, ...reporters]);
    const { stats, failures } = (JSON.parse(readFileSync(file, 'utf8')) as Report).run;
    expect(failures.map(({ source, error }) => `${source.name}: ${error.message}`)).toEqual([]);
    expect(stats.requests.total).toBe(35);
    expect(stats.assertions.total).toBeGreaterThan(23);
  } finally {
    await cloud.stop();
  }
}, 60_000);
