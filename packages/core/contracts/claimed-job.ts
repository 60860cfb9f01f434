import * as z from 'zod';
import { PAYLOAD_VERSION, PLAIN_PAYLOAD_VERSION } from './payload-version.ts';

/** What makes an execution work on a job: its birth, a sweep, or a caller who wants it tried again. */
export const TRIGGERS = ['immediate', 'scheduled', 'redrive'] as const;

/** Ids in the provider catalogue: 1..40 characters, so that a claimed job stays small. */
export const providerIdSchema = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/);

/** Values by parameter name; what the catalogue says of them is checked when they are used. */
export const parametersSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** How many quick retries of a task came before this one: `$$.State.RetryCount` of Step Functions. */
export const retryCountSchema = z.int().nonnegative();

/**
 * What an execution holds of a job: slim enough (at most 6 KiB) for 40 of them to travel in one state.
 * Times are epoch milliseconds.
 */
export const claimedJobSchema = z.object({
  v: z.literal([PLAIN_PAYLOAD_VERSION, PAYLOAD_VERSION]),
  jobId: z.uuid(),
  /** When it was accepted, epoch milliseconds; null of one that came as version 1. */
  createdAt: z.int().nullable(),
  /** Whose job it is: callbacks are signed with this client's secrets. */
  clientId: z.string().min(1).max(64),
  /** The fencing token: outcomes are written on the condition that the stored number is still this one. */
  claims: z.int().min(1),
  /** When the lease ends, epoch milliseconds. */
  leasedUntil: z.int(),
  trigger: z.enum(TRIGGERS),
  callbackUrl: z.string(),
  /** What receivers know duplicates of one callback by. */
  webhookId: z.string().min(1).max(64),
  /** Every provider of the job, in the order of the request. */
  order: z.array(providerIdSchema).min(1).max(10),
  /** Those to be asked now: they have neither given nor refused yet, and their time has come. */
  providers: z.array(providerIdSchema).max(10),
  /** Whether others have neither given nor refused yet, and are to be asked later. */
  isAnyWaiting: z.boolean().default(false),
  /** Whether earlier executions stored results that the callback must include. */
  checkpointed: z.boolean(),
  /** Whether the fetching deadline has come: the callback goes out with what there is. */
  final: z.boolean(),
  /** What the caller gave providers, by their ids. */
  parameters: z.record(z.string(), parametersSchema).optional(),
  /** The caller's own words, echoed in the callback. */
  metadata: z.record(z.string(), z.string()).optional(),
  /** The round of its requests; absent: 0. */
  round: z.int().nonnegative().optional(),
});

/**
 * A payload of the version before as one of today: executions that were under way during a deployment hand over what they
 * were started with. Version 1 had no `createdAt`.
 */
export const upgradePayload = (payload: unknown): unknown => {
  if (typeof payload !== 'object' || payload === null || !('v' in payload) || payload.v !== 1) return payload;
  return { createdAt: null, ...payload, v: PLAIN_PAYLOAD_VERSION };
};

export type ClaimedJob = z.infer<typeof claimedJobSchema>;
