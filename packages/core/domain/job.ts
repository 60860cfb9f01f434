import type { ClaimedJob } from '../contracts/claimed-job.ts';
import { PAYLOAD_VERSION, PLAIN_PAYLOAD_VERSION } from '../contracts/payload-version.ts';
import type { TaskFailure } from '../contracts/task-failure.ts';
import type { Parameters } from './catalogue/provider-schema.ts';
import type { Ticket } from './outcomes.ts';

export const JOB_STATUSES = ['PENDING', 'COMPLETE', 'PARTIAL', 'FAILED', 'CANCELLED'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** A job fetches, then calls back. Only a redrive returns it to fetching. */
export type Phase = 'FETCHING' | 'CALLING_BACK';

/** Parameters by provider id. */
export type JobParameters = Readonly<Record<string, Parameters>>;

/** Up to 20 strings by name, 1 KiB of JSON in all. */
export type Metadata = Readonly<Record<string, string>>;

/** How a result is stored: enough to extend or delete it by key without reading it. */
export type StoredResult = {
  /** Part of the key of every chunk but the first; absent if the result is not compressed. */
  digest?: string | undefined;
  /** Absent from results stored by earlier versions. */
  chunks?: number | undefined;
  /** When it expires, epoch seconds; absent from results stored by earlier versions. */
  keptUntil?: number | undefined;
};

/** The state of one provider of a job. A provider without an outcome has no result. */
export type ProviderResult = FetchedResult | RefusedResult | PendingResult;
export type FetchedResult = StoredResult &
  InRound & { providerId: string; status: 'FETCHED'; fetchedAt: number; bytes: number };
export type RefusedResult = InRound & { providerId: string; status: 'REFUSED'; error: TaskFailure };
/** Times are epoch milliseconds. */
export type PendingResult = InRound & {
  providerId: string;
  status: 'UNAVAILABLE';
  /** The provider's last failure; before the first one, why it was not called. */
  error: TaskFailure;
  /** Consecutive failed attempts; absent from results stored by earlier versions, which counted per job. */
  attempts?: number | undefined;
  /** When to retry. Absent to retry at once. */
  retryAt?: number | undefined;
  /** Why the last call was deferred; absent once one was made. */
  deferred?: TaskFailure | undefined;
  /** Where to poll for the provider's unfinished work. */
  ticket?: Ticket | undefined;
};
/** The round that a result belongs to, one higher after each abandoned ticket. Absent for the job's round. */
type InRound = { round?: number | undefined };

/** The last call that an execution made to a provider or receiver, after any quick retries. */
export type Call = {
  status: 'OK' | 'FAILED';
  class?: string | undefined;
  statusCode?: number | undefined;
  /** Epoch milliseconds. */
  startedAt?: number | undefined;
  durationMs?: number | undefined;
  /** Calls made, quick retries included; absent if the task ended without reporting. */
  tries?: number | undefined;
  /** The first characters of the response. */
  excerpt?: string | undefined;
};

/** What one execution did for a job. */
export type Attempt = {
  /** The claim under which it ran. */
  number: number;
  trigger: ClaimedJob['trigger'];
  /** When its first known call began, epoch milliseconds. Absent from attempts stored by earlier versions. */
  startedAt?: number;
  /** Epoch milliseconds. */
  endedAt: number;
  fetches: (Call & { providerId: string })[];
  callback?: Call;
  /** When the next attempt is due; absent when the job has ended. */
  nextAttemptAt?: number | undefined;
};

/** The number of attempts that a job's log keeps. */
export const ATTEMPT_LOG_LIMIT = 20;

/** A stored job. Times are epoch milliseconds, except `expiresAt`: DynamoDB's TTL requires epoch seconds. */
export type Job = {
  v: 1;
  jobId: string;
  clientId: string;
  callbackUrl: string;
  providers: string[];
  /** As posted; defaults are filled in when a provider is called. */
  parameters?: JobParameters;
  /** The caller's own data, echoed in the callback. Never logged. */
  metadata?: Metadata;
  /** Requests of one round share an idempotency value; each redrive begins a new round. Absent for round 0. */
  round?: number;
  status: JobStatus;
  phase: Phase;
  /** The number of claims, which is the fencing token. */
  claims: number;
  /** The number of claims since the last outcome. */
  claimsSinceOutcome: number;
  /**
   * The start of the time that may count as lost to internal faults: when the job became due after its last outcome, or was
   * claimed by an execution that reported none. Absent until a sweep claims the job; `updatedAt` applies until then.
   */
  heldSince?: number;
  /** Consecutive executions that failed only through internal faults. Absent for none. */
  internalFaults?: number;
  fetchAttempts: number;
  callbackAttempts: number;
  /** The number of redrives whose callback needs a new `webhook-id`, because the receiver may have had an earlier one. */
  redeliveries: number;
  results: ProviderResult[];
  attemptLog: Attempt[];
  createdAt: number;
  updatedAt: number;
  /** When fetching ends and the callback is sent with the results so far. */
  deadlineAt: number;
  /** When the callback is abandoned if it is still being deferred; set in the callback phase. */
  callbackDeadlineAt?: number;
  /** Why the last callback was deferred; absent once one was sent. */
  callbackDeferred?: TaskFailure;
  /** When it may be claimed, also while it is leased; absent once it has ended. */
  dueAt?: number;
  /** Present only while an execution holds the job. */
  leasedUntil?: number;
  /** Why it ended `FAILED`. */
  failure?: { code: FailureCode; message: string };
  /** When it ended; absent from jobs that ended under earlier versions. Read it by {@link endedAtOf}. */
  endedAt?: number;
  /** Present while it is pending after a failed attempt. */
  isInTrouble?: true;
  /** When its data was deleted at the caller's request. */
  expungedAt?: number;
  /** Whether its parameters or metadata were deleted, so that it can't be redriven. */
  isInputDeleted?: boolean;
  expiresAt?: number;
};

export const FAILURE_CODES = [
  'CALLBACK_EXHAUSTED',
  'CALLBACK_GONE',
  'CALLBACK_TOO_LARGE',
  'CLIENT_REVOKED',
  'NEVER_SETTLED',
  'RESULT_MISSING',
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

/**
 * When a job ended, epoch milliseconds; undefined while it is pending. For a job that ended under an earlier version, when it
 * was last changed.
 */
export const endedAtOf = ({ status, endedAt, updatedAt }: Pick<Job, 'status' | 'endedAt' | 'updatedAt'>) =>
  status === 'PENDING' ? undefined : (endedAt ?? updatedAt);

/** The parameters for one provider. Own properties only: a provider's id may be `constructor`. */
export const parametersOf = (
  { parameters = {} }: { parameters?: JobParameters | undefined },
  providerId: string,
): Parameters | undefined => (Object.hasOwn(parameters, providerId) ? parameters[providerId] : undefined);

export type NewJobInput = {
  jobId: string;
  clientId: string;
  providers: string[];
  parameters?: JobParameters | undefined;
  metadata?: Metadata | undefined;
  callbackUrl: string;
  now: number;
  leaseMs: number;
  fetchDeadlineMs: number;
};

/** A new job, leased to the execution that starts with it. */
export const newJob = ({
  jobId,
  clientId,
  providers,
  parameters,
  metadata,
  callbackUrl,
  now,
  leaseMs,
  fetchDeadlineMs,
}: NewJobInput): Job => ({
  v: 1,
  jobId,
  clientId,
  callbackUrl,
  providers,
  ...(parameters && { parameters }),
  ...(metadata && { metadata }),
  status: 'PENDING',
  phase: 'FETCHING',
  claims: 1,
  claimsSinceOutcome: 1,
  fetchAttempts: 0,
  callbackAttempts: 0,
  redeliveries: 0,
  results: [],
  attemptLog: [],
  createdAt: now,
  updatedAt: now,
  deadlineAt: now + fetchDeadlineMs,
  dueAt: now + leaseMs,
  leasedUntil: now + leaseMs,
});

/** Providers without data or a refusal; none once the results are frozen. */
const pendingProviders = (job: Job): { providerId: string; retryAt: number }[] => {
  if (job.phase !== 'FETCHING') return [];
  const resultsById = new Map(job.results.map((result) => [result.providerId, result]));
  return job.providers.flatMap((providerId) => {
    const result = resultsById.get(providerId);
    if (result && result.status !== 'UNAVAILABLE') return [];
    return [{ providerId, retryAt: result?.retryAt ?? 0 }];
  });
};

/** Sweeps run every minute and an execution takes at most four minutes: a longer hold is an internal fault. */
const LONG_HOLD_MS = 5 * 60_000;

/**
 * The time that a claimed job has lost to internal faults, milliseconds: executions held it and reported no outcome, or no
 * sweep claimed it when it was due. Deadlines are extended by it.
 */
export const lostMs = ({ claimsSinceOutcome, heldSince, updatedAt }: LostTime, now: number): number => {
  const heldMs = Math.max(0, now - (heldSince ?? updatedAt));
  const isLost = claimsSinceOutcome > 1 || (heldSince !== undefined && heldMs > LONG_HOLD_MS);
  return isLost ? heldMs : 0;
};
export type LostTime = Pick<Job, 'claimsSinceOutcome' | 'heldSince' | 'updatedAt'>;

/** The execution's input for a job that was just claimed. */
export const toClaimedJob = (job: Job, trigger: ClaimedJob['trigger'], now: number): ClaimedJob => {
  if (job.leasedUntil === undefined) throw new TypeError('the job is not claimed: it has no lease');
  const pending = pendingProviders(job);
  const due = pending.filter(({ retryAt }) => retryAt <= now);
  return {
    v: job.parameters || job.metadata ? PAYLOAD_VERSION : PLAIN_PAYLOAD_VERSION,
    jobId: job.jobId,
    createdAt: job.createdAt,
    clientId: job.clientId,
    claims: job.claims,
    leasedUntil: job.leasedUntil,
    trigger,
    callbackUrl: job.callbackUrl,
    webhookId: job.redeliveries === 0 ? job.jobId : `${job.jobId}_r${job.redeliveries}`,
    order: job.providers,
    providers: due.map(({ providerId }) => providerId),
    isAnyWaiting: due.length < pending.length,
    checkpointed: job.results.length > 0,
    ...(job.parameters && { parameters: job.parameters }),
    ...(job.metadata && { metadata: job.metadata }),
    ...(job.round !== undefined && { round: job.round }),
    final: job.phase === 'FETCHING' && now >= job.deadlineAt + lostMs(job, now),
  };
};
