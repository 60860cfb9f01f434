import { JOB_STATUSES, type JobStatus } from './job.ts';
import { MAX_METADATA_BYTES, MAX_PARAMETERS_BYTES } from './job-input.ts';
import { isRecord } from './json-values.ts';
import { TOGETHER_MS } from './settle.ts';
import { isExpired } from './ttl.ts';

/** What a table should never hold, by name. */
export const FINDINGS = {
  PENDING_NEVER_DUE: 'Pending, but no sweep will find it. Redrive it.',
  LEASE_LONG_PAST: 'Held by an execution that is long over, and not taken since. Do sweeps run, and keep up?',
  DUE_LONG_PAST: 'Due for long, and not taken. Do sweeps run, and keep up? Is everything paused?',
  OVER_BUT_DUE: 'Over, but sweeps still find it.',
  OVER_WITHOUT_EXPIRY: 'Over, but kept for ever.',
  DUE_TOO_LATE: 'Due later than the first of its providers is to be asked. Redrive it.',
  RESULTS_WITHOUT_JOB: 'What was collected for a job that is not there. It expires by itself.',
  RESULT_MISSING:
    'The job says that it has what a provider gave, and it is not there. Redrive it: the provider is asked again.',
  INPUT_UNREADABLE: 'Its parameters or metadata can not be read, so it can not be claimed. Restore the item.',
  INPUT_TOO_LARGE:
    'Its parameters or metadata are larger than those of any request: with others it may not fit an execution.',
  INPUT_NOT_DELETED: 'Deleted at the wish of its caller, but for its parameters or metadata. Delete it again.',
  STRAY_PARAMETERS: 'Has parameters for a provider that it does not name: nothing uses them.',
  UNREADABLE: 'Nothing that this version knows.',
} as const;
export type FindingName = keyof typeof FINDINGS;

/** What an audit looks at of one job and its results: everything under one key of the table. */
export type AuditedJob = {
  jobId: string;
  /** The job itself, as it is stored; absent where there are results only. */
  job?: {
    status?: unknown;
    phase?: unknown;
    updatedAt?: number;
    dueShard?: number;
    dueAt?: number;
    leasedUntil?: number;
    expiresAt?: number;
    expungedAt?: number;
    /** A list; or, of a job with parameters or metadata, the JSON text of one. */
    providers?: unknown;
    /** JSON text. */
    parameters?: unknown;
    /** JSON text. */
    metadata?: unknown;
    results?: { providerId: string; status: string; retryAt?: number }[];
  };
  /** Providers whose results are kept. */
  kept: string[];
  /** When the last of those results expires, epoch seconds. */
  keptUntil: number;
};

/** Sweeps come every minute: what has waited for so long waits for another reason. */
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
  const retryTimes = results.flatMap(({ status, retryAt }) => (status === 'UNAVAILABLE' ? (retryAt ?? []) : []));
  const isLate =
    leasedUntil === undefined &&
    job.phase === 'FETCHING' &&
    (dueAt ?? 0) > Math.max(updatedAt, Math.min(...retryTimes)) + TOGETHER_MS;
  const there = new Set(kept);
  const isMissing = results.some((result) => result.status === 'FETCHED' && !there.has(result.providerId));
  return [
    ...inputFindings,
    ...(isMissing && expungedAt === undefined ? (['RESULT_MISSING'] as const) : []),
    ...(isLate ? (['DUE_TOO_LATE'] as const) : []),
    ...judgeTimes({ dueShard, dueAt, leasedUntil }, now),
  ];
};

const judgeTimes = (
  { dueShard, dueAt, leasedUntil }: { [Name in 'dueShard' | 'dueAt' | 'leasedUntil']: number | undefined },
  now: number,
): FindingName[] => {
  if (dueShard === undefined || dueAt === undefined) return ['PENDING_NEVER_DUE'];
  if (leasedUntil !== undefined) return now - Math.max(leasedUntil, dueAt) > LONG_MS ? ['LEASE_LONG_PAST'] : [];
  return now - dueAt > LONG_MS ? ['DUE_LONG_PAST'] : [];
};

const isScalar = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value);
const isString = (value: unknown): boolean => typeof value === 'string';
const isRecordOf = (value: unknown, isValue: (value: unknown) => boolean): value is Record<string, unknown> =>
  isRecord(value) && Object.values(value).every(isValue);

/** Undefined where it is no JSON text. */
const parse = (text: unknown): unknown => {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
};

/** What a caller gave with the job. */
const judgeInput = ({ providers, parameters, metadata, expungedAt }: NonNullable<AuditedJob['job']>): FindingName[] => {
  if (parameters === undefined && metadata === undefined) return [];
  const names = parse(providers);
  const given = parse(parameters ?? '{}');
  const isReadable =
    Array.isArray(names) &&
    isRecordOf(given, (one) => isRecordOf(one, isScalar)) &&
    isRecordOf(parse(metadata ?? '{}'), isString);
  if (!isReadable) return ['INPUT_UNREADABLE'];
  const isTooLarge = textBytes(parameters) > MAX_PARAMETERS_BYTES || textBytes(metadata) > MAX_METADATA_BYTES;
  const isStray = Object.keys(given).some((providerId) => !names.includes(providerId));
  return [
    ...(isTooLarge ? (['INPUT_TOO_LARGE'] as const) : []),
    ...(isStray ? (['STRAY_PARAMETERS'] as const) : []),
    ...(expungedAt === undefined ? [] : (['INPUT_NOT_DELETED'] as const)),
  ];
};

const textBytes = (text: unknown): number => (text === undefined ? 0 : Buffer.byteLength(String(text)));
