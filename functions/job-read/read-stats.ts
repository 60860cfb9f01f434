import { type BucketSize, chooseBucket, countBuckets, jobStats, type Span } from '@boomerang/core/domain/job-stats.ts';
import { createRecentMap } from '@boomerang/core/domain/recent-map.ts';
import { toIso } from '@boomerang/core/domain/time.ts';
import { invalid } from '@boomerang/core/http/problem.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import type * as z from 'zod';
import type { jobStatsSchema } from './schema.ts';

type StatsView = z.infer<typeof jobStatsSchema>;
type StatsQuery = { from?: number | undefined; to?: number | undefined; bucket?: BucketSize | undefined };

/** The maximum number of jobs counted: the newest ones. */
const MAX_COUNTED = 10_000;
const MAX_BUCKETS = 200;
const DAY_MS = 24 * 3_600_000;
const DEFAULT_SPAN_MS = DAY_MS;
const MAX_SPAN_DAYS = 31;

/** How long a response is cached: counting reads up to 10,000 index entries, and pages that show counts poll them. */
const CACHE_MS = 10_000;
const MAX_CACHED = 200;

export type ReadStatsDeps = { jobs: Pick<JobReader, 'find'>; now: () => number };

/** Reads the statistics of a client's jobs. The response to a client's query is cached for ten seconds. */
export const createReadStats = (deps: ReadStatsDeps) => {
  const cache = createRecentMap<{ until: number; view: Promise<StatsView> }>(MAX_CACHED);
  return (clientId: string, query: StatsQuery): Promise<StatsView> => {
    const at = deps.now();
    const key = JSON.stringify([clientId, query.from, query.to, query.bucket]);
    const cached = cache.get(key);
    if (cached && cached.until > at) return cached.view;
    const view = readStats(deps, clientId, query, at);
    cache.set(key, { until: at + CACHE_MS, view });
    view.catch(() => cache.delete(key));
    return view;
  };
};

/** @throws Problem 422 if the span or its number of buckets is too large */
const readStats = async (
  { jobs }: ReadStatsDeps,
  clientId: string,
  query: StatsQuery,
  now: number,
): Promise<StatsView> => {
  const span = toSpan(query, now);
  const bucket = query.bucket ?? chooseBucket(span);
  if (countBuckets(span, bucket) > MAX_BUCKETS) {
    throw invalid([{ pointer: '/bucket', message: `Must divide the time range into at most ${MAX_BUCKETS} buckets` }]);
  }
  const page = { clientId, ...span, limit: MAX_COUNTED, now };
  const all = await jobs.find(page);
  const { buckets, totals, deliveredShare, timeToCallbackMs, oldestPendingAt } = jobStats(all.jobs, span, bucket);
  // Jobs in trouble are pending, so none is older than the oldest pending job, if all jobs were counted.
  const from = all.cursor === undefined ? oldestPendingAt : span.from;
  const troubled = from === undefined ? { jobs: [] } : await jobs.find({ ...page, from, inTrouble: true });
  return {
    from: toIso(span.from),
    to: toIso(span.to),
    bucket,
    buckets: buckets.map(({ from, ...counts }) => ({ from: toIso(from), ...counts })),
    totals,
    deliveredShare: deliveredShare ?? null,
    timeToCallbackMs: timeToCallbackMs ?? null,
    oldestPendingAt: oldestPendingAt === undefined ? null : toIso(oldestPendingAt),
    inTrouble: troubled.jobs.length,
    truncated: all.cursor !== undefined || troubled.cursor !== undefined,
  };
};

const toSpan = ({ from, to }: StatsQuery, now: number): Span => {
  const end = to ?? now;
  const span = { from: from ?? end - DEFAULT_SPAN_MS, to: end };
  if (span.from >= span.to) throw invalid([{ pointer: '/from', message: 'Must be before to, and before now' }]);
  if (span.to - span.from > MAX_SPAN_DAYS * DAY_MS) {
    throw invalid([{ pointer: '/from', message: `Must be at most ${MAX_SPAN_DAYS} days before to` }]);
  }
  return span;
};
