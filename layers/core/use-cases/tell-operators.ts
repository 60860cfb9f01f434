import type { ClaimedJob } from '../contracts/claimed-job.ts';
import type { Settlement } from '../domain/settle.ts';
import type { Meter } from '../observability/meter.ts';
import type { OperatorEvent, PublishEvent } from '../ports/events.ts';
import type { CircuitChange } from './circuit-breaker.ts';

export type TellDeps = { publish: PublishEvent; meter: Meter };

const TYPES: Partial<Record<Settlement['status'], 'JobCompleted' | 'JobPartial' | 'JobFailed'>> = {
  COMPLETE: 'JobCompleted',
  PARTIAL: 'JobPartial',
  FAILED: 'JobFailed',
};

/** Tells of the end of a job, once it is written down; of anything else it says nothing. */
export const tellEnd = async (
  { publish, meter }: TellDeps,
  { jobId, clientId, createdAt }: Pick<ClaimedJob, 'jobId' | 'clientId' | 'createdAt'>,
  { status, failure, updatedAt }: Pick<Settlement, 'status' | 'failure' | 'updatedAt'>,
): Promise<void> => {
  const type = TYPES[status];
  if (!type) return;
  if (type === 'JobFailed') {
    meter.count('JobsGivenUp', { cause: failure?.code ?? 'UNKNOWN' });
    // An alarm looks at the share: without a value here it would be silent while nothing is delivered at all.
    meter.count('JobsDelivered', undefined, 0);
  } else {
    meter.count('JobsDelivered');
    if (createdAt !== null) meter.milliseconds('TimeToCallback', updatedAt - createdAt);
  }
  await publish({ type, jobId, clientId, status, failureCode: failure?.code });
};

/** Tells of a circuit that opened or closed: field by field, for a stored item may have more in it than its type says. */
export const toCircuitEvent = (change: CircuitChange): OperatorEvent => {
  const { key, openUntil } = change.circuit;
  if (!change.isOpen) return { type: 'CircuitClosed', circuit: key };
  const { calls, failures } = change.tally;
  return { type: 'CircuitOpened', circuit: key, openUntil: new Date(openUntil).toISOString(), calls, failures };
};
