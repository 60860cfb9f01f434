import * as z from 'zod';
import { type FailureCode, JOB_STATUSES } from '../domain/job.ts';

/** The events that operators get, each with all that it may carry: what a schema does not name is not published. */

const jobEvent = <const Type extends string>(type: Type) =>
  z.object({
    type: z.literal(type),
    jobId: z.string(),
    clientId: z.string(),
    status: z.enum(JOB_STATUSES),
    failureCode: z.custom<FailureCode>((code) => typeof code === 'string').optional(),
  });

/** `provider#<id>` or `callback#…`. */
const circuit = z.string();

export const operatorEventSchema = z.discriminatedUnion('type', [
  jobEvent('JobCompleted'),
  jobEvent('JobPartial'),
  jobEvent('JobFailed'),
  z.object({
    type: z.literal('CircuitOpened'),
    circuit,
    /** ISO 8601; when it is probed. */
    openUntil: z.iso.datetime(),
    /** What was counted before it opened. */
    calls: z.number(),
    failures: z.number(),
  }),
  z.object({ type: z.literal('CircuitClosed'), circuit }),
]);

export const OPERATOR_EVENT_TYPES = operatorEventSchema.options.map(({ shape }) => shape.type.value);

/** What operators may want to be told. The table is the truth: an event may be lost, or come twice. */
export type OperatorEvent = z.infer<typeof operatorEventSchema>;
