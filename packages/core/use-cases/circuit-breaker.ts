import {
  type CircuitRules,
  type CircuitState,
  countingDelayMs,
  type FailureCause,
  isProviderCircuit,
  isRenewalDue,
  isTripped,
  isWatched,
  newWatch,
  type OpenCircuit,
  opened,
  sampling,
  type Tally,
  type ThirdParty,
  type Watch,
  watchExpiry,
  weightAt,
  windowAt,
  windowsAround,
} from '../domain/circuit.ts';
import { isSampled, type Random } from '../domain/random.ts';
import { createRecentMap } from '../domain/recent-map.ts';
import { toEpochSeconds } from '../domain/ttl.ts';
import type { Log } from '../observability/logger.ts';
import type { Circuits, WatchChange } from '../ports/circuits.ts';
import { createFreshness, type Freshness } from './freshness.ts';

/** The circuit is open: the call was not made. */
export class CircuitOpen extends Error {
  override name = 'CircuitOpen';
  /** Time until the next probe, milliseconds. */
  readonly retryAfterMs: number;
  /** The failure that last opened the circuit. */
  readonly lastFailure: FailureCause | undefined;

  constructor(retryAfterMs: number, lastFailure?: FailureCause) {
    super('the circuit is open');
    this.retryAfterMs = retryAfterMs;
    this.lastFailure = lastFailure;
  }
}

/**
 * The result of a call for the circuit: `succeeded` (any response that shows no outage), `unknown` (the call was not sent), or
 * the cause of the failure.
 */
export type Verdict = 'succeeded' | 'unknown' | FailureCause;

export type CircuitBreaker = {
  /**
   * Makes a call unless the circuit of its third party is open, and records the verdict.
   * @param judge maps an error of the call to a verdict
   * @throws CircuitOpen, and any error of the call
   */
  call: <T>(party: ThirdParty, run: () => Promise<T>, judge: (error: unknown) => Verdict) => Promise<T>;
};

export type CircuitBreakerDeps = {
  circuits: Circuits;
  rules: CircuitRules;
  now: () => number;
  random: Random;
  log: Log;
  /** Publishes a change. Never throws. */
  announce: (change: CircuitChange) => Promise<void>;
};

export type CircuitChange =
  | { isOpen: true; circuit: OpenCircuit; tally: Pick<Tally, 'calls' | 'failures'> }
  | { isOpen: false; circuit: OpenCircuit };

/** Time limit of a probe, longer than any call. After that another process may probe. */
const PROBE_MS = 30_000;
/** Delay of calls deferred by a running probe, because most probes end soon. */
const PROBE_RETRY_MS = 5_000;
/** Receivers cached per process. */
const MAX_RECEIVERS = 1_000;

/** Cached circuits: those of all providers, or of one receiver. */
type Cache = Freshness & { circuits: Map<string, CircuitState> };

/**
 * A circuit breaker whose state is shared through a table, because a process may live for a single call. See
 * `domain/circuit.ts` for the rules. It fails open: if the table is unavailable, calls are made.
 */
