import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { FUNCTION_SETTINGS } from '../tests/function-settings.ts';
import { readBundleOptions } from '../tools/bundle-options.ts';
import { quantile } from './stats.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LOADS = 5;

/** Measures the size of each function's bundle, built as on AWS, and how long Node takes to load it. */
export const benchBundles = async (): Promise<[string, string][]> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-bundles-'));
  const rows: [string, string][] = [];
  for (const name of readdirSync(path.join(ROOT, 'functions'))) {
    const outfile = path.join(folder, `${name}.mjs`);
    await build({
      ...readBundleOptions(),
      entryPoints: [path.join(ROOT, 'functions', name, 'handler.ts')],
      outfile,
      logLevel: 'error',
    });
    const script = `const t=performance.now();await import(${JSON.stringify(outfile)});console.log(performance.now()-t)`;
    const loads = Array.from({ length: LOADS }, () =>
      Number(
        execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, env: FUNCTION_SETTINGS }),
      ),
    );
    rows.push([
      name,
      `${(statSync(outfile).size / 1024).toFixed(0)} KiB, loads in ${quantile(loads, 0.5).toFixed(0)} ms`,
    ]);
  }
  rmSync(folder, { recursive: true });
  return rows;
};
