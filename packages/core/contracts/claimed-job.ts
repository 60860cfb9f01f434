import * as z from 'zod';
import { PAYLOAD_VERSION, PLAIN_PAYLOAD_VERSION } from './payload-version.ts';

/** What started an execution: the request that created the job, a sweep, or a redrive. */
export const TRIGGERS = ['immediate', 'scheduled', 'redrive'] as const;

/** Provider id: 1..40 characters, to keep claimed jobs small. */
export const PROVIDER_ID_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
export const providerIdSchema = z.string().regex(PROVIDER_ID_PATTERN);

/** Values by parameter name. The catalogue's rules are checked on use. */
export const parametersSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** Number of quick retries of this task so far: `$$.State.RetryCount` of Step Functions. */
export const retryCountSchema = z.int().nonnegative();

/**
 * A job in the state machine's payload, at most 6 KiB, so that 40 jobs fit in one state. Times are epoch milliseconds.
 */
export const claimedJobSchema = z.object({
  v: z.literal([PLAIN_PAYLOAD_VERSION, PAYLOAD_VERSION]),
  jobId: z.uuid(),
  /** When the job was accepted; null in payloads upgraded from version 1. */
  createdAt: z.int().nullable(),
  /** Owner of the job. Callbacks are signed with this client's secrets. */
  clientId: z.string().min(1).max(64),
  /** The fencing token: an outcome is written only if the stored number is still this one. */
  claims: z.int().min(1),
  /** When the lease ends. */
  leasedUntil: z.int(),
  trigger: z.enum(TRIGGERS),
  callbackUrl: z.string(),
  /** Identifies duplicates of one callback (`webhook-id`). */
  webhookId: z.string().min(1).max(64),
  /** Every provider of the job, in the order of the request. */
  order: z.array(providerIdSchema).min(1).max(10),
  /** The pending providers whose next call is due. */
  providers: z.array(providerIdSchema).max(10),
  /** Whether other pending providers are due later. */
  isAnyWaiting: z.boolean().default(false),
  /** Whether earlier executions stored results that the callback must include. */
  checkpointed: z.boolean(),
  /** Whether the fetch deadline has passed: the callback is sent with the data collected so far. */
  final: z.boolean(),
  /** Parameters by provider id. */
  parameters: z.record(z.string(), parametersSchema).optional(),
  /** The caller's metadata, echoed in the callback. */
  metadata: z.record(z.string(), z.string()).optional(),
  /** Number of the request round, 0 by default. */
  round: z.int().nonnegative().optional(),
});

/**
 * Upgrades a version 1 payload, which has no `createdAt`. Executions in flight during a deployment still carry the payload
 * that they were started with.
 */
export const upgradePayload = (payload: unknown): unknown => {
  if (typeof payload !== 'object' || payload === null || !('v' in payload) || payload.v !== 1) return payload;
  return { createdAt: null, ...payload, v: PLAIN_PAYLOAD_VERSION };
};

export type ClaimedJob = z.infer<typeof claimedJobSchema>;
