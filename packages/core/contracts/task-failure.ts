import * as z from 'zod';
import { cutText } from '../domain/text.ts';

/** Why a call to a third party failed, as callers read it in the attempts of a job. */
export const failureClassSchema = z.enum([
  'dns',
  'connection_refused',
  'connection_broken',
  'tls',
  'blocked_address',
  'timeout',
  'bad_status',
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
 * What a failed task knows. It travels as the message of the thrown error (one line of JSON, at most 1 KiB), because the
 * message is all that a Catch hands on.
 */
export const taskFailureSchema = z.object({
  class: failureClassSchema,
  /** The HTTP status code, where an answer came. */
  statusCode: z.int().optional(),
  /** What the other side asked us to wait, in milliseconds. */
  retryAfterMs: z.number().nonnegative().optional(),
  /** Epoch milliseconds. */
  startedAt: z.int().optional(),
  durationMs: z.number().nonnegative().optional(),
  /** When it first failed like this, epoch milliseconds, for the classes `bad_parameter` and `unknown_provider`. */
  since: z.int().optional(),
  /** How often the execution tried, quick retries included. */
  tries: z.int().min(1).optional(),
  /** The first characters of what was answered or thrown. */
  excerpt: z.string().optional(),
  /** Why the circuit that deferred the call is open: what the last call that went out failed with. */
  cause: z.object({ class: failureClassSchema, statusCode: z.int().optional() }).optional(),
  /** Whose result is missing, for class `result_missing`. */
  providerId: z.string().optional(),
});
export type TaskFailure = z.infer<typeof taskFailureSchema>;

/** The `Error` and `Cause` that Step Functions gives a Catch. */
export const caughtErrorSchema = z.object({ Error: z.string(), Cause: z.string().optional() });
export type CaughtError = z.infer<typeof caughtErrorSchema>;

/** The message of the error that a task threw: on AWS, `Cause` is a JSON of `errorType`, `errorMessage` and `trace`. */
const messageOf = ({ Cause: cause }: CaughtError): string | undefined => {
  if (cause === undefined) return undefined;
  try {
    return String((JSON.parse(cause) as { errorMessage?: unknown }).errorMessage);
  } catch {
    return undefined;
  }
};

/** What a task knew when it failed. Of errors that are not ours (a time-out, a throttled invocation) nothing is known. */
export const readTaskFailure = (error: CaughtError): TaskFailure => {
  try {
    return taskFailureSchema.parse(JSON.parse(messageOf(error) ?? ''));
  } catch {
    return { class: 'internal' };
  }
};

const MAX_EXPLANATION_CHARACTERS = 300;

/** A fault of ours in a line, for our own logs. */
export const explainOwnFault = (error: CaughtError): string =>
  cutText(`${error.Error}: ${messageOf(error) ?? error.Cause ?? ''}`, MAX_EXPLANATION_CHARACTERS);
