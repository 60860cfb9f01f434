import type { ClaimedJob } from '../contracts/claimed-job.ts';
import type { Settlement } from '../domain/settle.ts';
import { toIso } from '../domain/time.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { OperatorEvent, PublishEvent } from '../ports/events.ts';
import type { CircuitChange } from './circuit-breaker.ts';

export type NotifyDeps = { publish: PublishEvent; metrics: Metrics };

const EVENT_TYPES: Partial<Record<Settlement['status'], 'JobCompleted' | 'JobPartial' | 'JobFailed'>> = {
  COMPLETE: 'JobCompleted',
  PARTIAL: 'JobPartial',
  FAILED: 'JobFailed',
};

/** Publishes the end of a job after its outcome is stored; does nothing for a pending job. */
export const publishJobEnded = async (
  { publish, metrics }: NotifyDeps,
  { jobId, clientId, createdAt }: Pick<ClaimedJob, 'jobId' | 'clientId' | 'createdAt'>,
  { status, failure, updatedAt }: Pick<Settlement, 'status' | 'failure' | 'updatedAt'>,
): Promise<void> => {
  const type = EVENT_TYPES[status];
  if (!type) return;
  if (type === 'JobFailed') {
    metrics.count('JobsGivenUp', { cause: failure?.code ?? 'UNKNOWN' });
    // An alarm divides by this metric: without a zero it would have no data while every job fails.
    metrics.count('JobsDelivered', undefined, 0);
  } else {
    metrics.count('JobsDelivered');
    if (createdAt !== null) metrics.milliseconds('TimeToCallback', updatedAt - createdAt);
  }
  await publish({ type, jobId, clientId, status, failureCode: failure?.code });
};

/** The event of a circuit change. It copies only the fields it needs: a stored circuit may have fields that its type lacks. */
export const toCircuitEvent = (change: CircuitChange): OperatorEvent => {
  const { key, openUntil } = change.circuit;
  if (!change.isOpen) return { type: 'CircuitClosed', circuit: key };
  const { calls, failures } = change.tally;
  return { type: 'CircuitOpened', circuit: key, openUntil: toIso(openUntil), calls, failures };
};
