import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { FUNCTION_SETTINGS } from '../tests/function-settings.ts';
import { readBundleOptions } from '../tools/bundle-options.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LOADS = 7;

/**
 * What Lambda's runtime has required before it loads a function: the imports of aws-lambda-ric 4.0, its runtime interface client.
 */
const REQUIRED_BY_RUNTIME = 'module path fs net http os util worker_threads async_hooks'.split(' ');

/** Prints the milliseconds, wall and CPU, that the runtime's modules take, and that the function takes after them. */
const LOADER = `
const timed = (load) => {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  load();
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs: performance.now() - startedAt, cpuMs: (user + system) / 1000 };
};
const runtime = timed(() => ${JSON.stringify(REQUIRED_BY_RUNTIME)}.forEach((name) => require('node:' + name)));
const own = timed(() => require(process.argv[2]));
console.log(JSON.stringify({ runtime, own }));`;

type Load = Record<'runtime' | 'own', { wallMs: number; cpuMs: number }>;

/**
 * Measures the size of each function's bundle, built as on AWS, and how long Node takes to load it, without what Lambda's
 * runtime has loaded before. The least of several loads, because other processes only ever add to it.
 */
export const benchBundles = async (): Promise<[string, string][]> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-bundles-'));
  const loader = path.join(folder, 'load.js');
  writeFileSync(loader, LOADER);
  const rows: [string, string][] = [];
  const all: Load[] = [];
  for (const name of readdirSync(path.join(ROOT, 'functions'))) {
    const outfile = path.join(folder, `${name}.js`);
    await build({
      ...readBundleOptions(),
      entryPoints: [path.join(ROOT, 'functions', name, 'handler.ts')],
      outfile,
      logLevel: 'error',
    });
    const loads = Array.from({ length: LOADS }, () => {
      const printed = execFileSync(process.execPath, [loader, outfile], { cwd: ROOT, env: FUNCTION_SETTINGS });
      return JSON.parse(String(printed)) as Load;
    });
    all.push(...loads);
    rows.push([name, `${(statSync(outfile).size / 1024).toFixed(0)} KiB, loads in ${least(loads, 'own')}`]);
  }
  rmSync(folder, { recursive: true });
  return [...rows, ["not counted: what Lambda's runtime has loaded", least(all, 'runtime')]];
};

const least = (loads: Load[], part: keyof Load): string => {
  const of = (key: 'wallMs' | 'cpuMs') => Math.min(...loads.map((load) => load[part][key])).toFixed(0);
  return `${of('wallMs')} ms (CPU ${of('cpuMs')} ms)`;
};
