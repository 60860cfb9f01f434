import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { styleText } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { failUsage, readArguments } from '../../cli/command.ts';
import { onParentEnd } from '../../local/end-with-parent.ts';
import { TARGETS, type Target } from './targets.ts';

/** `npm run test:mutation [-- file …]`: whether the unit tests notice when the code is wrong. */

const names = TARGETS.map(({ file }) => path.basename(file, '.ts'));

const MUTATION = {
  name: 'npm run test:mutation',
  about:
    'Mutation testing: changes the code in many small ways, and runs the unit tests against each change. A change that no test\nnotices survives, and is printed. Works on copies in .stryker-tmp.',
  arguments: '[file …]',
  options: {
    threshold: {
      type: 'string',
      default: '90',
      value: 'percent',
      about: 'of the mutants of each file that must be killed; default: 90',
    },
    concurrency: {
      type: 'string',
      default: String(availableParallelism()),
      value: 'processes',
      about: 'how many run tests at a time; default: one for each core',
    },
  },
  examples: {
    '': 'all files that are listed below',
    'settle circuit': 'two of them',
    'packages/core/domain/mask.ts': 'any other file; slower, since every unit test that imports it is run',
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

/** A file that has no suites of its own is tried by all that import it. */
const targetsOf = (wanted: string): Target[] => {
  const listed = TARGETS.filter(({ file }) => file === wanted || path.basename(file, '.ts') === wanted);
  if (listed.length > 0) return listed;
  if (!/^(?:layers|functions)\/.+\.ts$/.test(wanted) || !existsSync(wanted)) {
    failUsage(MUTATION, `No such file: ${wanted}`);
  }
  return [{ file: wanted, suites: ['*'] }];
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
    // Real loops without end are noticed sooner; a busy machine must not pass for one.
    timeoutMS: 30_000,
    reporters: [process.stdout.isTTY ? 'progress' : 'progress-append-only'],
    logLevel: 'warn' as NonNullable<Options['logLevel']>,
    warnings: false,
    tempDirName: '.stryker-tmp',
    cleanTempDir: 'always',
    // No file of that name: Stryker would rewrite it by functions that TypeScript 7 has no more.
    tsconfigFile: 'none.json',
  }).runMutationTest();

const SURVIVING = new Set<Mutant['status']>(['Survived', 'NoCoverage']);

const show = ({ fileName, location: { start }, mutatorName, status, replacement }: Mutant): string => {
  const place = `  ${path.relative('.', fileName)}:${start.line}:${start.column}`;
  return `${styleText('yellow', place)}  ${mutatorName}${status === 'NoCoverage' ? ', not covered' : ''}\n      ${replacement?.replaceAll('\n', '\n      ')}`;
};

const HEADERS = ['file', 'mutants', 'killed', 'timed out', 'survived', 'not covered', 'score', 'seconds'];
const rows: string[][] = [];

onParentEnd(() => process.kill(process.pid, 'SIGTERM'));
for (const target of targets) {
  console.log(`\n${target.file}`);
  const startedAt = performance.now();
  const mutants = await test(target);
  const count = (status: Mutant['status']) => mutants.filter((mutant) => mutant.status === status).length;
  const [killed, timedOut] = [count('Killed'), count('Timeout')];
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
