import type { CircuitResult, CircuitRun, Instances } from './circuit-statistics.ts';
import { runCircuit } from './circuit-statistics.ts';
import type { LimitResult, LimitRun } from './limit-statistics.ts';

/** The rows of the table: instances, call rate, durations of calls, and the required result. */

export const INSTANCES: Instances[] = [1, 50, 400, 'one call each'];
export const CALLS_PER_SECOND = [1, 10, 200];
export const SPEEDS = {
  'failures faster': { successMs: 8_000, failureMs: 20 },
  'failures slower': { successMs: 100, failureMs: 8_000 },
  'equally slow': { successMs: 500, failureMs: 500 },
};

export type CircuitCase = Omit<CircuitRun, 'seed'> & { speed: keyof typeof SPEEDS; name: string };

const TEN_MINUTES_MS = 600_000;
/** A circuit opens after at least this many consecutive failures. */
export const MIN_FAILURES = 36;

export const circuitCases = (
  name: string,
  failureRate: CircuitRun['failureRate'],
  durationMs = TEN_MINUTES_MS,
): CircuitCase[] =>
  INSTANCES.flatMap((instances) =>
    CALLS_PER_SECOND.flatMap((callsPerSecond) =>
      Object.entries(SPEEDS).map(([speed, durations]) => ({
        name,
        failureRate,
        durationMs,
        instances,
        callsPerSecond,
        ...durations,
        speed: speed as keyof typeof SPEEDS,
      })),
    ),
  );

const HEALTHY_BEFORE_MS = 20_000;
const OUTAGE_MS = 14_500;

export const steady = (failureRate: number) => circuitCases(`${failureRate * 100} %`, () => failureRate);
/** A total outage shorter than 15 s. */
export const shortOutage = () =>
  circuitCases(
    '14.5 s at 100 %',
    (atMs) => (atMs >= HEALTHY_BEFORE_MS && atMs < HEALTHY_BEFORE_MS + OUTAGE_MS ? 1 : 0),
    120_000,
  );

export type Summary = { opened: number; runs: number; mostCounted: number; writesPerCall: number };

export const runCircuits = async (run: CircuitCase, runs: number): Promise<Summary> => {
  const results: CircuitResult[] = [];
  for (let seed = 1; seed <= runs; seed += 1) results.push(await runCircuit({ ...run, seed }));
  const sum = (of: (result: CircuitResult) => number) => results.reduce((total, result) => total + of(result), 0);
  const opened = results.filter(({ openedAt }) => openedAt !== undefined);
  return {
    opened: opened.length,
    runs,
    mostCounted: Math.max(0, ...opened.map(({ counted }) => counted)),
    writesPerCall: sum(({ writes }) => writes) / sum(({ calls }) => calls),
  };
};

export type LimitCase = Omit<LimitRun, 'seed'> & {
  /** The minimum share of the limit that must be used over ten seconds. */
  minUsedShare: number;
};

export const LIMITS: LimitCase[] = [
  { ratePerSecond: 10, requestsPerSecond: 100, callMs: 200, minUsedShare: 0.95 },
  { ratePerSecond: 10, requestsPerSecond: 1_000, callMs: 200, minUsedShare: 0.95 },
  { ratePerSecond: 100, requestsPerSecond: 200, callMs: 200, minUsedShare: 0.95 },
  { ratePerSecond: 100, requestsPerSecond: 1_000, callMs: 200, minUsedShare: 0.95 },
  { ratePerSecond: 1_000, requestsPerSecond: 1_500, callMs: 200, minUsedShare: 0.9 },
  { ratePerSecond: 1_000, requestsPerSecond: 3_000, callMs: 200, minUsedShare: 0.9 },
];
export const SLOTS: Omit<LimitRun, 'seed'>[] = [
  { concurrency: 2, requestsPerSecond: 100, callMs: 200 },
  { concurrency: 50, requestsPerSecond: 300, callMs: 200 },
  { concurrency: 10, ratePerSecond: 20, requestsPerSecond: 100, callMs: 200 },
];

export const usedShare = ({ callsBySecond }: LimitResult, ratePerSecond: number): number =>
  callsBySecond.reduce((sum, calls) => sum + calls) / (callsBySecond.length * ratePerSecond);
