import type { JobStatus } from './job.ts';

/** What may be tried again, many at a time: jobs that are over. */
export const REDRIVABLE_STATUSES = ['FAILED', 'PARTIAL', 'CANCELLED', 'COMPLETE'] as const satisfies JobStatus[];

/** Which of a client's jobs: those of a status that were accepted in a span of time, epoch milliseconds, `to` excluded. */
export type RedriveQuery = { status: (typeof REDRIVABLE_STATUSES)[number]; from: number; to: number };

/** What became of the jobs that were found. */
export type RedriveCounts = {
  /** Tried again. */
  redriven: number;
  /** Taken or changed by somebody else in the meantime. */
  skipped: number;
  /** Left as they were, because our own tables failed. */
  failed: number;
};

/**
 * A wish to try many jobs again, which sweeps fulfil, page by page, newest first. It is due, and leased, as a job is: whoever
 * dies over it has it taken up by the next sweep. The page that was under way then is counted anew.
 */
export type Redrive = RedriveCounts & {
  redriveId: string;
  clientId: string;
  query: RedriveQuery;
  status: 'RUNNING' | 'COMPLETE';
  /** The fencing token. */
  claims: number;
  /** Where to go on; absent before the first page. */
  cursor?: string | undefined;
  createdAt: number;
  updatedAt: number;
  /** When a sweep may take it; absent when it is complete. */
  dueAt?: number | undefined;
  /** Epoch seconds; present when it is complete. */
  expiresAt?: number | undefined;
};

export const newRedrive = (redriveId: string, clientId: string, query: RedriveQuery, now: number): Redrive => ({
  redriveId,
  clientId,
  query,
  status: 'RUNNING',
  claims: 0,
  redriven: 0,
  skipped: 0,
  failed: 0,
  createdAt: now,
  updatedAt: now,
  dueAt: now,
});

/**
 * A redrive after another page.
 *
 * @param cursor where the next page begins; undefined after the last
 * @param dueAt when somebody else may take it, if there is more to do
 */
export const advanced = (
  redrive: Redrive,
  counts: RedriveCounts,
  cursor: string | undefined,
  { now, dueAt, retentionMs }: { now: number; dueAt: number; retentionMs: number },
): Redrive => {
  const next = {
    ...redrive,
    redriven: redrive.redriven + counts.redriven,
    skipped: redrive.skipped + counts.skipped,
    failed: redrive.failed + counts.failed,
    updatedAt: now,
  };
  if (cursor !== undefined) return { ...next, cursor, dueAt };
  const expiresAt = Math.ceil((now + retentionMs) / 1000);
  return { ...next, status: 'COMPLETE', cursor: undefined, dueAt: undefined, expiresAt };
};
