import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { quantile } from './stats.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LOADS = 5;

/** What functions read at load; any value will do. */
const ENVIRONMENT = {
  AWS_REGION: 'us-east-1',
  JOB_TABLE_NAME: 'table',
  CLIENT_TABLE_NAME: 'table',
  SECRETS_PATH: '',
  COMPLETE_SECRET_NAME: '',
  CALLBACK_ALLOW: 'none',
  STATE_MACHINE_ARN: 'arn',
  PROVIDER_CATALOGUE: path.join(ROOT, 'layers/provider-catalogue/providers.json'),
  PROVIDERS_API_URL: 'http://127.0.0.1',
  CALLBACK_ALLOW_HTTP: 'false',
  LEASE_SECONDS: '360',
  FETCH_DEADLINE_SECONDS: '60',
  RETRY_SCHEDULE_SECONDS: '30',
  RETENTION_SECONDS: '60',
  SHARD_COUNT: '4',
  MAX_JOBS_PER_SWEEP: '100',
  FAILURE_RATE: '0',
  FAILURE_SEED: '',
  PROVIDER_LATENCY_MS: '0',
  MAINTENANCE_WINDOW: '',
};

/** Each function's bundle, built as the template says, and how long Node takes to load it. */
export const benchBundles = async (): Promise<[string, string][]> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-bundles-'));
  const rows: [string, string][] = [];
  for (const name of readdirSync(path.join(ROOT, 'functions'))) {
    const outfile = path.join(folder, `${name}.mjs`);
    await build({
      entryPoints: [path.join(ROOT, 'functions', name, 'handler.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      mainFields: ['module', 'main'],
      minify: true,
      keepNames: true,
      banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
      logLevel: 'error',
    });
    const script = `const t=performance.now();await import(${JSON.stringify(outfile)});console.log(performance.now()-t)`;
    const loads = Array.from({ length: LOADS }, () =>
      Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { env: ENVIRONMENT })),
    );
    rows.push([
      name,
      `${(statSync(outfile).size / 1024).toFixed(0)} KiB, loads in ${quantile(loads, 0.5).toFixed(0)} ms`,
    ]);
  }
  rmSync(folder, { recursive: true });
  return rows;
};
