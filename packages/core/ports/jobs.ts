import type { FetchedResult, Job, StoredResult } from '../domain/job.ts';
import type { JobFilter } from '../domain/job-filter.ts';
import type { JobSummary } from '../domain/job-summary.ts';
import type { Settlement } from '../domain/settle.ts';

/** The request that created a job. The id detects a resent write, the hash a different request with the same idempotency key. */
export type IntakeRequest = { requestId: string; requestHash: string };

/** Creation of jobs. */
export type JobIntake = {
  /**
   * Stores a new job, leased to the execution that is about to start, unless an unexpired job has its id. Atomic: of
   * concurrent calls with one id, exactly one creates the job.
   * @returns the stored job, and whether this request created it
   */
  create: (
    job: Job,
    request: IntakeRequest,
    now: number,
  ) => Promise<{ isNew: boolean; job: Job; requestHash: string | undefined }>;
  /** The job and the hash of its request; undefined if missing or expired. One consistent read. */
  find: (jobId: string, now: number) => Promise<{ job: Job; requestHash: string | undefined } | undefined>;
};

/** Changes to a job outside its normal flow. */
export type JobControl = {
  /**
   * Releases a claim whose execution could not be started. The job is due immediately.
   * @throws StaleClaim if a newer claim exists
   */
  release: (jobId: string, claims: number, now: number) => Promise<void>;
  /**
   * Overwrites a job if it was neither claimed nor settled since it was read. Removes its inline results.
   * @throws StaleClaim otherwise
   */
  replace: (read: Job, next: Job) => Promise<void>;
};

/** An entry of the due index. The index lags behind the table, so only a claim shows whether the job is still due. */
export type DueEntry = {
  jobId: string;
  claims: number;
  /** Epoch milliseconds. */
  dueAt: number;
  /** Present while a claim holds the job. */
  leasedUntil?: number;
};

/** Jobs that are due. */
export type DueJobs = {
  /** The due entries of one shard, longest due first, page by page. */
  find: (shard: number, now: number) => AsyncIterable<DueEntry[]>;
  /**
   * Claims a job. The holder may write until `now + leaseMs`. The job can't be claimed again before that, or longer if earlier
   * claims were not settled (`holdMs`). Undefined if the job is no longer due or another claim was faster.
   * @param pausedUntil end of the last pause of all claims, epoch milliseconds; `heldSince` is never earlier
   */
  claim: (entry: DueEntry, now: number, leaseMs: number, pausedUntil?: number) => Promise<Job | undefined>;
};

/** The data of a provider: JSON text of `bytes` UTF-8 bytes. */
export type ProviderResultData = { providerId: string; fetchedAt: number; bytes: number; json: string };

/** The parts of a stored result's item keys. */
export type ResultKey = Pick<FetchedResult, 'providerId' | 'digest' | 'chunks'>;

/** Storage of results of unfinished jobs, and of results too large for the state machine's payload. Times are epoch seconds. */
export type ResultStore = {
  /**
   * Stores a result of any size.
   * @returns the parts of its item keys
   * @throws StaleClaim if a newer claim has stored a result
   */
  save: (jobId: string, claims: number, result: ProviderResultData, expiresAt: number) => Promise<StoredResult>;
  /**
   * Extends a result's expiry without reading it. Consumes the write units of the whole result.
   * @returns false if the result is missing or incomplete
   */
  renew: (jobId: string, result: ResultKey, expiresAt: number) => Promise<boolean>;
  /** Deletes a result stored under a claim. A result stored by a newer claim stays. */
  remove: (jobId: string, claims: number, result: ResultKey) => Promise<void>;
  /**
   * The job with all its stored results, in one consistent read. Incomplete results are left out. Undefined if the job does
   * not exist.
   */
  load: (jobId: string) => Promise<{ job: Job; results: ProviderResultData[] } | undefined>;
  /** Deletes all stored results of a job except its inline ones. */
  expunge: (jobId: string) => Promise<void>;
};

/** Storage of execution outcomes. */
export type JobOutcomes = {
  /**
   * Writes an outcome if the claim is still the newest and has no outcome yet.
   * @param data results to keep inline in a finished job
   * @throws StaleClaim otherwise
   */
  save: (jobId: string, claims: number, settlement: Settlement, data?: ProviderResultData[]) => Promise<void>;
};

/** A page of a list. `cursor` begins the next page; it is absent on the last one. */
export type JobPage<Entry> = { jobs: Entry[]; cursor?: string };

/** What the index holds of every job; jobs that ended under earlier versions have no `endedAt`. */
export type JobEntry = Pick<Job, 'jobId' | 'status' | 'createdAt' | 'endedAt'>;

/** A job with its inline results: those fetched by the execution that delivered the callback. */
export type JobWithData = { job: Job; inline: ProviderResultData[] };

export type JobListQuery = JobFilter & {
  clientId: string;
  limit: number;
  /** The cursor of the previous page. */
  after?: string | undefined;
  now: number;
};

/** Read access to jobs. */
export type JobReader = {
  /** The job; undefined if missing or expired. */
  get: (jobId: string, now: number) => Promise<Job | undefined>;
  /** Like `get`, with the inline results; results stored as separate items are not read. */
  getWithData: (jobId: string, now: number) => Promise<JobWithData | undefined>;
  /**
   * A client's jobs, newest first. One call reads a limited number of entries, so a page may hold fewer than `limit` jobs, or
   * none, and still have a cursor. Each cursor is older than the previous one.
   */
  list: (query: JobListQuery) => Promise<JobPage<JobSummary>>;
  /** Like `list`, but reads only index entries where they can tell whether a job is selected. */
  find: (query: JobListQuery) => Promise<JobPage<JobEntry>>;
};
