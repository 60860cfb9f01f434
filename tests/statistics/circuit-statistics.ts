import type { CircuitRules } from '@boomerang/core/domain/circuit.ts';
import { seededRandom } from '@boomerang/core/domain/random.ts';
import { type CircuitBreaker, CircuitOpen, createCircuitBreaker } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { createFakeCircuits } from '../fakes/third-parties.ts';
import { createTimeline } from './timeline.ts';

/**
 * Runs the real circuit breaker in many processes, with an in-memory table and virtual time, and measures whether it opens at a
 * failure rate and after how many counted calls.
 */

export type Instances = number | 'one call each';

export type CircuitRun = {
  seed: number;
  instances: Instances;
  callsPerSecond: number;
  /** The share of calls that fail, by milliseconds since the start. */
  failureRate: (atMs: number) => number;
  /** Durations of successful and failed calls, milliseconds; each call varies by up to 25 %. */
  successMs: number;
  failureMs: number;
  durationMs: number;
  rules?: Partial<CircuitRules>;
};

export type CircuitResult = {
  /** Milliseconds since the start; undefined if it stayed closed. */
  openedAt: number | undefined;
  calls: number;
  /** Calls counted in the table until it opened. */
  counted: number;
  writes: number;
  reads: number;
};

export const RULES: CircuitRules = { windowMs: 60_000, minCalls: 20, failureRate: 0.9, openMs: 60_000 };
export const PARTY = { key: 'provider#gas', longestCallMs: 10_000 };
const START = 1_800_000_000_000;
const MAX_SKEW_MS = 2_000;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const FAILED = new Error('failed');

type Event = { kind: 'call' } | { kind: 'end'; finish: () => void; call: Promise<unknown> };

/** Runs until the circuit opens or `durationMs` has passed. */
export const runCircuit = async (run: CircuitRun): Promise<CircuitResult> => {
  const random = seededRandom(run.seed);
  const timeline = createTimeline<Event>();
  let time = START;
  let openedAt: number | undefined;
  const result = { calls: 0, counted: 0, writes: 0, reads: 0 };
  const fake = createFakeCircuits();
  const counting =
    <Args extends unknown[], Result>(kind: 'reads' | 'writes', operation: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> => {
      result[kind] += 1;
      return operation(...args);
    };
  const circuits = {
    ...fake,
    list: counting('reads', fake.list),
    watch: counting('writes', fake.watch),
    updateWatch: counting('writes', fake.updateWatch),
    count: counting('writes', async (...args: Parameters<typeof fake.count>) => {
      result.counted += 1;
      return fake.count(...args);
    }),
  };
  const createInstance = (): CircuitBreaker => {
    const skewMs = (2 * random() - 1) * MAX_SKEW_MS;
    return createCircuitBreaker({
      circuits,
      rules: { ...RULES, ...run.rules },
      random,
      log: silent,
      now: () => time + skewMs,
      announce: async ({ isOpen }) => {
        if (isOpen) openedAt ??= time - START;
      },
    });
  };
  const warm = run.instances === 'one call each' ? [] : Array.from({ length: run.instances }, createInstance);
  const pick = (): CircuitBreaker => warm[Math.floor(random() * warm.length)] ?? createInstance();

  const startCall = async (): Promise<void> => {
    result.calls += 1;
    const fails = random() < run.failureRate(time - START);
    const takesMs = (fails ? run.failureMs : run.successMs) * (0.75 + 0.5 * random());
    const ended = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const call = pick().call(
      PARTY,
      async () => {
        begun.resolve();
        await ended.promise;
        if (fails) throw FAILED;
      },
      () => ({ class: 'timeout' }),
    );
    const settled = call.catch((error: unknown) => {
      if (error !== FAILED && !(error instanceof CircuitOpen)) throw error;
    });
    await Promise.race([begun.promise, settled]);
    const at = time + Math.min(takesMs, PARTY.longestCallMs);
    timeline.add(at, { kind: 'end', finish: ended.resolve, call: settled });
  };

  const interarrivalMs = () => (-Math.log(1 - random()) * 1_000) / run.callsPerSecond;
  timeline.add(time + interarrivalMs(), { kind: 'call' });
  for (let next = timeline.next(); next && openedAt === undefined; next = timeline.next()) {
    time = next.at;
    if (time > START + run.durationMs) break;
    if (next.event.kind === 'call') {
      timeline.add(time + interarrivalMs(), { kind: 'call' });
      await startCall();
    } else {
      next.event.finish();
      await next.event.call;
    }
  }
  return { openedAt, ...result };
};
