import * as z from 'zod';
import { cutText } from '../domain/text.ts';

/** Why a call to a third party failed; public, in the attempts of a job. */
export const failureClassSchema = z.enum([
  'dns',
  'connection_refused',
  'connection_broken',
  'tls',
  'blocked_address',
  'timeout',
  'bad_status',
  // A response that is not valid HTTP. The older name stays, because it is public and stored in jobs.
  'bad_answer',
  'bad_body',
  'not_ready',
  'bad_page',
  'too_many_pages',
  'error_in_body',
  'data_missing',
  'bad_polling',
  'still_working',
  'work_failed',
  'polling_timeout',
  'ticket_lost',
  'bad_parameter',
  'too_large',
  'gone',
  'unknown_provider',
  'credential_refused',
  'circuit_open',
  'limit_reached',
  'paused',
  'client_revoked',
  'lease_lost',
  'result_missing',
  'internal',
]);
export type FailureClass = z.infer<typeof failureClassSchema>;

/**
 * Details of a failed task. They are serialised as the message of the thrown error (one line of JSON, at most 1 KiB), because
 * the message is all that a Catch passes on.
 */
export const taskFailureSchema = z.object({
  class: failureClassSchema,
  /** The HTTP status code, if a response arrived. */
  statusCode: z.int().optional(),
  /** The delay requested by the third party, milliseconds. */
  retryAfterMs: z.number().nonnegative().optional(),
  /** Epoch milliseconds. */
  startedAt: z.int().optional(),
  durationMs: z.number().nonnegative().optional(),
  /** Time of the first such failure, epoch milliseconds; classes `bad_parameter` and `unknown_provider` only. */
  since: z.int().optional(),
  /** Number of calls, quick retries included. */
  tries: z.int().min(1).optional(),
  /** The first characters of the response or of the error. */
  excerpt: z.string().optional(),
  /** Why the circuit is open: the failure of the last call. */
  cause: z.object({ class: failureClassSchema, statusCode: z.int().optional() }).optional(),
  /** The provider of the missing result; class `result_missing` only. */
  providerId: z.string().optional(),
});
export type TaskFailure = z.infer<typeof taskFailureSchema>;

/** The `Error` and `Cause` that Step Functions passes to a Catch. */
export const caughtErrorSchema = z.object({ Error: z.string(), Cause: z.string().optional() });
export type CaughtError = z.infer<typeof caughtErrorSchema>;

/** The message of the error that a task threw. `Cause` is JSON with `errorType`, `errorMessage` and `trace`. */
const messageOf = ({ Cause: cause }: CaughtError): string | undefined => {
  if (cause === undefined) return undefined;
  try {
    return String((JSON.parse(cause) as { errorMessage?: unknown }).errorMessage);
  } catch {
    return undefined;
  }
};

/** Details of a failed task. Errors of Lambda itself (a timeout, a throttled invocation) have none. */
export const readTaskFailure = (error: CaughtError): TaskFailure => {
  try {
    return taskFailureSchema.parse(JSON.parse(messageOf(error) ?? ''));
  } catch {
    return { class: 'internal' };
  }
};

const MAX_EXPLANATION_CHARACTERS = 300;

/** A one-line description of an internal fault, for the log. */
export const explainInternalFault = (error: CaughtError): string =>
  cutText(`${error.Error}: ${messageOf(error) ?? error.Cause ?? ''}`, MAX_EXPLANATION_CHARACTERS);
