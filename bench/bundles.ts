import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { FUNCTION_SETTINGS } from '../tests/function-settings.ts';
import { readBundleOptions } from '../tools/bundle-options.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LOADS_PER_BUNDLE = 7;

/** Modules that Lambda's runtime loads before a function: the imports of its runtime interface client, aws-lambda-ric 4.0. */
const LOADED_BY_RUNTIME = 'module path fs net http os util worker_threads async_hooks'.split(' ');

/** Prints how long the runtime's modules and then the function take to load: milliseconds of wall time and CPU time. */
const LOADER = `
const timed = (load) => {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  load();
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs: performance.now() - startedAt, cpuMs: (user + system) / 1000 };
};
const runtime = timed(() => ${JSON.stringify(LOADED_BY_RUNTIME)}.forEach((name) => require('node:' + name)));
const own = timed(() => require(process.argv[2]));
console.log(JSON.stringify({ runtime, own }));`;

type Load = Record<'runtime' | 'own', { wallMs: number; cpuMs: number }>;

/**
 * Measures the size of each function's bundle, built as on AWS, and how long Node takes to load it, without the modules that
 * Lambda's runtime has already loaded. Reports the shortest of several loads, because other processes can only slow one down.
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
    const loads = Array.from({ length: LOADS_PER_BUNDLE }, () => {
      const printed = execFileSync(process.execPath, [loader, outfile], { cwd: ROOT, env: FUNCTION_SETTINGS });
      return JSON.parse(String(printed)) as Load;
    });
    all.push(...loads);
    rows.push([name, `${(statSync(outfile).size / 1024).toFixed(0)} KiB, loads in ${shortest(loads, 'own')}`]);
  }
  rmSync(folder, { recursive: true });
  return [...rows, ["not counted: the modules of Lambda's runtime", shortest(all, 'runtime')]];
};

const shortest = (loads: Load[], part: keyof Load): string => {
  const leastOf = (key: 'wallMs' | 'cpuMs') => Math.min(...loads.map((load) => load[part][key])).toFixed(0);
  return `${leastOf('wallMs')} ms (CPU ${leastOf('cpuMs')} ms)`;
};
