import type { TaskFailure } from '../contracts/task-failure.ts';
import { isExpired, toEpochMs, toEpochSeconds } from './ttl.ts';

/**
 * The rules of circuit breakers: when a failing third party is watched, when its circuit opens, for how long, and who
 * probes it. Source of the terms: M. Nygard, "Release It!"; R. Wilson et al., Azure Architecture Center, "Circuit Breaker".
 *
 * A healthy third party costs no write. The first failure puts a watch on its circuit:
 *
 *     first failure          counting starts                        opens
 *     |--- 5 s + longest call ---|--- every call that ends, one write ---|
 *     watch.since                  successes and failures alike
 *
 * The delay keeps both kinds of calls comparable: by its end every process knows the watch, and slow answers to calls that
 * began before it have arrived. Without it a provider whose failures are faster than its successes looks dead. Since the
 * clock that set `since` and the one that reads it may be 4 s apart, it is 4 s longer: on no clock is it shorter.
 */

export type CircuitRules = {
  /** Calls are counted in windows of this length, milliseconds. */
  windowMs: number;
  /** Minimum calls in a window before the failure rate is evaluated. */
  minCalls: number;
  /** Share of failures at which the circuit opens, above 0 and up to 1. */
  failureRate: number;
  /** How long it stays open at first, milliseconds. */
  openMs: number;
};

/** Whose circuit a call belongs to. */
export type ThirdParty = {
  /** `provider#<id>` or `callback#<clientId>#<host>`. */
  key: string;
  /** The time limit of a call, milliseconds. */
  longestCallMs: number;
};

export const providerCircuitKey = (providerId: string): string => `${PROVIDER_PREFIX}${providerId}`;

/** Per client, so that one client's failing receiver never defers another client's callbacks to the same host. */
export const receiverCircuitKey = (clientId: string, callbackUrl: string): string =>
  `callback#${clientId}#${new URL(callbackUrl).host}`;

export const PROVIDER_PREFIX = 'provider#';

/** Providers are few, and all read with one query. Receivers may be thousands: each is read by its own key. */
export const isListed = (key: string): boolean => key.startsWith(PROVIDER_PREFIX);

/** What was counted in a window. */
export type Tally = {
  calls: number;
  failures: number;
  /** How many calls were actually counted; the others are represented by the weight of these. */
  samples: number;
};

/** What the last failed call failed with, without anything that the other side sent. */
export type FailureCause = NonNullable<TaskFailure['cause']>;

/** An open circuit. A circuit that is not stored is closed. */
export type OpenCircuit = {
  key: string;
  /** No calls until then; then a single probe, by the process that extends it. Epoch milliseconds. */
  openUntil: number;
  /** How many times in a row it has opened. */
  consecutiveOpens: number;
  /** Whether a probe is under way. */
  halfOpen: boolean;
  /** The failure that opened it last. */
  lastFailure?: FailureCause | undefined;
};

/** Set on a circuit by a failure; while it lasts, all calls are counted. */
export type Watch = {
  /** Epoch milliseconds. */
  since: number;
  /** Epoch seconds. */
  expiresAt: number;
  /** How many calls a counted call stands for, from `weightFrom` to `weightUntil` (epoch milliseconds); else one. */
  weight: number;
  weightFrom: number;
  weightUntil: number;
};

/** What is known of a third party in trouble. */
export type CircuitState = { open?: OpenCircuit | undefined; watch?: Watch | undefined };

/** How long a process believes what it read, milliseconds: so long after its start a watch is known to all. */
export const CACHE_MS = 5_000;

/** How far the clocks of two processes may be apart, milliseconds: each may be 2 s off. */
const MAX_SKEW_MS = 4_000;

/**
 * How long after a change every process knows of it whenever a call ends, whatever its clock, milliseconds. So long after
 * the start of a watch counting begins.
 */
export const countingDelayMs = ({ longestCallMs }: ThirdParty): number => CACHE_MS + longestCallMs + MAX_SKEW_MS;

/** A watch lasts a window; with short windows long enough for a renewal to be known to all. */
const watchMs = (party: ThirdParty, { windowMs }: CircuitRules): number =>
  Math.max(windowMs, 2 * countingDelayMs(party));

export const newWatch = (party: ThirdParty, now: number, rules: CircuitRules): Watch => ({
  since: now,
  expiresAt: watchExpiry(party, now, rules),
  weight: 1,
  weightFrom: 0,
  weightUntil: 0,
});

/** The end of a watch after a failure, epoch seconds. */
export const watchExpiry = (party: ThirdParty, now: number, rules: CircuitRules): number =>
  toEpochSeconds(now + watchMs(party, rules));

