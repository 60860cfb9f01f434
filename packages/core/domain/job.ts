import type { ClaimedJob } from '../contracts/claimed-job.ts';
import { PAYLOAD_VERSION, PLAIN_PAYLOAD_VERSION } from '../contracts/payload-version.ts';
import type { TaskFailure } from '../contracts/task-failure.ts';
import type { Parameters } from './catalogue/provider-schema.ts';
import type { Ticket } from './outcomes.ts';

export const JOB_STATUSES = ['PENDING', 'COMPLETE', 'PARTIAL', 'FAILED', 'CANCELLED'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** A job first collects, then calls back; it never goes the other way. */
export type Phase = 'FETCHING' | 'CALLING_BACK';

/** Parameters by provider id. */
export type JobParameters = Readonly<Record<string, Parameters>>;

/** Up to 20 strings by name, 1 KiB of JSON in all. */
export type Metadata = Readonly<Record<string, string>>;

/** How a result is stored, so that it can be renewed and deleted by key, unread. */
export type StoredResult = {
  /** Part of the keys of all chunks but the first; absent of a result that is not compressed. */
  digest?: string | undefined;
  /** Absent of results that earlier versions stored. */
  chunks?: number | undefined;
  /** When it expires, epoch seconds; absent of results that earlier versions stored. */
  keptUntil?: number | undefined;
};

/** What is known of one provider of a job. A provider that has not been tried yet has no result. */
export type ProviderResult = GivenResult | RefusedResult | PendingResult;
export type GivenResult = StoredResult &
  InRound & { providerId: string; status: 'FETCHED'; fetchedAt: number; bytes: number };
export type RefusedResult = InRound & { providerId: string; status: 'REFUSED'; error: TaskFailure };
/** Times are epoch milliseconds. */
export type PendingResult = InRound & {
  providerId: string;
  status: 'UNAVAILABLE';
  /** The last failure of the provider itself; as long as there was none, why it was not asked. */
  error: TaskFailure;
  /** How often it failed in a row of attempts; absent of what earlier versions stored, which counted by job. */
  attempts?: number | undefined;
  /** When to ask again; absent: at once. */
  retryAt?: number | undefined;
  /** Why the last attempt did not ask it, on purpose; absent once it was asked. */
  deferred?: TaskFailure | undefined;
  /** Where the provider's unfinished work is asked for. */
  ticket?: Ticket | undefined;
};
/** The round of requests that a result is of: +1 when a ticket is given up; absent: the job's. */
type InRound = { round?: number | undefined };

/** One try of a call, as an execution knows it: its last one, when quick retries came before. */
export type Call = {
  status: 'OK' | 'FAILED';
  class?: string | undefined;
  statusCode?: number | undefined;
  /** Epoch milliseconds. */
  startedAt?: number | undefined;
  durationMs?: number | undefined;
  /** How often the execution tried, quick retries included; absent where the task died without a word. */
  tries?: number | undefined;
  /** The first characters of what was answered. */
  excerpt?: string | undefined;
};

/** What one execution did for a job. */
export type Attempt = {
  /** The claim under which it ran. */
  number: number;
  trigger: ClaimedJob['trigger'];
  /** Epoch milliseconds; when its first call that is known began. Attempts of earlier versions lack it. */
  startedAt?: number;
  /** Epoch milliseconds. */
  endedAt: number;
  fetches: (Call & { providerId: string })[];
  callback?: Call;
  /** When the next one is due; absent when the job is over. */
  nextAttemptAt?: number | undefined;
};

/** How many attempts a job's log keeps. */
export const ATTEMPT_LOG_LIMIT = 20;

/** A job as it is stored. All times are epoch milliseconds, but for `expiresAt`: DynamoDB's TTL wants epoch seconds. */
export type Job = {
  v: 1;
  jobId: string;
  clientId: string;
  callbackUrl: string;
  providers: string[];
  /** What the caller gave providers, by their ids, as posted: defaults are filled in when a provider is asked. */
  parameters?: JobParameters;
  /** The caller's own words, echoed in the callback. Never logged. */
  metadata?: Metadata;
  /** Providers recognise repeated requests within a round; each redrive begins another. Absent: 0. */
  round?: number;
  status: JobStatus;
  phase: Phase;
  /** How often it was taken: the fencing token. */
  claims: number;
  /** How often it was claimed since the last outcome. */
  claimsSinceOutcome: number;
  /**
   * Since when it has been in our hands, after the last outcome: from when it was due, or its execution began. Absent while
   * that is `updatedAt`.
   */
  heldSince?: number;
  /** How many executions in a row have failed by faults of ours alone; absent: none. */
  ownFaults?: number;
  fetchAttempts: number;
  callbackAttempts: number;
  /** How often it was redriven after a delivery: each sends a callback of its own. */
  redeliveries: number;
  results: ProviderResult[];
  attemptLog: Attempt[];
  createdAt: number;
  updatedAt: number;
  /** When fetching ends, and what there is goes out. */
  deadlineAt: number;
  /** When a receiver that is only ever put off is given up; set once a callback has failed. */
  callbackDeadlineAt?: number;
  /** Why the last callback was not sent, on purpose; absent once one was. */
  callbackDeferred?: TaskFailure;
  /** When it is next to be claimed; while it is held, when others may claim it; absent once it is over. */
  dueAt?: number;
  /** Present only while an execution holds it. */
  leasedUntil?: number;
  /** Why it ended `FAILED`. */
  failure?: { code: FailureCode; message: string };
  /** When what was collected for it was deleted at its caller's wish. */
  expungedAt?: number;
  /** Whether it had parameters or metadata that were deleted then: it can't be tried again without them. */
  isInputDeleted?: boolean;
  expiresAt?: number;
};

export type FailureCode =
  | 'CALLBACK_EXHAUSTED'
  | 'CALLBACK_GONE'
  | 'CALLBACK_TOO_LARGE'
  | 'CLIENT_REVOKED'
  | 'NEVER_SETTLED'
  | 'RESULT_MISSING';

/** What the caller gave a provider of a job. Ids may be names that every object has: `constructor` is one. */
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

/** A job at birth: leased to the execution that is started with it. */
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

/** Providers that have neither given nor refused; none once the results are frozen. */
const pendingProviders = (job: Job): { providerId: string; retryAt: number }[] => {
  if (job.phase !== 'FETCHING') return [];
  const known = new Map(job.results.map((result) => [result.providerId, result]));
  return job.providers.flatMap((providerId) => {
    const result = known.get(providerId);
    if (result && result.status !== 'UNAVAILABLE') return [];
    return [{ providerId, retryAt: result?.retryAt ?? 0 }];
  });
};

/** Sweeps come every minute, and an execution takes four at most: what takes longer than both waited for a fault of ours. */
const LATE_MS = 5 * 60_000;

/**
 * How much time a claimed job has lost to faults of ours, milliseconds: it was held by executions that were never heard of
 * again, or nothing claimed it when it was due. Deadlines are extended by it.
 */
export const lostMs = ({ claimsSinceOutcome, heldSince, updatedAt }: LostTime, now: number): number => {
  const heldMs = Math.max(0, now - (heldSince ?? updatedAt));
  const isLost = claimsSinceOutcome > 1 || (heldSince !== undefined && heldMs > LATE_MS);
  return isLost ? heldMs : 0;
};
export type LostTime = Pick<Job, 'claimsSinceOutcome' | 'heldSince' | 'updatedAt'>;

/** What an execution needs of a job that was just claimed. */
export const toClaimedJob = (job: Job, trigger: ClaimedJob['trigger'], now: number): ClaimedJob => {
  if (job.leasedUntil === undefined) throw new TypeError('a claimed job has a lease');
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
