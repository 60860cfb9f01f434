import { LRUCache } from 'lru-cache';
import { type CircuitRules, isTripped, type OpenCircuit, opened, type Tally, windowAt } from '../domain/circuit.ts';
import type { Log } from '../observability/logger.ts';
import type { Circuits } from '../ports/circuits.ts';

/** Leave to call; `probe` is set for the one call that finds out whether an open circuit may close. */
export type Permit = { key: string; probe?: OpenCircuit };

/** The third party is in trouble and left alone. */
export class CircuitOpen extends Error {
  override name = 'CircuitOpen';
  /** When it may be worth asking again, milliseconds from now. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('the circuit is open');
    this.retryAfterMs = retryAfterMs;
  }
}

export type CircuitBreaker = {
  /**
   * Asks for leave to call.
   * @throws CircuitOpen
   */
  enter: (key: string) => Promise<Permit>;
  /** Tells how the call went: whether the other side is well, whatever it answered. It never throws. */
  leave: (permit: Permit, isWell: boolean) => Promise<void>;
};

export type CircuitBreakerDeps = {
  circuits: Circuits;
  rules: CircuitRules;
  now: () => number;
  log: Log;
  /** Tells operators; it never throws. */
  announce: (change: CircuitChange) => Promise<void>;
};

export type CircuitChange =
  | { isOpen: true; circuit: OpenCircuit; tally: Tally }
  | { isOpen: false; circuit: OpenCircuit };

/** How long what is known of open circuits is believed: one read in so many milliseconds, however many calls. */
const BELIEVED_MS = 5_000;
/** How long a probe may take; then another may go. Longer than any call. */
const PROBE_MS = 30_000;
/** Most probes are over soon: those who wait for one look again after so long. */
const PROBED_PARK_MS = 5_000;
/** Failures of one third party are counted together so long. */
const COUNT_EVERY_MS = 1_000;
const MAX_TALLIES = 10_000;

/** Calls and failures that only this process knows of. */
type OwnTally = Tally & { window: number; countedAt: number };

/**
 * A circuit breaker whose state is shared through a table. A call that goes well writes nothing; failures are counted
 * together, with the good calls that came before them. Where the table can't be asked, calls go through: it protects
 * others, and must not stop us.
 */
export const createCircuitBreaker = (deps: CircuitBreakerDeps): CircuitBreaker => {
  const { circuits, rules, now, log } = deps;
  const tallies = new LRUCache<string, OwnTally>({ max: MAX_TALLIES });
  let known = new Map<string, OpenCircuit>();
  let knownAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  const read = async (): Promise<void> => {
    const at = now();
    try {
      known = new Map((await circuits.listOpen(at)).map((circuit) => [circuit.key, circuit]));
    } catch (error) {
      log.warn('Could not read the open circuits', { error });
    }
    knownAt = at;
  };
  const refresh = async (): Promise<void> => {
    if (now() - knownAt < BELIEVED_MS) return;
    reading ??= read().finally(() => {
      reading = undefined;
    });
    await reading;
  };

  const ownTally = (key: string): OwnTally => {
    const window = windowAt(now(), rules);
    const tally = tallies.get(key);
    if (tally?.window === window) return tally;
    const fresh = { window, calls: 0, failures: 0, countedAt: tally?.countedAt ?? Number.NEGATIVE_INFINITY };
    tallies.set(key, fresh);
    return fresh;
  };

  const count = async (key: string, own: OwnTally): Promise<void> => {
    const at = now();
    if (at - own.countedAt < COUNT_EVERY_MS && own.calls < rules.minCalls) return;
    const { window, calls, failures } = own;
    Object.assign(own, { calls: 0, failures: 0, countedAt: at });
    const expiresAt = Math.ceil((at + 2 * rules.windowMs) / 1000);
    const tally = await circuits.count(key, window, { calls, failures }, expiresAt);
    if (!isTripped(tally, rules)) return;
    const circuit = opened(key, 1, at, rules);
    if (await circuits.open(circuit, at)) {
      known.set(key, circuit);
      log.warn('Opened a circuit', { circuit: key, ...tally, openMs: circuit.openUntil - at });
      await deps.announce({ isOpen: true, circuit, tally });
    } else knownAt = Number.NEGATIVE_INFINITY;
  };

  const endProbe = async (key: string, probe: OpenCircuit, isWell: boolean): Promise<void> => {
    if (isWell) {
      known.delete(key);
      if (!(await circuits.close(probe))) return;
      tallies.delete(key);
      log.info('Closed a circuit', { circuit: key });
      await deps.announce({ isOpen: false, circuit: probe });
      return;
    }
    const again = opened(key, probe.openings + 1, now(), rules);
    if (await circuits.move(probe, again)) known.set(key, again);
    log.warn('A circuit stays open', { circuit: key, openings: again.openings, openMs: again.openUntil - now() });
  };

  /** @returns the probe, unless somebody else has it */
  const takeProbe = async (circuit: OpenCircuit): Promise<OpenCircuit | undefined> => {
    const probe = { ...circuit, openUntil: now() + PROBE_MS, isProbed: true };
    // At once, so that no other call of this process tries too.
    known.set(circuit.key, probe);
    try {
      if (await circuits.move(circuit, probe)) return probe;
    } catch (error) {
      log.warn('Could not take the probe of a circuit', { circuit: circuit.key, error });
    }
    knownAt = Number.NEGATIVE_INFINITY;
    return undefined;
  };

  return {
    enter: async (key) => {
      await refresh();
      const circuit = known.get(key);
      if (!circuit) return { key };
      const restMs = circuit.openUntil - now();
      if (restMs > 0) throw new CircuitOpen(circuit.isProbed ? Math.min(restMs, PROBED_PARK_MS) : restMs);
      const probe = await takeProbe(circuit);
      if (!probe) throw new CircuitOpen(PROBED_PARK_MS);
      log.info('Probing whether a circuit may close', { circuit: key });
      return { key, probe };
    },

    leave: async ({ key, probe }, isWell) => {
      try {
        if (probe) return await endProbe(key, probe, isWell);
        const own = ownTally(key);
        own.calls += 1;
        if (isWell) return;
        own.failures += 1;
        await count(key, own);
      } catch (error) {
        log.warn('Could not write down how a circuit is', { circuit: key, error });
      }
    },
  };
};
