import type { FailureCode, JobStatus } from './job.ts';
import type { JobFilter } from './job-filter.ts';
import { toEpochSeconds } from './ttl.ts';

/** Statuses of jobs that can be redriven in bulk: all ended ones. */
export const REDRIVABLE_STATUSES = ['FAILED', 'PARTIAL', 'CANCELLED', 'COMPLETE'] as const satisfies JobStatus[];

export type RedrivableStatus = (typeof REDRIVABLE_STATUSES)[number];

/** Selects a client's jobs, either by status or those in trouble. Times are epoch milliseconds, `to` excluded. */
export type RedriveQuery = {
  status?: RedrivableStatus | readonly RedrivableStatus[] | undefined;
  /** Pending jobs with a failed attempt; without a status. */
  inTrouble?: true | undefined;
  providerId?: string | undefined;
  failureCode?: FailureCode | undefined;
  from: number;
  to: number;
};

export const toJobFilter = ({ status, ...filter }: RedriveQuery): JobFilter => ({
  ...filter,
  ...(status !== undefined && { statuses: [status].flat() }),
});

export type RedriveCounts = {
  redriven: number;
  /** Jobs that were claimed, changed or deleted meanwhile, or whose parameters or metadata were deleted. */
  skipped: number;
  /** Jobs left unchanged because of an internal fault: a table failed, or the function crashed on the job each time. */
  failed: number;
};

/**
 * A request to redrive many jobs. Sweeps process it page by page, newest jobs first. It is claimed for one page at a time,
 * with a lease and a fencing token like a job: if the process dies, the lease expires and another sweep repeats the page.
 * A client has at most one RUNNING redrive.
 */
export type Redrive = RedriveCounts & {
  redriveId: string;
  clientId: string;
  query: RedriveQuery;
  status: 'RUNNING' | 'COMPLETE';
  /** The fencing token. */
  claims: number;
  /** Pages claimed but not saved: +1 at each claim, lowered when the page is saved. See {@link pageSizeOf}. */
  stalls: number;
  /** Where the next page begins; absent before the first page. */
  cursor?: string | undefined;
  createdAt: number;
  updatedAt: number;
  /** When a sweep may claim it; absent once it is complete. */
  dueAt?: number | undefined;
  /** Epoch seconds; present once it is complete. */
  expiresAt?: number;
};

export const newRedrive = (redriveId: string, clientId: string, query: RedriveQuery, now: number): Redrive => ({
  redriveId,
  clientId,
  query,
  status: 'RUNNING',
  claims: 0,
  stalls: 0,
  redriven: 0,
  skipped: 0,
  failed: 0,
  createdAt: now,
  updatedAt: now,
  dueAt: now,
});

/** Jobs per page, while no page stalls. */
export const PAGE_JOBS = 25;

/** From this many stalls on, a page is a single job. */
const STALLS_OF_ONE_JOB = Math.floor(Math.log2(PAGE_JOBS));

/** After this many stalls the next job is abandoned: the function has crashed at least twice on that job alone. */
const STALLS_TO_ABANDON = STALLS_OF_ONE_JOB + 2;

/** A saved page lowers the stalls by this. If pages grew as fast as they shrink, every other one would stall. */
const RECOVERY = 1 / 8;

/** The stalls before the current claim, which counts as one until its page is saved. */
const stallsBefore = ({ stalls }: Pick<Redrive, 'stalls'>): number => Math.max(0, stalls - 1);

/**
 * The maximum number of jobs on the next page of a claimed redrive: halved for each page that was claimed and never saved,
 * because the function may have run out of memory or time.
 */
export const pageSizeOf = (redrive: Pick<Redrive, 'stalls'>): number =>
  Math.max(1, Math.floor(PAGE_JOBS / 2 ** Math.min(Math.ceil(stallsBefore(redrive)), STALLS_OF_ONE_JOB)));

/** Whether to abandon the first job of the next page. */
export const mustAbandonJob = (redrive: Pick<Redrive, 'stalls'>): boolean => stallsBefore(redrive) >= STALLS_TO_ABANDON;

/** @property dueAt when it may be claimed again, unless it is complete */
type Times = { now: number; dueAt: number };

/**
 * A claimed redrive after its page.
 *
 * @param cursor where the next page begins; undefined after the last
 * @param retentionMs how long it is kept after completion
 */
export const advanced = <Claimed extends Redrive>(
  redrive: Claimed,
  counts: RedriveCounts,
  cursor: string | undefined,
  { now, dueAt, retentionMs }: Times & { retentionMs: number },
): Claimed => {
  const next = {
    ...redrive,
    redriven: redrive.redriven + counts.redriven,
    skipped: redrive.skipped + counts.skipped,
    failed: redrive.failed + counts.failed,
    stalls: mustAbandonJob(redrive) ? STALLS_OF_ONE_JOB : Math.max(0, stallsBefore(redrive) - RECOVERY),
    updatedAt: now,
  };
  if (cursor !== undefined) return { ...next, cursor, dueAt };
  const ended = { status: 'COMPLETE', cursor: undefined, dueAt: undefined } as const;
  return { ...next, ...ended, expiresAt: toEpochSeconds(now + retentionMs) };
};

/** A claimed redrive whose page failed to start for reasons unrelated to its jobs: the claim does not count as a stall. */
export const postponed = <Claimed extends Redrive>(redrive: Claimed, { now, dueAt }: Times): Claimed => ({
  ...redrive,
  stalls: stallsBefore(redrive),
  updatedAt: now,
  dueAt,
});
