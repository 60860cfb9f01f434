import { JOB_STATUSES, type JobStatus } from './job.ts';

/** Bucket sizes, milliseconds. Buckets begin at multiples of their size since 1970 (UTC). */
export const BUCKET_MS = {
  minute: 60_000,
  '5minutes': 5 * 60_000,
  hour: 3_600_000,
  '6hours': 6 * 3_600_000,
  day: 24 * 3_600_000,
} as const;
export type BucketSize = keyof typeof BUCKET_MS;
export const BUCKET_SIZES = Object.keys(BUCKET_MS) as [BucketSize, ...BucketSize[]];

/** A span of time, epoch milliseconds, `to` excluded. */
export type Span = { from: number; to: number };

const DEFAULT_BUCKETS = 60;

/** How many buckets of a size overlap a span. */
export const countBuckets = ({ from, to }: Span, size: BucketSize): number =>
  Math.floor((to - 1) / BUCKET_MS[size]) - Math.floor(from / BUCKET_MS[size]) + 1;

/** The finest size with at most 60 buckets in a span; a day for longer spans. */
export const chooseBucket = (span: Span): BucketSize =>
  BUCKET_SIZES.find((size) => countBuckets(span, size) <= DEFAULT_BUCKETS) ?? 'day';

export type StatusCounts = Record<JobStatus, number>;

/** Counts of a client's jobs that were accepted in a span. Times are epoch milliseconds. */
export type JobStats = {
  buckets: (StatusCounts & { from: number })[];
  totals: StatusCounts;
  /** Delivered jobs among those that ended without being cancelled; undefined if there are none. */
  deliveredShare: number | undefined;
  /** From acceptance to the end of delivered jobs; undefined if there are none. */
  timeToCallbackMs: { p50: number; p95: number } | undefined;
  oldestPendingAt: number | undefined;
};

/** `endedAt` is absent from pending jobs, and from jobs that ended under earlier versions. */
export type CountedJob = { status: JobStatus; createdAt: number; endedAt?: number | undefined };

/**
 * @param jobs the jobs accepted in the span
 * @param size the size of the buckets; every bucket that overlaps the span is returned
 */
export const jobStats = (jobs: readonly CountedJob[], span: Span, size: BucketSize): JobStats => {
  const first = Math.floor(span.from / BUCKET_MS[size]);
  const buckets = Array.from({ length: countBuckets(span, size) }, (_, index) => ({
    from: (first + index) * BUCKET_MS[size],
    ...zeroCounts(),
  }));
  const totals = zeroCounts();
  for (const { status, createdAt } of jobs) {
    totals[status] += 1;
    const bucket = buckets[Math.floor(createdAt / BUCKET_MS[size]) - first];
    if (bucket) bucket[status] += 1;
  }
  const pendingSince = jobs.flatMap(({ status, createdAt }) => (status === 'PENDING' ? createdAt : []));
  const delivered = jobs.filter(({ status }) => status === 'COMPLETE' || status === 'PARTIAL');
  const ended = delivered.length + totals.FAILED;
  const times = delivered
    .flatMap(({ createdAt, endedAt }) => (endedAt === undefined ? [] : endedAt - createdAt))
    .sort((a, b) => a - b);
  const p50 = percentile(times, 0.5);
  const p95 = percentile(times, 0.95);
  return {
    buckets,
    totals,
    deliveredShare: ended === 0 ? undefined : delivered.length / ended,
    timeToCallbackMs: p50 === undefined || p95 === undefined ? undefined : { p50, p95 },
    oldestPendingAt: pendingSince.sort((a, b) => a - b)[0],
  };
};

const zeroCounts = (): StatusCounts => Object.fromEntries(JOB_STATUSES.map((status) => [status, 0])) as StatusCounts;

/**
 * The smallest value that is at least as large as a share of all values (nearest rank); undefined if there are none.
 * @param ascending the values, sorted
 * @param share 0 < share ≤ 1
 */
export const percentile = (ascending: readonly number[], share: number): number | undefined =>
  ascending[Math.ceil(ascending.length * share) - 1];
