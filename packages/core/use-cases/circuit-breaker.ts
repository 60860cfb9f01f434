import { LRUCache } from 'lru-cache';
import {
  type CircuitRules,
  type CircuitState,
  countingDelayMs,
  type FailureCause,
  isListed,
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
import type { Random } from '../domain/random.ts';
import { toEpochSeconds } from '../domain/ttl.ts';
import type { Log } from '../observability/logger.ts';
import type { Circuits, WatchChange } from '../ports/circuits.ts';
import { createFreshness, type Freshness } from './freshness.ts';

/** The third party is in trouble: the call was not made. */
export class CircuitOpen extends Error {
  override name = 'CircuitOpen';
  /** When it may be worth asking again, milliseconds from now. */
  readonly retryAfterMs: number;
  /** The failure that opened the circuit last. */
  readonly lastFailure: FailureCause | undefined;

  constructor(retryAfterMs: number, lastFailure?: FailureCause) {
    super('the circuit is open');
    this.retryAfterMs = retryAfterMs;
    this.lastFailure = lastFailure;
  }
}

/**
 * What a call says of the third party: it succeeded (whatever it answered), or what it failed with, or nothing, since the
 * call did not go out.
 */
export type Verdict = 'succeeded' | 'unknown' | FailureCause;

export type CircuitBreaker = {
  /**
   * Makes a call unless the circuit of its third party is open, and records how it went.
   * @param judge what an error of the call says of the third party
   * @throws CircuitOpen, and whatever the call throws
   */
  call: <T>(party: ThirdParty, run: () => Promise<T>, judge: (error: unknown) => Verdict) => Promise<T>;
};

export type CircuitBreakerDeps = {
  circuits: Circuits;
  rules: CircuitRules;
  now: () => number;
  random: Random;
  log: Log;
  /** Publishes a change; it never throws. */
  announce: (change: CircuitChange) => Promise<void>;
};

export type CircuitChange =
  | { isOpen: true; circuit: OpenCircuit; tally: Pick<Tally, 'calls' | 'failures'> }
  | { isOpen: false; circuit: OpenCircuit };

/** How long a probe may take; then another may go. Longer than any call. */
const PROBE_MS = 30_000;
/** Most probes end soon: calls that are deferred by one come back after this. */
const PROBE_RETRY_MS = 5_000;
/** How many receivers a process keeps in mind. */
const MAX_RECEIVERS = 1_000;

/** What this process has read: the circuits of all providers, or of one receiver. */
type Knowledge = Freshness & { circuits: Map<string, CircuitState> };

/**
 * A circuit breaker whose state is shared through a table, over processes that may live for one call (see
 * `domain/circuit.ts` for its rules). If the table can't be reached, calls go through: the breaker protects third parties,
 * and must not stop us.
 */
export const createCircuitBreaker = (deps: CircuitBreakerDeps): CircuitBreaker => {
  const { circuits, rules, now, random, log } = deps;
  const knowledgeFrom = (read: (at: number) => Promise<Knowledge['circuits']>): Knowledge => {
    const knowledge: Knowledge = {
      circuits: new Map(),
      ...createFreshness(now, async (at) => {
        try {
          knowledge.circuits = await read(at);
        } catch (error) {
          log.warn('Could not read circuits', { error });
        }
      }),
    };
    return knowledge;
  };
  const providers = knowledgeFrom((at) => circuits.list(at));
  let receivers: LRUCache<string, Knowledge> | undefined;

  const knowledgeOf = (key: string): Knowledge => {
    if (isListed(key)) return providers;
    receivers ??= new LRUCache({ max: MAX_RECEIVERS });
    const known = receivers.get(key) ?? knowledgeFrom(async (at) => new Map([[key, await circuits.find(key, at)]]));
    receivers.set(key, known);
    return known;
  };

  const lookUp = (key: string): CircuitState => knowledgeOf(key).circuits.get(key) ?? {};
  const remember = (key: string, change: CircuitState): void => {
    knowledgeOf(key).circuits.set(key, { ...lookUp(key), ...change });
  };
  /** @returns the probe, unless another process has it */
  const takeProbe = async (circuit: OpenCircuit): Promise<OpenCircuit | undefined> => {
    const { key } = circuit;
    const probe = { ...circuit, openUntil: now() + PROBE_MS, halfOpen: true };
    // At once, so that no other call of this process tries too.
    remember(key, { open: probe });
    try {
      if (await circuits.move(circuit, probe)) return probe;
    } catch (error) {
      log.warn('Could not take the probe of a circuit', { circuit: key, error });
    }
    knowledgeOf(key).expire();
    return undefined;
  };

  /**
   * @returns the probe, if the call is one
   * @throws CircuitOpen
   */
  const acquire = async ({ key }: ThirdParty): Promise<OpenCircuit | undefined> => {
    await knowledgeOf(key).refresh();
    // In one turn with what follows: of calls that waited for the same read, the first takes the probe and the others see it.
    const { open } = lookUp(key);
    if (!open) return undefined;
    const restMs = open.openUntil - now();
    if (restMs > 0) {
      throw new CircuitOpen(open.halfOpen ? Math.min(restMs, PROBE_RETRY_MS) : restMs, open.lastFailure);
    }
    const probe = await takeProbe(open);
    if (!probe) throw new CircuitOpen(PROBE_RETRY_MS, open.lastFailure);
    log.info('Probing a circuit', { circuit: key });
    return probe;
  };

  const recordProbe = async (probe: OpenCircuit, verdict: Verdict): Promise<void> => {
    const { key } = probe;
    if (verdict === 'unknown') {
      // Available to the next caller at once.
      const released = { ...probe, openUntil: now(), halfOpen: false };
      if (await circuits.move(probe, released)) remember(key, { open: released });
      else knowledgeOf(key).expire();
      return;
    }
    if (verdict === 'succeeded') {
      remember(key, { open: undefined, watch: undefined });
      if (!(await circuits.close(probe, windowsAround(now(), rules)))) return knowledgeOf(key).expire();
      log.info('Closed a circuit', { circuit: key });
      await deps.announce({ isOpen: false, circuit: probe });
      return;
    }
    const again = opened(key, probe.consecutiveOpens + 1, now(), rules, verdict);
    if (await circuits.move(probe, again)) remember(key, { open: again });
    else knowledgeOf(key).expire();
    const { consecutiveOpens, openUntil } = again;
    log.warn('A circuit stays open', { circuit: key, consecutiveOpens, openMs: openUntil - now() });
  };

  const startWatch = async (party: ThirdParty): Promise<void> => {
    const watch = newWatch(party, now(), rules);
    const isMine = await circuits.watch(party.key, watch, now());
    if (isMine) return remember(party.key, { watch });
    // Another process was faster. This failure is not counted: its successes would not have been, either.
    knowledgeOf(party.key).expire();
    await knowledgeOf(party.key).refresh();
  };

  const openCircuit = async (key: string, tally: Tally, cause: FailureCause): Promise<void> => {
    const circuit = opened(key, 1, now(), rules, cause);
    if (!(await circuits.open(circuit, now()))) return knowledgeOf(key).expire();
    remember(key, { open: circuit });
    const { calls, failures } = tally;
    log.warn('Opened a circuit', { circuit: key, calls, failures, cause, openMs: circuit.openUntil - now() });
    await deps.announce({ isOpen: true, circuit, tally: { calls, failures } });
  };

  const updateWatch = async (key: string, watch: Watch, change: WatchChange): Promise<void> => {
    if (!(await circuits.updateWatch(key, watch.since, change))) return knowledgeOf(key).expire();
    remember(key, { watch: { ...(lookUp(key).watch ?? watch), ...change } });
  };

  const recordCall = async (party: ThirdParty, verdict: 'succeeded' | FailureCause): Promise<void> => {
    const { key } = party;
    const failure = verdict === 'succeeded' ? undefined : verdict;
    const { open, watch } = lookUp(key);
    // The call began before it opened: nothing more has to be counted.
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
    if (weight > 1 && random() * weight >= 1) return;
    const own = { calls: weight, failures: failure ? weight : 0, samples: 1 };
    const expiresAt = toEpochSeconds(now() + 2 * rules.windowMs);
    const tally = await circuits.count(key, windowAt(now(), rules), own, expiresAt);
    if (failure && isTripped(tally, rules)) return openCircuit(key, tally, failure);
    const change = sampling(lookUp(key).watch ?? watch, tally, weight, party, now(), rules);
    if (change) await updateWatch(key, watch, change);
  };

  const record = async (party: ThirdParty, probe: OpenCircuit | undefined, verdict: Verdict): Promise<void> => {
    try {
      if (probe) await recordProbe(probe, verdict);
      else if (verdict !== 'unknown') await recordCall(party, verdict);
    } catch (error) {
      log.warn('Could not record a call', { circuit: party.key, error });
    }
  };
  /** A judge that fails must not keep a probe. */
  const judged = (judge: (error: unknown) => Verdict, error: unknown): Verdict => {
    try {
      return judge(error);
    } catch (cause) {
      log.error('Could not judge a call', { error: cause });
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
