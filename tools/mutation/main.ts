import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { styleText } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { failUsage, readArguments } from '../../cli/command.ts';
import { onParentEnd } from '../../local/end-with-parent.ts';
import { TARGETS, type Target } from './targets.ts';

/** `npm run test:mutation [-- file …]`: mutation testing of the unit tests. */

const names = TARGETS.map(({ file }) => path.basename(file, '.ts'));

const MUTATION = {
  name: 'npm run test:mutation',
  about:
    'Mutation testing: makes many small changes to the code (mutants), and runs the unit tests against each. Prints the mutants that\nno test detects. Works on copies in .stryker-tmp.',
  arguments: '[file …]',
  options: {
    threshold: {
      type: 'string',
      default: '90',
      value: 'percent',
      about: 'mutants of each file that tests must detect (90)',
    },
    concurrency: {
      type: 'string',
      default: String(availableParallelism()),
      value: 'processes',
      about: 'concurrent test processes (one per core)',
    },
  },
  examples: {
    '': 'all files listed below',
    'settle circuit': 'two of them',
    'packages/core/domain/mask.ts': 'any other file; slower, since it runs every unit test that imports the file',
  },
  exitCodes: { 1: 'a file is below the threshold' },
  more: `Files: ${names.join(', ')}`,
} as const;

const { values, positionals } = readArguments(MUTATION);

const toNumber = (name: 'threshold' | 'concurrency', min: number, max: number): number => {
  const number = Number(values[name]);
  if (number >= min && number <= max) return number;
  return failUsage(MUTATION, `--${name} must be a number from ${min} to ${max}: ${values[name]}`);
};
const threshold = toNumber('threshold', 0, 100);
const concurrency = toNumber('concurrency', 1, 64);

/** A file without listed suites is tested by all suites that import it. */
const targetsOf = (name: string): Target[] => {
  const listed = TARGETS.filter(({ file }) => file === name || path.basename(file, '.ts') === name);
  if (listed.length > 0) return listed;
  if (!/^(?:packages|functions)\/.+\.ts$/.test(name) || !existsSync(name)) {
    failUsage(MUTATION, `No such file: ${name}`);
  }
  return [{ file: name, suites: ['*'] }];
};
const targets = positionals.length === 0 ? TARGETS : positionals.flatMap(targetsOf);

type Options = NonNullable<ConstructorParameters<typeof Stryker>[0]>;
type Mutant = Awaited<ReturnType<Stryker['runMutationTest']>>[number];

const test = ({ file, suites }: Target): Promise<Mutant[]> =>
  new Stryker({
    mutate: [file],
    testRunner: 'jest',
    testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    jest: {
      configFile: 'tools/mutation/jest.config.mjs',
      config: { testMatch: suites.map((suite) => `<rootDir>/tests/unit/${suite}.test.ts`) },
      enableFindRelatedTests: suites.includes('*'),
    },
    coverageAnalysis: 'perTest',
    concurrency,
    // High, so that a slow test on a busy machine is not mistaken for an endless loop.
    timeoutMS: 30_000,
    reporters: [process.stdout.isTTY ? 'progress' : 'progress-append-only'],
    logLevel: 'warn' as NonNullable<Options['logLevel']>,
    warnings: false,
    tempDirName: '.stryker-tmp',
    cleanTempDir: 'always',
    // Deliberately missing: Stryker rewrites tsconfig files with functions that TypeScript 7 removed.
    tsconfigFile: 'none.json',
  }).runMutationTest();

const SURVIVING = new Set<Mutant['status']>(['Survived', 'NoCoverage']);

const show = ({ fileName, location: { start }, mutatorName, status, replacement }: Mutant): string => {
  const location = `  ${path.relative('.', fileName)}:${start.line}:${start.column}`;
  return `${styleText('yellow', location)}  ${mutatorName}${status === 'NoCoverage' ? ', not covered' : ''}\n      ${replacement?.replaceAll('\n', '\n      ')}`;
};

const HEADERS = ['file', 'mutants', 'killed', 'timed out', 'survived', 'not covered', 'score', 'seconds'];
const rows: string[][] = [];

onParentEnd(() => process.kill(process.pid, 'SIGTERM'));
for (const target of targets) {
  console.log(`\n${target.file}`);
  const startedAt = performance.now();
  const mutants = await test(target);
  const count = (status: Mutant['status']) => mutants.filter((mutant) => mutant.status === status).length;
  const killed = count('Killed');
  const timedOut = count('Timeout');
  const survivors = mutants.filter(({ status }) => SURVIVING.has(status));
  const total = killed + timedOut + survivors.length;
  const score = total === 0 ? 100 : (100 * (killed + timedOut)) / total;
  if (score < threshold) process.exitCode = 1;
  for (const survivor of survivors) console.log(show(survivor));
  const counts = [total, killed, timedOut, count('Survived'), count('NoCoverage')];
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  rows.push([target.file, ...counts.map(String), score.toFixed(1), String(seconds)]);
}

const widths = HEADERS.map((header, column) =>
  Math.max(...[header, ...rows.map((row) => row[column] ?? '')].map(({ length }) => length)),
);
const print = (cells: string[]) => {
  const padded = cells.map((cell, column) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
  );
  console.log(`| ${padded.join(' | ')} |`);
};
console.log('');
print(HEADERS);
print(widths.map((width) => '-'.repeat(width)));
for (const row of rows) print(row);
if (process.exitCode === 1) console.log(`\nBelow the threshold of ${threshold} %.`);