export const isWatched = (watch: Watch | undefined, now: number): watch is Watch =>
  watch !== undefined && !isExpired(watch, now);

/** Only when less than half of it is left: otherwise every failure would cost another write. */
export const isRenewalDue = ({ expiresAt }: Watch, party: ThirdParty, now: number, rules: CircuitRules): boolean =>
  toEpochMs(expiresAt) - now < watchMs(party, rules) / 2;

/** A key of the table takes 1,000 writes a second: the calls of a busy third party are sampled. */
const SAMPLED_FROM_CALLS = 500;
const SAMPLE_WEIGHT = 8;

export const weightAt = ({ weight, weightFrom, weightUntil }: Watch, now: number): number =>
  weightFrom <= now && now < weightUntil ? weight : 1;

/**
 * Turns sampling on, or prolongs it, when a write takes the tally of a window past a multiple of 500. It starts with the
 * first window of which all processes know: if fast successes were sampled already while slow failures were still counted
 * one by one, chance could hide the successes. It ends unless later windows are as busy.
 * @param weight the weight of the write
 * @returns the change to the watch, if it needs any
 */
export const sampling = (
  watch: Watch,
  { calls }: Tally,
  weight: number,
  party: ThirdParty,
  now: number,
  rules: CircuitRules,
): Pick<Watch, 'weight' | 'weightFrom' | 'weightUntil'> | undefined => {
  const isPassing = Math.floor(calls / SAMPLED_FROM_CALLS) > Math.floor((calls - weight) / SAMPLED_FROM_CALLS);
  const weightFrom = (windowAt(now + countingDelayMs(party), rules) + 1) * rules.windowMs;
  const weightUntil = weightFrom + 2 * rules.windowMs;
  if (!isPassing || weightUntil <= watch.weightUntil) return undefined;
  return { weight: SAMPLE_WEIGHT, weightFrom: now < watch.weightUntil ? watch.weightFrom : weightFrom, weightUntil };
};

/** Which window a time is in. */
export const windowAt = (now: number, { windowMs }: Pick<CircuitRules, 'windowMs'>): number =>
  Math.floor(now / windowMs);

/** The windows that a tally of this time may be in, on clocks that differ by seconds. */
export const windowsAround = (now: number, rules: CircuitRules): number[] => {
  const window = windowAt(now, rules);
  return [window - 1, window, window + 1];
};

/** By how much the calls must favour "dead" over "in partial trouble": false alarms of 1 in 100,000. */
const REQUIRED_EVIDENCE = Math.log(1e5);

/**
 * The two failure rates that the sequential test tells apart: the highest at which a third party is still left alone, and
 * that of one that is dead.
 */
const hypotheses = (failureRate: number): { healthy: number; dead: number } => {
  if (failureRate === 0.9) return { healthy: 0.7, dead: 0.97 };
  return { healthy: Math.max(failureRate - 0.2, 0.01), dead: Math.min((1 + failureRate) / 2, 0.99) };
};

/**
 * Whether a tally opens the circuit. A sequential probability ratio test (A. Wald, 1945), because it is evaluated after
 * every write: a fixed minimum of calls, evaluated this often, opens circuits of healthy providers. At a threshold of 0.9
 * it takes 36 failures in a row. Sampled calls count once as evidence, whatever their weight.
 */
export const isTripped = (
  { calls, failures, samples }: Tally,
  { minCalls, failureRate }: Pick<CircuitRules, 'minCalls' | 'failureRate'>,
): boolean => {
  if (calls < minCalls || failures < failureRate * calls) return false;
  const { healthy, dead } = hypotheses(failureRate);
  const evidence = failures * Math.log(dead / healthy) + (calls - failures) * Math.log((1 - dead) / (1 - healthy));
  return (evidence * samples) / calls >= REQUIRED_EVIDENCE;
};

/** Each failed probe doubles the open time, up to this many times the first: an hour's outage costs about ten probes. */
const MAX_GROWTH = 8;

/** The longest that a circuit opens for, milliseconds. */
export const longestOpenMs = (openMs: number): number => openMs * MAX_GROWTH;

/** A circuit that opens for the n-th time in a row. */
export const opened = (
  key: string,
  consecutiveOpens: number,
  now: number,
  { openMs }: CircuitRules,
  lastFailure?: FailureCause,
): OpenCircuit => ({
  key,
  openUntil: now + openMs * Math.min(2 ** (consecutiveOpens - 1), MAX_GROWTH),
  consecutiveOpens,
  halfOpen: false,
  lastFailure,
});
