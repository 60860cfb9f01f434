import { cpus, totalmem } from 'node:os';
import { failUsage, readArguments } from '../cli/command.ts';
import { endOnSignals } from '../local/end-with-parent.ts';
import { benchAccept } from './accept.ts';
import { benchBundles } from './bundles.ts';
import { benchDrain } from './drain.ts';
import { benchJourney } from './journey.ts';
import { benchOperations } from './operations.ts';

/** `npm run bench [-- name …]`: what Boomerang costs and how fast it is. Figures that matter are ratios of one run. */

Object.assign(process.env, { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });

const benches: Record<string, () => Promise<[string, string][]>> = {
  accept: benchAccept,
  'journey-50': () => benchJourney(50),
  'journey-200': () => benchJourney(200),
  drain: benchDrain,
  operations: benchOperations,
  bundles: benchBundles,
};

const BENCH = {
  name: 'npm run bench',
  about:
    'Measures what Boomerang costs and how fast it is, on embedded clouds of its own. Takes minutes; figures that matter are ratios\nof one run.',
  arguments: '[name …]',
  environment: { DYNAMODB_URL: 'for operations: another DynamoDB than the embedded one' },
  examples: { '': 'all of them', 'accept operations': 'two of them' },
  exitCodes: { 1: 'one of them failed' },
  more: `Names: ${Object.keys(benches).join(', ')}`,
} as const;

const { positionals: wanted } = readArguments(BENCH);
const unknown = wanted.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) failUsage(BENCH, `No such bench: ${unknown.join(', ')}`);
endOnSignals();

const [cpu] = cpus();
console.log(
  `${cpu?.model.trim()} × ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}\n`,
);
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  if (process.stderr.isTTY) process.stderr.write(`… ${name}\r`);
  for (const [label, value] of await bench()) console.log(`${label.padEnd(72)} ${value}`);
}