export const createCircuitBreaker = (deps: CircuitBreakerDeps): CircuitBreaker => {
  const { circuits, rules, now, random, log } = deps;
  const createCache = (read: (at: number) => Promise<Cache['circuits']>): Cache => {
    const cache: Cache = {
      circuits: new Map(),
      ...createFreshness(now, async (at) => {
        try {
          cache.circuits = await read(at);
        } catch (error) {
          log.warn('Circuits not readable', { error });
        }
      }),
    };
    return cache;
  };
  const providers = createCache((at) => circuits.list(at));
  const receivers = createRecentMap<Cache>(MAX_RECEIVERS);

  const cacheOf = (key: string): Cache => {
    if (isProviderCircuit(key)) return providers;
    const cache = receivers.get(key) ?? createCache(async (at) => new Map([[key, await circuits.find(key, at)]]));
    receivers.set(key, cache);
    return cache;
  };

  const lookUp = (key: string): CircuitState => cacheOf(key).circuits.get(key) ?? {};
  const remember = (key: string, change: CircuitState): void => {
    cacheOf(key).circuits.set(key, { ...lookUp(key), ...change });
  };
  /** @returns the probe; undefined if another process took it */
  const takeProbe = async (circuit: OpenCircuit): Promise<OpenCircuit | undefined> => {
    const { key } = circuit;
    const probe = { ...circuit, openUntil: now() + PROBE_MS, halfOpen: true };
    // Set before the write, so that concurrent calls of this process don't probe, too.
    remember(key, { open: probe });
    try {
      if (await circuits.replace(circuit, probe)) return probe;
    } catch (error) {
      log.warn('Circuit probe not taken', { circuit: key, error });
    }
    cacheOf(key).expire();
    return undefined;
  };

  /**
   * @returns the probe if this call is one
   * @throws CircuitOpen
   */
  const acquire = async ({ key }: ThirdParty): Promise<OpenCircuit | undefined> => {
    await cacheOf(key).refresh();
    // No await until the probe is taken: of calls that waited for the same read, only the first probes.
    const { open } = lookUp(key);
    if (!open) return undefined;
    const remainingMs = open.openUntil - now();
    if (remainingMs > 0) {
      throw new CircuitOpen(open.halfOpen ? Math.min(remainingMs, PROBE_RETRY_MS) : remainingMs, open.lastFailure);
    }
    const probe = await takeProbe(open);
    if (!probe) throw new CircuitOpen(PROBE_RETRY_MS, open.lastFailure);
    log.info('Circuit probe started', { circuit: key });
    return probe;
  };

  const recordProbe = async (probe: OpenCircuit, verdict: Verdict): Promise<void> => {
    const { key } = probe;
    if (verdict === 'unknown') {
      // The next caller may probe immediately.
      const released = { ...probe, openUntil: now(), halfOpen: false };
      if (await circuits.replace(probe, released)) remember(key, { open: released });
      else cacheOf(key).expire();
      return;
    }
    if (verdict === 'succeeded') {
      remember(key, { open: undefined, watch: undefined });
      if (!(await circuits.close(probe, windowsAround(now(), rules)))) return cacheOf(key).expire();
      log.info('Circuit closed', { circuit: key });
      await deps.announce({ isOpen: false, circuit: probe });
      return;
    }
    const again = opened(key, probe.consecutiveOpens + 1, now(), rules, verdict);
    if (await circuits.replace(probe, again)) remember(key, { open: again });
    else cacheOf(key).expire();
    const { consecutiveOpens, openUntil } = again;
    log.warn('Circuit stays open', { circuit: key, consecutiveOpens, openMs: openUntil - now() });
  };

  const startWatch = async (party: ThirdParty): Promise<void> => {
    const watch = newWatch(party, now(), rules);
    const isStarted = await circuits.watch(party.key, watch, now());
    if (isStarted) return remember(party.key, { watch });
    // Another process was faster. Don't count this failure, since successes before the watch aren't counted either.
    cacheOf(party.key).expire();
    await cacheOf(party.key).refresh();
  };

  const openCircuit = async (key: string, tally: Tally, cause: FailureCause): Promise<void> => {
    const circuit = opened(key, 1, now(), rules, cause);
    if (!(await circuits.open(circuit, now()))) return cacheOf(key).expire();
    remember(key, { open: circuit });
    const { calls, failures } = tally;
    log.warn('Circuit opened', { circuit: key, calls, failures, cause, openMs: circuit.openUntil - now() });
    await deps.announce({ isOpen: true, circuit, tally: { calls, failures } });
  };

  const updateWatch = async (key: string, watch: Watch, change: WatchChange): Promise<void> => {
    if (!(await circuits.updateWatch(key, watch.since, change))) return cacheOf(key).expire();
    remember(key, { watch: { ...(lookUp(key).watch ?? watch), ...change } });
  };

  const recordCall = async (party: ThirdParty, verdict: 'succeeded' | FailureCause): Promise<void> => {
    const { key } = party;
    const failure = verdict === 'succeeded' ? undefined : verdict;
    const { open, watch } = lookUp(key);
    // The circuit opened during the call.
    if (open) return;
    if (!isWatched(watch, now())) {
      if (failure) await startWatch(party);
      return;
    }
    if (failure && isRenewalDue(watch, party, now(), rules)) {
      await updateWatch(key, watch, { expiresAt: watchExpiry(party, now(), rules) });
    }
    if (now() < watch.since + countingDelayMs(party)) return;
    const weight = weightAt(watch, now());
    if (!isSampled(weight, random)) return;
    const counted = { calls: weight, failures: failure ? weight : 0, samples: 1 };
    const expiresAt = toEpochSeconds(now() + 2 * rules.windowMs);
    const tally = await circuits.count(key, windowAt(now(), rules), counted, expiresAt);
    if (failure && isTripped(tally, rules)) return openCircuit(key, tally, failure);
    const change = sampling(lookUp(key).watch ?? watch, tally, weight, party, now(), rules);
    if (change) await updateWatch(key, watch, change);
  };

  const record = async (party: ThirdParty, probe: OpenCircuit | undefined, verdict: Verdict): Promise<void> => {
    try {
      if (probe) await recordProbe(probe, verdict);
      else if (verdict !== 'unknown') await recordCall(party, verdict);
    } catch (error) {
      log.warn('Circuit call not recorded', { circuit: party.key, error });
    }
  };
  /** Calls `judge`. If it throws, the probe must still be released. */
  const judged = (judge: (error: unknown) => Verdict, error: unknown): Verdict => {
    try {
      return judge(error);
    } catch (cause) {
      log.error('Circuit verdict failed', { error: cause });
      return 'unknown';
    }
  };

  return {
    call: async (party, run, judge) => {
      const probe = await acquire(party);
      let result: Awaited<ReturnType<typeof run>>;
      try {
        result = await run();
      } catch (error) {
        await record(party, probe, judged(judge, error));
        throw error;
      }
      await record(party, probe, 'succeeded');
      return result;
    },
  };
};
