import type { CallbackOutcome, RefusalReason } from '../domain/outcomes.ts';
import { caughtErrorSchema, explainInternalFault, readTaskFailure } from './task-failure.ts';

const FAILED = new Set(['CallbackUnavailable', 'CallbackThrottled', 'CallbackRejected']);
const DEFERRED = new Set(['CallbackCircuitOpen', 'Paused']);

const REFUSALS: ReadonlySet<string> = new Set<RefusalReason>(['gone', 'too_large', 'client_revoked']);
const isRefusal = (failureClass: string): failureClass is RefusalReason => REFUSALS.has(failureClass);

/** The outcome of a failed delivery. Errors that are neither failures of the receiver nor deferrals are internal faults. */
export const callbackOutcomeSchema = caughtErrorSchema.transform((error): CallbackOutcome => {
  const failure = readTaskFailure(error);
  const { class: reason, statusCode = 0, durationMs = 0, providerId } = failure;
  // The receiver accepted the callback. Only saving that failed.
  if (error.Error === 'OutcomeNotSaved') return { kind: 'delivered', statusCode, durationMs };
  if (error.Error === 'ResultMissing' && providerId !== undefined) return { kind: 'resultMissing', providerId };
  if (error.Error === 'CallbackRejected' && isRefusal(reason)) return { kind: 'refused', reason, failure };
  if (FAILED.has(error.Error)) return { kind: 'failed', failure };
  if (DEFERRED.has(error.Error)) return { kind: 'deferred', failure };
  return { kind: 'notAttempted', failure, cause: explainInternalFault(error) };
});
