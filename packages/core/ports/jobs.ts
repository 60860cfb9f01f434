import type { GivenResult, Job, JobStatus, StoredResult } from '../domain/job.ts';
import type { Settlement } from '../domain/settle.ts';

/** The request that a job came with: a repeated one is known by its id, a different one under the same key by its hash. */
export type IntakeRequest = { requestId: string; requestHash: string };

/** Where jobs are born. */
export type JobIntake = {
  /**
   * Stores a new job, leased to the execution that is about to start, unless one that has not expired has its id. Atomic:
   * of many at the same time, one is new.
   * @returns the job as it is stored now, and whether this request made it
   */
  create: (
    job: Job,
    request: IntakeRequest,
    now: number,
  ) => Promise<{ isNew: boolean; job: Job; requestHash: string | undefined }>;
  /** The job of this id with the hash of its request, unless there is none or it has expired. One consistent read. */
  find: (jobId: string, now: number) => Promise<{ job: Job; requestHash: string | undefined } | undefined>;
};

/** Taking a job out of the order of events. */
export type JobControl = {
  /**
   * Gives back a claim whose execution could not be started: the job is due at once.
   * @throws StaleClaim when somebody else has taken it
   */
  release: (jobId: string, claims: number, now: number) => Promise<void>;
  /**
   * Writes a job as it is to be, on the condition that nobody has taken or settled it since it was read. Results that it
   * kept inline are dropped.
   * @throws StaleClaim when somebody has
   */
  replace: (read: Job, next: Job) => Promise<void>;
};

/** A job as the index of due jobs shows it; the index lags, so only taking it tells whether it is still due. */
export type DueEntry = {
  jobId: string;
  claims: number;
  /** Epoch milliseconds. */
  dueAt: number;
  /** Present where it is held, not waiting. */
  leasedUntil?: number;
};

/** The jobs whose time has come. */
export type DueJobs = {
  /** Entries that are due in one shard, the longest due first, page by page. */
  find: (shard: number, now: number) => AsyncIterable<DueEntry[]>;
  /**
   * Claims a job: its holder may write until `now + leaseMs`, and nobody else claims it until then, or longer where the
   * claims before were not settled (`holdMs`). Undefined when it is not due any more or another claim was faster.
   * @param pausedUntil until when operators kept everything from being claimed, epoch milliseconds: `heldSince` is not before
   */
  claim: (entry: DueEntry, now: number, leaseMs: number, pausedUntil?: number) => Promise<Job | undefined>;
};

/** What a provider gave: its JSON text, of `bytes` UTF-8 bytes. */
export type ProviderResultData = { providerId: string; fetchedAt: number; bytes: number; json: string };

/** A stored result, by what its keys are made of. */
export type ResultKey = Pick<GivenResult, 'providerId' | 'digest' | 'chunks'>;

/** Where results are stored while a job is not over, and those that are too large to travel. Times are epoch seconds. */
export type ResultStore = {
  /**
   * Stores what a provider gave, of any size.
   * @returns what its keys are made of
   * @throws StaleClaim when a newer claim has stored its own
   */
  save: (jobId: string, claims: number, result: ProviderResultData, expiresAt: number) => Promise<StoredResult>;
  /**
   * Prolongs a result's life, unread. Costs the units of the whole result.
   * @returns false when it is not there any more, or not whole
   */
  renew: (jobId: string, result: ResultKey, expiresAt: number) => Promise<boolean>;
  /** Deletes a result that was stored under a claim; what a newer claim has stored in its place stays. */
  remove: (jobId: string, claims: number, result: ResultKey) => Promise<void>;
  /**
   * The job with all that is stored for it, in one consistent read. A result that is not whole is absent. Undefined when
   * there is no such job.
   */
  load: (jobId: string) => Promise<{ job: Job; results: ProviderResultData[] } | undefined>;
  /** Deletes all that was stored for a job, but for what the job itself holds. */
  expunge: (jobId: string) => Promise<void>;
};

/** Where the outcome of an execution goes. */
export type JobOutcomes = {
  /**
   * Writes an outcome, on the condition that the claim is still the newest and not settled yet.
   * @param data results to keep with the job when it is over
   * @throws StaleClaim when it is not
   */
  save: (jobId: string, claims: number, settlement: Settlement, data?: ProviderResultData[]) => Promise<void>;
};

export type JobSummary = Pick<Job, 'jobId' | 'status' | 'createdAt'>;
export type JobPage = { jobs: JobSummary[] /** Where the next page begins; absent on the last. */; cursor?: string };

/** A job, and the results that it holds itself: those that the execution which delivered had fetched. */
export type JobWithData = { job: Job; inline: ProviderResultData[] };

export type JobListQuery = {
  clientId: string;
  status?: JobStatus | undefined;
  /** Only jobs that were accepted at or after this time, epoch milliseconds. */
  from?: number | undefined;
  /** Only jobs that were accepted before this time, epoch milliseconds. */
  to?: number | undefined;
  limit: number;
  /** The cursor of the page before. */
  after?: string | undefined;
  now: number;
};

/** What callers may see. */
export type JobReader = {
  /** The job, unless there is none or it has expired. */
  get: (jobId: string, now: number) => Promise<Job | undefined>;
  /** As `get`, with the results that the job holds itself, and none that is stored beside it. */
  getWithData: (jobId: string, now: number) => Promise<JobWithData | undefined>;
  /**
   * A client's jobs, newest first. What one call reads is capped, so that a page may hold fewer than `limit` jobs, or none, and
   * still have a cursor; each cursor is older than the one before.
   */
  list: (query: JobListQuery) => Promise<JobPage>;
};
