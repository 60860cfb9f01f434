import type { JobStatus } from './job.ts';
import { toEpochSeconds } from './ttl.ts';

/** What may be tried again, many at a time: jobs that are over. */
export const REDRIVABLE_STATUSES = ['FAILED', 'PARTIAL', 'CANCELLED', 'COMPLETE'] as const satisfies JobStatus[];

/** Which of a client's jobs: those of a status that were accepted in a span of time, epoch milliseconds, `to` excluded. */
export type RedriveQuery = { status: (typeof REDRIVABLE_STATUSES)[number]; from: number; to: number };

/** What became of the jobs that were found. */
export type RedriveCounts = {
  /** Tried again. */
  redriven: number;
  /** Taken or changed by somebody else in the meantime; or their parameters or metadata were deleted. */
  skipped: number;
  /** Left as they were: our own tables failed, or the function died each time it came to the job. */
  failed: number;
};

/**
 * A request to try many jobs again, which sweeps work off page by page, newest first. It is claimed for one page at a time, by
 * the same lease and fencing token as a job: if the process dies, the lease expires and another sweep does that page again.
 * A client has at most one that is RUNNING.
 */
export type Redrive = RedriveCounts & {
  redriveId: string;
  clientId: string;
  query: RedriveQuery;
  status: 'RUNNING' | 'COMPLETE';
  /** The fencing token. */
  claims: number;
  /** How much trouble its pages made: +1 at each claim, lowered when the page is saved. See {@link pageSizeOf}. */
  stalls: number;
  /** Where to go on; absent before the first page. */
  cursor?: string | undefined;
  createdAt: number;
  updatedAt: number;
  /** When a sweep may claim it; absent when it is complete. */
  dueAt?: number | undefined;
  /** Epoch seconds; present when it is complete. */
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

/** How many jobs are tried again at once, as long as no page stalls. */
export const PAGE_JOBS = 25;

/** From so many stalls on a page is a single job. */
const STALLS_OF_ONE_JOB = Math.floor(Math.log2(PAGE_JOBS));

/** After so many stalls the job that its page comes to is given up: the function died over it alone, at least twice. */
const STALLS_TO_GIVE_UP = STALLS_OF_ONE_JOB + 2;

/** What a saved page takes off the stalls: pages grow more slowly than they shrink, or every other one would die. */
const RECOVERY = 1 / 8;

/** The stalls before the present claim, which counts as one until its page is saved. */
const stallsBefore = ({ stalls }: Pick<Redrive, 'stalls'>): number => Math.max(0, stalls - 1);

/**
 * How many jobs the next page of a claimed redrive may hold: half as many for each page that was claimed and never saved. Its
 * function may have run out of memory or time.
 */
export const pageSizeOf = (redrive: Pick<Redrive, 'stalls'>): number =>
  Math.max(1, PAGE_JOBS >> Math.min(Math.ceil(stallsBefore(redrive)), STALLS_OF_ONE_JOB));

/** Whether the job that the next page comes to must not be tried any more. */
export const isToGiveUp = (redrive: Pick<Redrive, 'stalls'>): boolean => stallsBefore(redrive) >= STALLS_TO_GIVE_UP;

type Times = { now: number /** When it may be claimed again, if there is more to do. */; dueAt: number };

/**
 * A claimed redrive after its page.
 *
 * @param cursor where the next page begins; undefined after the last
 * @param retentionMs how long it is kept after it is complete
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
    stalls: isToGiveUp(redrive) ? STALLS_OF_ONE_JOB : Math.max(0, stallsBefore(redrive) - RECOVERY),
    updatedAt: now,
  };
  if (cursor !== undefined) return { ...next, cursor, dueAt };
  const ended = { status: 'COMPLETE', cursor: undefined, dueAt: undefined } as const;
  return { ...next, ...ended, expiresAt: toEpochSeconds(now + retentionMs) };
};

/** A claimed redrive whose page could not begin, for a failure that is no fault of its jobs: the claim does not count as a stall. */
export const postponed = <Claimed extends Redrive>(redrive: Claimed, { now, dueAt }: Times): Claimed => ({
  ...redrive,
  stalls: stallsBefore(redrive),
  updatedAt: now,
  dueAt,
});
