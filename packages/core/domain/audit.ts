import { isScalar } from './catalogue/value-rules.ts';
import { JOB_STATUSES, type JobStatus } from './job.ts';
import { MAX_METADATA_BYTES, MAX_PARAMETERS_BYTES } from './job-input.ts';
import { isRecord } from './json-values.ts';
import { DUE_TOGETHER_MS } from './settle.ts';
import { isExpired } from './ttl.ts';

/** Inconsistencies that an audit reports, by name. */
export const FINDINGS = {
  PENDING_NEVER_DUE: 'Pending, but not in the due index, so no sweep will claim it. Redrive it.',
  LEASE_LONG_PAST: 'Its lease expired long ago and no sweep has claimed it. Check that sweeps run and keep up.',
  DUE_LONG_PAST: 'Overdue and unclaimed. Check that sweeps run and keep up, and whether everything is paused.',
  OVER_BUT_DUE: 'Ended, but still in the due index.',
  OVER_WITHOUT_EXPIRY: 'Ended, but never expires.',
  DUE_TOO_LATE: 'Due after the retry time of its first pending provider. Redrive it.',
  RESULTS_WITHOUT_JOB: 'Results without a job. They expire on their own.',
  RESULT_MISSING: 'The job refers to a result that is not stored. Redrive it to fetch the result again.',
  INPUT_UNREADABLE: 'Its parameters or metadata are unreadable, so it cannot be claimed. Restore the item.',
  INPUT_TOO_LARGE:
    'Its parameters or metadata exceed the limit for requests: together with other jobs it may not fit into an execution.',
  INPUT_NOT_DELETED:
    "Its data was deleted at the caller's request, except its parameters or metadata. Delete it again.",
  TROUBLE_NOT_LISTED:
    'Pending after a failed attempt, but not in the list of jobs in trouble. Harmless: jobs whose last attempt failed under an earlier version are listed from their next failed attempt on.',
  STRAY_PARAMETERS: 'Has unused parameters for a provider that it does not request.',
  UNREADABLE: 'Not an item that this version can read.',
} as const;
export type FindingName = keyof typeof FINDINGS;

/** Findings that are expected after an upgrade. They are reported, but the audit does not fail because of them. */
export const HARMLESS_FINDINGS: ReadonlySet<FindingName> = new Set(['TROUBLE_NOT_LISTED'] as const);

/** One job and its results as an audit reads them: everything under one partition key. */
export type AuditedJob = {
  jobId: string;
  /** The stored job; absent if there are only results. */
  job?: {
    status?: unknown;
    phase?: unknown;
    updatedAt?: number;
    dueShard?: number;
    dueAt?: number;
    leasedUntil?: number;
    expiresAt?: number;
    expungedAt?: number;
    callbackAttempts?: number;
    undeliveredShard?: string;
    /** A list; for a job with parameters or metadata, the JSON text of one. */
    providers?: unknown;
    /** JSON text. */
    parameters?: unknown;
    /** JSON text. */
    metadata?: unknown;
    results?: { providerId: string; status: string; retryAt?: number; attempts?: number }[];
  };
  /** Providers whose results are stored. */
  kept: string[];
  /** When the last of those results expires, epoch seconds. */
  keptUntil: number;
};

/** Sweeps run every minute, so a longer wait has another cause. */
const LONG_MS = 10 * 60_000;

const isStatus = (status: unknown): status is JobStatus => JOB_STATUSES.includes(status as JobStatus);

