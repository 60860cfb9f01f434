import { type CircuitRules, longestOpenMs } from '../domain/circuit.ts';
import { longestScheduleMs, type RetrySchedule } from '../domain/schedule.ts';
import type { SettlePolicy } from '../domain/settle.ts';
import type { Settings } from './settings.ts';

/** The settle policy from the environment. */
export const toSettlePolicy = (
  settings: Settings<'RETRY_SCHEDULE_SECONDS' | 'RETENTION_SECONDS' | 'BREAKER_OPEN_SECONDS'>,
): SettlePolicy => ({
  schedule: toSchedule(settings),
  patienceMs: longestScheduleMs(toSchedule(settings)) + 2 * longestOpenMs(settings.BREAKER_OPEN_SECONDS * 1000),
  retentionMs: settings.RETENTION_SECONDS * 1000,
});

/** The circuit breaker rules from the environment. */
export const toCircuitRules = (
  settings: Settings<'BREAKER_WINDOW_SECONDS' | 'BREAKER_MIN_CALLS' | 'BREAKER_FAILURE_RATE' | 'BREAKER_OPEN_SECONDS'>,
): CircuitRules => ({
  windowMs: settings.BREAKER_WINDOW_SECONDS * 1000,
  minCalls: settings.BREAKER_MIN_CALLS,
  failureRate: settings.BREAKER_FAILURE_RATE,
  openMs: settings.BREAKER_OPEN_SECONDS * 1000,
});

/** Whether operators have paused a kind of work. Claims stop only if everything is paused, since paused parts defer their jobs. */
export const isPaused = ({ PAUSED }: Settings<'PAUSED'>, part: 'fetch' | 'callbacks' | 'claims'): boolean =>
  PAUSED === 'all' || PAUSED === part;

const toSchedule = ({
  RETRY_SCHEDULE_SECONDS: [first, ...rest],
}: Settings<'RETRY_SCHEDULE_SECONDS'>): RetrySchedule => ({
  stepsMs: [first * 1000, ...rest.map((step) => step * 1000)],
});
