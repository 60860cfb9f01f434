import type { TaskFailure } from '../contracts/task-failure.ts';
import { isExpired, toEpochMs, toEpochSeconds } from './ttl.ts';

/**
 * The rules of circuit breakers: when a failing third party is watched, when its circuit opens, for how long, and which
 * process probes it. Source of the terms: M. Nygard, "Release It!"; R. Wilson et al., Azure Architecture Center, "Circuit
 * Breaker".
 *
 * A healthy third party costs no write. The first failure puts a watch on its circuit:
 *
 *     first failure              counting starts                      opens
 *     |--- 9 s + longest call ---|--- one write for every call that ends ---|
 *     watch.since                  successes and failures alike
 *
 * During the delay every process learns of the watch, and slow responses to calls that began before it arrive. Without it a
 * provider whose failures are faster than its successes would look dead. The delay is 5 s of caching, the longest call, and
 * 4 s because the clock that set `since` and the one that reads it may differ by that much.
 */

export type CircuitRules = {
  /** Calls are counted in windows of this length, milliseconds. */
  windowMs: number;
  /** Minimum calls in a window before the failure rate is evaluated. */
  minCalls: number;
  /** Share of failures at which the circuit opens, above 0 and up to 1. */
  failureRate: number;
  /** How long the circuit stays open the first time, milliseconds. */
  openMs: number;
};

/** The provider or receiver that a call goes to. It has its own circuit. */
export type ThirdParty = {
  /** `provider#<id>` or `callback#<clientId>#<host>`. */
  key: string;
  /** The timeout of a call, milliseconds. */
  longestCallMs: number;
};

export const providerCircuitKey = (providerId: string): string => `${PROVIDER_PREFIX}${providerId}`;

/** Per client, so that one client's failing receiver never defers another client's callbacks to the same host. */
export const receiverCircuitKey = (clientId: string, callbackUrl: string): string =>
  `callback#${clientId}#${new URL(callbackUrl).host}`;

export const PROVIDER_PREFIX = 'provider#';

/**
 * Whether a circuit is a provider's. One query reads the circuits of all providers. Those of receivers are read by key, because
 * there may be thousands.
 */
export const isProviderCircuit = (key: string): boolean => key.startsWith(PROVIDER_PREFIX);

/** The calls counted in a window. */
export type Tally = {
  calls: number;
  failures: number;
  /** Calls actually counted; their weights represent the others. */
  samples: number;
};

/** The class and status of a failure, without anything that the other side sent. */
export type FailureCause = NonNullable<TaskFailure['cause']>;

/** An open circuit. Closed circuits are not stored. */
export type OpenCircuit = {
  key: string;
  /** No calls until then, epoch milliseconds. Then the process that extends it makes a single probe. */
  openUntil: number;
  /** The number of times in a row that it has opened. */
  consecutiveOpens: number;
  /** Whether a probe is in progress. */
  halfOpen: boolean;
  /** The failure that opened it last. */
  lastFailure?: FailureCause | undefined;
};

/** Set on a circuit by a failure; until it expires, all calls are counted. */
export type Watch = {
  /** Epoch milliseconds. */
  since: number;
  /** Epoch seconds. */
  expiresAt: number;
  /** Calls that a counted call represents from `weightFrom` to `weightUntil` (epoch milliseconds); otherwise 1. */
  weight: number;
  weightFrom: number;
  weightUntil: number;
};

/** The stored state of a failing third party's circuit. */
export type CircuitState = { open?: OpenCircuit | undefined; watch?: Watch | undefined };

/** How long a process caches circuits, milliseconds: by then every process knows of a new watch. */
export const CACHE_MS = 5_000;

/** How far the clocks of two processes may differ, milliseconds: each may be off by 2 s. */
const MAX_SKEW_MS = 4_000;

/**
 * The delay between the start of a watch and the start of counting, milliseconds. After it, every process whose call ends
 * knows of the watch, whatever its clock.
 */
export const countingDelayMs = ({ longestCallMs }: ThirdParty): number => CACHE_MS + longestCallMs + MAX_SKEW_MS;

/** A watch lasts one window, or, with short windows, long enough for every process to learn of its renewal. */
const watchLengthMs = (party: ThirdParty, { windowMs }: CircuitRules): number =>
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
  toEpochSeconds(now + watchLengthMs(party, rules));

