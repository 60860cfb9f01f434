import { cpus, totalmem } from 'node:os';
import { failUsage, readArguments } from '../cli/command.ts';
import { endOnSignals } from '../local/end-with-parent.ts';
import { benchAccept } from './accept.ts';
import { benchBundles } from './bundles.ts';
import { benchDrain } from './drain.ts';
import { benchJourney } from './journey.ts';
import { benchOperations } from './operations.ts';
import { benchLoad, benchRate } from './rate.ts';

/** `npm run bench [-- name …]`: measures cost and speed. Compare ratios within one run, not runs. */

Object.assign(process.env, { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });

const benches: Record<string, () => Promise<[string, string][]>> = {
  accept: benchAccept,
  'journey-50': () => benchJourney(50),
  'journey-200': () => benchJourney(200),
  'load-200': () => benchLoad(200),
  rate: benchRate,
  drain: benchDrain,
  operations: benchOperations,
  bundles: benchBundles,
};

const BENCH = {
  name: 'npm run bench',
  about:
    'Measures the cost and speed of Boomerang on temporary embedded clouds. Takes minutes. Compare ratios within one run, not runs.',
  arguments: '[name …]',
  environment: { DYNAMODB_URL: 'for operations: DynamoDB endpoint to use (the embedded one)' },
  examples: { '': 'all benches', 'accept operations': 'two benches' },
  exitCodes: { 1: 'a bench failed' },
  more: `Names: ${Object.keys(benches).join(', ')}`,
} as const;

const { positionals: selected } = readArguments(BENCH);
const unknown = selected.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) failUsage(BENCH, `No such bench: ${unknown.join(', ')}`);
endOnSignals();

const [cpu] = cpus();
console.log(
  `${cpu?.model.trim()} × ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}\n`,
);
for (const [name, bench] of Object.entries(benches)) {
  if (selected.length > 0 && !selected.includes(name)) continue;
  if (process.stderr.isTTY) process.stderr.write(`… ${name}\r`);
  for (const [label, value] of await bench()) console.log(`${label.padEnd(72)} ${value}`);
}
