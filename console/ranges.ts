/** The time ranges that a user can choose. Each ends now. */

const HOUR_MS = 3_600_000;

export type RangeName = 'hour' | 'day' | 'week';

export const RANGES: Record<
  RangeName,
  { title: string; period: string; ms: number; bucket: string; bucketMs: number }
> = {
  hour: { title: 'Hour', period: 'the last hour', ms: HOUR_MS, bucket: 'minute', bucketMs: HOUR_MS / 60 },
  day: { title: 'Day', period: 'the last 24 hours', ms: 24 * HOUR_MS, bucket: 'hour', bucketMs: HOUR_MS },
  week: { title: 'Week', period: 'the last 7 days', ms: 168 * HOUR_MS, bucket: '6hours', bucketMs: 6 * HOUR_MS },
};

export const isRangeName = (text: string | undefined): text is RangeName =>
  text !== undefined && Object.hasOwn(RANGES, text);

const MINUTE_MS = 60_000;

/** The start of a range, ISO 8601, rounded down to a minute, so that it does not change with each poll. */
export const startOf = (range: RangeName, now: number): string =>
  new Date(Math.floor((now - RANGES[range].ms) / MINUTE_MS) * MINUTE_MS).toISOString();
