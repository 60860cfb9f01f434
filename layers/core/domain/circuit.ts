/**
 * The rules of circuit breakers: when a third party that fails is left alone, for how long, and who asks whether it is
 * back. Source of the terms: M. Nygard, "Release It!"; R. Wilson et al., Azure Architecture Center, "Circuit Breaker".
 */

export type CircuitRules = {
  /** Calls are counted in windows of so many milliseconds. */
  windowMs: number;
  /** With fewer calls than these in a window, nothing is concluded. */
  minCalls: number;
  /** From this share of failures on, 0..1, the circuit opens. */
  failureRate: number;
  /** How long it stays open at first, milliseconds. */
  openMs: number;
};

/** What was counted of a window. */
export type Tally = { calls: number; failures: number };

/** A third party that is left alone; what is not open is closed. */
export type OpenCircuit = {
  key: string;
  /** Until then nobody calls; then one may: whoever moves it to the end of a lease. Epoch milliseconds. */
  openUntil: number;
  /** How often it has opened in a row. */
  openings: number;
  /** Whether somebody is asking whether it may close. */
  isProbed: boolean;
};

/** Which window a time is in. */
export const windowAt = (now: number, { windowMs }: CircuitRules): number => Math.floor(now / windowMs);

export const isTripped = ({ calls, failures }: Tally, { minCalls, failureRate }: CircuitRules): boolean =>
  calls >= minCalls && failures >= failureRate * calls;

/** Each probe that fails doubles the time, up to this many times the first: an hour's outage costs about ten probes. */
const MAX_GROWTH = 8;

/** The longest that a circuit opens for, milliseconds. */
export const longestOpenMs = (openMs: number): number => openMs * MAX_GROWTH;

/** How a circuit opens for the n-th time in a row. */
export const opened = (key: string, openings: number, now: number, { openMs }: CircuitRules): OpenCircuit => ({
  key,
  openUntil: now + openMs * Math.min(2 ** (openings - 1), MAX_GROWTH),
  openings,
  isProbed: false,
});
