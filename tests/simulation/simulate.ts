import { failUsage, readArguments } from '../../cli/command.ts';
import { endOnSignals } from '../../local/end-with-parent.ts';
import { toTrace } from './history.ts';
import { findViolations } from './invariants.ts';
import { PLANTED_BUGS, type PlantedBug } from './planted-bugs.ts';
import { START, simulate } from './world.ts';

/** `npm run simulate`: runs one or many seeds of the deterministic simulation. */

const SIMULATE = {
  name: 'npm run simulate',
  about:
    'Runs seeds of the deterministic simulation: the real handlers, state machine and rules on failing fakes. Stops at the first\nseed that violates an invariant, and prints the violations and the trace.',
  options: {
    seeds: { type: 'string', default: '1000', value: 'count', about: 'number of seeds (1000)' },
    from: { type: 'string', default: '1', value: 'seed', about: 'first seed (1)' },
    seed: { type: 'string', value: 'seed', about: 'run only this seed, and print its trace' },
    bug: { type: 'string', value: 'name', about: 'plant this bug, which the simulation must find' },
  },
  examples: {
    '--seeds 10000': 'seeds 1 to 10000',
    '--from 500 --seeds 10': 'seeds 500 to 509',
    '--seed 42': 'seed 42, with its trace',
  },
  exitCodes: { 1: 'an invariant was violated' },
  more: `Bugs:\n${Object.keys(PLANTED_BUGS)
    .map((name) => `  ${name}`)
    .join('\n')}`,
} as const;

const fail = (message: string): never => failUsage(SIMULATE, message);

const wholeNumber = (name: string, text: string): number =>
  /^\d{1,9}$/.test(text) ? Number(text) : fail(`--${name} must be a whole number`);

const { values: options } = readArguments(SIMULATE);
endOnSignals();
if (options.bug !== undefined && !Object.hasOwn(PLANTED_BUGS, options.bug)) fail(`Unknown bug: ${options.bug}`);
const bug = options.bug as PlantedBug | undefined;
const onlySeed = options.seed === undefined ? undefined : wholeNumber('seed', options.seed);
const from = onlySeed ?? wholeNumber('from', options.from);
const to = onlySeed ?? from + wholeNumber('seeds', options.seeds) - 1;

const startedAt = performance.now();
for (let seed = from; seed <= to; seed += 1) {
  const simulation = await simulate(seed, bug);
  const violations = findViolations(simulation);
  if (onlySeed !== undefined || violations.length > 0) {
    process.stdout.write(`\n${toTrace(simulation.history, START).join('\n')}\n\n`);
    for (const job of simulation.jobs.values()) console.log(job.jobId, job.status, job.failure?.code ?? '');
  }
  if (violations.length > 0) {
    console.log(`\nViolations in seed ${seed}: ${violations.length}\n  ${violations.join('\n  ')}`);
    console.log(`\nRepeat with: npm run simulate -- --seed ${seed}${bug ? ` --bug '${bug}'` : ''}`);
    process.exit(1);
  }
  const done = seed - from + 1;
  if (process.stdout.isTTY && done % 10 === 0) process.stdout.write(`\r${done} seeds`);
}
const seconds = (performance.now() - startedAt) / 1000;
const count = to - from + 1;
console.log(`\r${count} seeds without a violation, ${(count / seconds).toFixed(0)} per second`);