/** Everything that is wrong with a job. */
export const auditJob = ({ job, kept, keptUntil }: AuditedJob, now: number): FindingName[] => {
  if (!job) return isExpired({ expiresAt: keptUntil }, now) ? [] : ['RESULTS_WITHOUT_JOB'];
  const { status, dueShard, dueAt, leasedUntil, expiresAt, expungedAt, results, updatedAt = 0 } = job;
  if (!isStatus(status) || !Array.isArray(results)) return ['UNREADABLE'];
  const inputFindings = judgeInput(job);
  if (status !== 'PENDING') {
    const isDue = dueShard !== undefined || dueAt !== undefined || leasedUntil !== undefined;
    return [
      ...inputFindings,
      ...(isDue ? (['OVER_BUT_DUE'] as const) : []),
      ...(expiresAt === undefined ? (['OVER_WITHOUT_EXPIRY'] as const) : []),
    ];
  }
  const retryTimes = results.flatMap((result) => (result.status === 'UNAVAILABLE' ? (result.retryAt ?? []) : []));
  const isLate =
    leasedUntil === undefined &&
    job.phase === 'FETCHING' &&
    retryTimes.length > 0 &&
    (dueAt ?? 0) > Math.max(updatedAt, Math.min(...retryTimes)) + DUE_TOGETHER_MS;
  const stored = new Set(kept);
  const isMissing = results.some((result) => result.status === 'FETCHED' && !stored.has(result.providerId));
  return [
    ...inputFindings,
    ...(isMissing && expungedAt === undefined ? (['RESULT_MISSING'] as const) : []),
    ...(isLate ? (['DUE_TOO_LATE'] as const) : []),
    ...(hasFailedAttempt(job) && job.undeliveredShard === undefined ? (['TROUBLE_NOT_LISTED'] as const) : []),
    ...judgeTimes({ dueShard, dueAt, leasedUntil }, now),
  ];
};

/** Whether a pending job's state shows a failed attempt. Some failures leave no trace there. */
const hasFailedAttempt = ({ results = [], callbackAttempts = 0 }: NonNullable<AuditedJob['job']>): boolean =>
  callbackAttempts > 0 || results.some(({ status, attempts = 0 }) => status === 'UNAVAILABLE' && attempts > 0);

const judgeTimes = (
  { dueShard, dueAt, leasedUntil }: { [Name in 'dueShard' | 'dueAt' | 'leasedUntil']: number | undefined },
  now: number,
): FindingName[] => {
  if (dueShard === undefined || dueAt === undefined) return ['PENDING_NEVER_DUE'];
  if (leasedUntil !== undefined) return now - Math.max(leasedUntil, dueAt) > LONG_MS ? ['LEASE_LONG_PAST'] : [];
  return now - dueAt > LONG_MS ? ['DUE_LONG_PAST'] : [];
};

const isString = (value: unknown): boolean => typeof value === 'string';
const isRecordOf = (value: unknown, isValue: (value: unknown) => boolean): value is Record<string, unknown> =>
  isRecord(value) && Object.values(value).every(isValue);

/** The value of a JSON text; undefined for any other text. */
const parse = (text: unknown): unknown => {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
};

/** Audits parameters and metadata. */
const judgeInput = ({ providers, parameters, metadata, expungedAt }: NonNullable<AuditedJob['job']>): FindingName[] => {
  if (parameters === undefined && metadata === undefined) return [];
  const names = parse(providers);
  const byProvider = parse(parameters ?? '{}');
  const isReadable =
    Array.isArray(names) &&
    isRecordOf(byProvider, (values) => isRecordOf(values, isScalar)) &&
    isRecordOf(parse(metadata ?? '{}'), isString);
  if (!isReadable) return ['INPUT_UNREADABLE'];
  const isTooLarge = textBytes(parameters) > MAX_PARAMETERS_BYTES || textBytes(metadata) > MAX_METADATA_BYTES;
  const isStray = Object.keys(byProvider).some((providerId) => !names.includes(providerId));
  return [
    ...(isTooLarge ? (['INPUT_TOO_LARGE'] as const) : []),
    ...(isStray ? (['STRAY_PARAMETERS'] as const) : []),
    ...(expungedAt === undefined ? [] : (['INPUT_NOT_DELETED'] as const)),
  ];
};

const textBytes = (text: unknown): number => (text === undefined ? 0 : Buffer.byteLength(String(text)));
