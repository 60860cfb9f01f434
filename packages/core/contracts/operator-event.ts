import * as z from 'zod';
import { type FailureCode, JOB_STATUSES } from '../domain/job.ts';

/** The events published to operators. Fields missing from these schemas are never published. */

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
    /** Time of the next probe, ISO 8601. */
    openUntil: z.iso.datetime(),
    /** The tally that opened the circuit. */
    calls: z.number(),
    failures: z.number(),
  }),
  z.object({ type: z.literal('CircuitClosed'), circuit }),
]);

export const OPERATOR_EVENT_TYPES = operatorEventSchema.options.map(({ shape }) => shape.type.value);

/** An event for operators, best effort: it may be lost or duplicated. The job table is authoritative. */
export type OperatorEvent = z.infer<typeof operatorEventSchema>;
