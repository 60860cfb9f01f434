import { failUsage, readArguments } from '../../cli/command.ts';
import { endOnSignals } from '../../local/end-with-parent.ts';
import {
  type CircuitCase,
  LIMITS,
  MIN_FAILURES,
  runCircuits,
  SLOTS,
  type Summary,
  shortOutage,
  steady,
  usedShare,
} from './cases.ts';
import { runLimit } from './limit-statistics.ts';

/** `npm run test:statistics`: prints the whole table of how often circuits open and how well limits are used. */

const STATISTICS = {
  name: 'npm run test:statistics',
  about:
    'Measures how often circuits open and how well limits are used, with the real code in up to 400 processes. Takes minutes.',
  options: {
    runs: { type: 'string', default: '10', value: 'count', about: 'runs per row (10)' },
  },
  examples: { '': 'ten runs per row; takes some minutes', '--runs 100': 'takes about an hour' },
  exitCodes: { 1: 'a row is out of bounds' },
} as const;

const { values } = readArguments(STATISTICS);
endOnSignals();

const print = (cells: (string | number)[]) => console.log(`| ${cells.join(' | ')} |`);

const tables: { cases: CircuitCase[]; isExpected: (summary: Summary) => boolean }[] = [
  ...[0.05, 0.2, 0.5, 0.7].map((rate) => ({
    cases: steady(rate),
    isExpected: ({ opened }: Summary) => opened === 0,
  })),
  { cases: shortOutage(), isExpected: ({ opened }) => opened === 0 },
  {
    cases: steady(1),
    isExpected: ({ opened, runs, mostCounted }) => opened === runs && mostCounted <= MIN_FAILURES + 60,
  },
];

const run = async (runs: number): Promise<void> => {
  print(['fails', 'instances', 'calls/s', 'speed', 'opened', 'max. counted until opened', 'writes per call', '']);
  print(Array.from({ length: 8 }, () => '---'));
  for (const { cases, isExpected } of tables) {
    for (const one of cases) {
      const summary = await runCircuits(one, runs);
      const isOk = isExpected(summary);
      if (!isOk) process.exitCode = 1;
      const { opened, mostCounted, writesPerCall } = summary;
      const facts = [`${opened} of ${runs}`, mostCounted || '', writesPerCall.toFixed(2), isOk ? '' : 'WRONG'];
      print([one.name, one.instances, one.callsPerSecond, one.speed, ...facts]);
    }
  }
  console.log('');
  print(['limit', 'requests/s', 'used over 10 s', 'max. concurrent', 'max. table requests per call', '']);
  print(Array.from({ length: 6 }, () => '---'));
  for (const limit of [...LIMITS, ...SLOTS.map((slots) => ({ ...slots, minUsedShare: 0 }))]) {
    const result = await runLimit({ ...limit, seed: 1 });
    const { ratePerSecond, concurrency } = limit;
    const used = ratePerSecond === undefined ? undefined : usedShare(result, ratePerSecond);
    const isOk =
      (used === undefined || (used >= limit.minUsedShare && used <= 1)) &&
      result.mostRequests <= 5 &&
      result.mostAtOnce <= (concurrency ?? Number.POSITIVE_INFINITY);
    if (!isOk) process.exitCode = 1;
    const name = [ratePerSecond && `${ratePerSecond} per second`, concurrency && `${concurrency} concurrent`];
    const percent = used === undefined ? '' : `${(used * 100).toFixed(1)} %`;
    const cost = [result.mostAtOnce, result.mostRequests, isOk ? '' : 'WRONG'];
    print([name.filter(Boolean).join(', '), limit.requestsPerSecond, percent, ...cost]);
  }
};

if (!/^[1-9]\d{0,3}$/.test(values.runs)) failUsage(STATISTICS, '--runs must be a whole number from 1 to 9999');
await run(Number(values.runs));