export const isWatched = (watch: Watch | undefined, now: number): watch is Watch =>
  watch !== undefined && !isExpired(watch, now);

/** Whether less than half of the watch is left. Renewing it earlier would cost a write per failure. */
export const isRenewalDue = ({ expiresAt }: Watch, party: ThirdParty, now: number, rules: CircuitRules): boolean =>
  toEpochMs(expiresAt) - now < watchLengthMs(party, rules) / 2;

/** DynamoDB allows 1,000 writes a second to one key, so the calls of a busy third party are sampled. */
const SAMPLED_FROM_CALLS = 500;
const SAMPLE_WEIGHT = 8;

export const weightAt = ({ weight, weightFrom, weightUntil }: Watch, now: number): number =>
  weightFrom <= now && now < weightUntil ? weight : 1;

/**
 * Starts or extends sampling when a write takes the tally of a window past a multiple of 500. Sampling starts with the first
 * window that begins after every process knows of it: sampling fast successes while still counting each slow failure could
 * hide the successes by chance. It ends unless later windows are as busy.
 * @param weight the weight of the write
 * @returns the change to the watch; undefined if there is none
 */
export const sampling = (
  watch: Watch,
  { calls }: Tally,
  weight: number,
  party: ThirdParty,
  now: number,
  rules: CircuitRules,
): Pick<Watch, 'weight' | 'weightFrom' | 'weightUntil'> | undefined => {
  const crossesMultiple = Math.floor(calls / SAMPLED_FROM_CALLS) > Math.floor((calls - weight) / SAMPLED_FROM_CALLS);
  const weightFrom = (windowAt(now + countingDelayMs(party), rules) + 1) * rules.windowMs;
  const weightUntil = weightFrom + 2 * rules.windowMs;
  if (!crossesMultiple || weightUntil <= watch.weightUntil) return undefined;
  return { weight: SAMPLE_WEIGHT, weightFrom: now < watch.weightUntil ? watch.weightFrom : weightFrom, weightUntil };
};

/** The number of the window that a time is in. */
export const windowAt = (now: number, { windowMs }: Pick<CircuitRules, 'windowMs'>): number =>
  Math.floor(now / windowMs);

/** The previous and the current window, and when the previous one began. They hold the calls of one to two window lengths. */
export const recentWindows = (
  now: number,
  rules: Pick<CircuitRules, 'windowMs'>,
): { windows: number[]; since: number } => {
  const previous = windowAt(now, rules) - 1;
  return { windows: [previous, previous + 1], since: previous * rules.windowMs };
};

/** The windows that a time may be in on clocks that differ by seconds. */
export const windowsAround = (now: number, rules: CircuitRules): number[] => {
  const window = windowAt(now, rules);
  return [window - 1, window, window + 1];
};

/** The log-likelihood ratio of "dead" to "partly failing" that opens a circuit: 1 false alarm in 100,000. */
const REQUIRED_EVIDENCE = Math.log(1e5);

/**
 * The two failure rates that the sequential test distinguishes: the highest rate that must not open the circuit, and the
 * rate of a dead third party.
 */
const hypotheses = (failureRate: number): { healthy: number; dead: number } => {
  // At the default rate, a third party counts as dead from 97 % of failures. The formula below would say 95 %.
  if (failureRate === 0.9) return { healthy: 0.7, dead: 0.97 };
  return { healthy: Math.max(failureRate - 0.2, 0.01), dead: Math.min((1 + failureRate) / 2, 0.99) };
};

/**
 * Whether a tally opens the circuit. This is a sequential probability ratio test (A. Wald, 1945), because it runs after
 * every write: a failure rate over a fixed minimum of calls, evaluated this often, would open circuits of healthy providers.
 * At a threshold of 0.9, 36 consecutive failures open the circuit. A sampled call counts once as evidence, whatever its
 * weight.
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

/** Each failed probe doubles the open time, up to this multiple of the first: an hour's outage costs about ten probes. */
const MAX_GROWTH = 8;

/** The maximum open time of a circuit, milliseconds. */
export const longestOpenMs = (openMs: number): number => openMs * MAX_GROWTH;

/** @param consecutiveOpens including this one */
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
