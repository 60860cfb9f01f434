import { cpus, totalmem } from 'node:os';
import { failUsage, readArguments } from '../cli/command.ts';
import { endOnSignals } from '../local/end-with-parent.ts';
import { benchAccept } from './accept.ts';
import { benchBundles } from './bundles.ts';
import { benchDrain } from './drain.ts';
import { benchGrowth, benchMillion } from './growth.ts';
import { benchOperations } from './operations.ts';
import { benchLoad, benchRate } from './rate.ts';

/** `npm run bench [-- name …]`: measures cost and speed. Compare ratios within one run, not figures of different runs. */

Object.assign(process.env, { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });

type Rows = [label: string, value: string][];

const benches: Record<string, { about: string; run: () => Promise<Rows>; isOptIn?: true }> = {
  accept: { about: 'latency of accepting a job, compared with its two SDK calls alone', run: benchAccept },
  'load-50': { about: 'latency, CPU and memory at 50 jobs a second', run: () => benchLoad(50) },
  'load-200': { about: 'latency, CPU and memory at 200 jobs a second', run: () => benchLoad(200) },
  rate: { about: 'the highest steady rate', run: benchRate },
  drain: { about: '2,000 due jobs, compared with the simplest algorithm', run: benchDrain },
  growth: { about: 'time and CPU by number of providers, size of data, and jobs in the table', run: benchGrowth },
  million: {
    about: 'a million jobs in the table: 20 minutes and 3 GB, so it runs only if named',
    run: benchMillion,
    isOptIn: true,
  },
  operations: { about: 'table operations and capacity units of a job in several situations', run: benchOperations },
  bundles: { about: 'size and load time of each function', run: benchBundles },
};

const BENCH = {
  name: 'npm run bench',
  about:
    'Measures the cost and speed of Boomerang on temporary embedded clouds. Takes minutes.\nCompare ratios within one run, not figures of different runs.',
  arguments: '[name …]',
  options: { json: { type: 'boolean', about: 'print one JSON document' } },
  environment: { DYNAMODB_URL: 'for operations: DynamoDB endpoint to use (the embedded one)' },
  examples: {
    '': 'all benches but million',
    'accept operations': 'two benches',
    '--json > figures.json': 'all benches but million, as JSON',
  },
  exitCodes: { 1: 'a bench failed' },
  more: `Names:\n${Object.entries(benches)
    .map(([name, { about }]) => `  ${name.padEnd(12)} ${about}`)
    .join('\n')}`,
} as const;

const { positionals: selected, values } = readArguments(BENCH);
const unknown = selected.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) failUsage(BENCH, `No such bench: ${unknown.join(', ')}`);
endOnSignals();

const [cpu] = cpus();
const machine = `${cpu?.model.trim()} × ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
const figures: Record<string, Record<string, string>> = {};
if (!values.json) console.log(`${machine}\n`);
for (const [name, { run, isOptIn }] of Object.entries(benches)) {
  if (selected.length > 0 ? !selected.includes(name) : isOptIn) continue;
  if (process.stderr.isTTY) process.stderr.write(`… ${name}\r`);
  const rows = await run();
  figures[name] = Object.fromEntries(rows);
  if (values.json) continue;
  console.log(name);
  for (const [label, value] of rows) console.log(`  ${label.padEnd(72)} ${value}`);
}
if (values.json) console.log(JSON.stringify({ machine, figures }, null, 2));
