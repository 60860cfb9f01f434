import type { Attempt, Call, Job } from '../api-types.ts';
import { nextTryOf } from './explain.ts';

/** The calls of all attempts as bars on one time axis. Positions are fractions of its width, 0 to 1. */

export type Bar = {
  key: string;
  /** Undefined for the callback. */
  providerId: string | undefined;
  from: number;
  to: number;
  attempt: Attempt;
  call: Call;
  /** Positions that divide the bar into its quick retries, evenly, because their times are not recorded. */
  ticks: number[];
};
export type Row = {
  /** Undefined for the callback. */
  providerId: string | undefined;
  bars: Bar[];
  /** When its next attempt is due. */
  next: number | undefined;
  /** Work that the provider is still doing. */
  ongoing: Extent | undefined;
};
/** A stretch of time in which nothing happened, drawn shorter than it was. */
export type Gap = { from: number; to: number; ms: number };
/** The last label ends at the end of the axis; all others begin at their position. */
export type Label = { at: number; iso: string; isLast: boolean };
export type Waterfall = { rows: Row[]; gaps: Gap[]; labels: Label[] };

/** The part of the axis that something covers. */
export type Extent = { from: number; to: number };
type Span = { startMs: number; endMs: number };

/** The minimum width of a bar. Smaller with many bars. */
const MIN_BAR = 0.02;
/** Gaps longer than this share of the total busy time are compressed. */
const LONG_GAP = 0.5;
/** The maximum width of a compressed gap. */
const GAP = 0.25;
/** The maximum width of all compressed gaps together. */
const MAX_GAPS = 0.4;

/** @param labelSpace the distance that labels of the axis need, as a fraction of its width */
export const waterfallOf = (job: Job, labelSpace = 0.2): Waterfall => {
  const attempts = job.attempts.map((attempt) => ({ attempt, calls: callsOf(attempt) }));
  const spans = attempts.flatMap(({ calls }) => calls.map(({ span }) => span));
  const rowIds = [...job.providers.map(({ providerId }) => providerId), undefined];
  const nexts = rowIds.map((id) => nextOf(job, id));
  const points = nexts.flatMap((at) => (at === undefined ? [] : [{ startMs: at, endMs: at }]));
  const works = rowIds.map((id, index) => ongoingWork(job, id, nexts[index]));
  const known = [...spans, ...points, ...works.flatMap((span) => span ?? [])];
  const { position, gaps, starts } = axisOf(spans.length > 0 ? known : [...known, postedOf(job)]);
  const minWidth = minWidthOf(
    rowIds.map((id) => attempts.filter(({ calls }) => calls.some((one) => one.id === id)).length),
  );
  const rows = rowIds.map((id, index) => {
    const rowCalls = attempts.flatMap(({ attempt, calls }) =>
      calls.flatMap((one) => (one.id === id ? [{ attempt, ...one }] : [])),
    );
    const extents = spread(
      rowCalls.map(({ span }) => ({ from: position(span.startMs), to: position(span.endMs) })),
      minWidth,
    );
    const bars = rowCalls.map(({ attempt, call }, barIndex) => {
      const { from, to } = extents[barIndex] as Extent;
      return {
        key: `${attempt.number} ${id ?? ''}`,
        providerId: id,
        from,
        to,
        attempt,
        call,
        ticks: ticksOf(from, to, call.tries),
      };
    });
    const [next, work] = [nexts[index], works[index]];
    return {
      providerId: id,
      bars,
      next: next === undefined ? undefined : position(next),
      ongoing: work && { from: position(work.startMs), to: position(work.endMs) },
    };
  });
  return { rows, gaps, labels: labelsOf(starts, position, labelSpace) };
};

const callsOf = (attempt: Attempt): { id: string | undefined; call: Call; span: Span }[] => [
  ...attempt.fetches.map((call) => ({ id: call.providerId, call, span: spanOf(attempt, call) })),
  ...(attempt.callback ? [{ id: undefined, call: attempt.callback, span: spanOf(attempt, attempt.callback) }] : []),
];

/** The time span of a call. Where the call has no time recorded, the attempt's is used. */
const spanOf = (attempt: Attempt, { startedAt, durationMs }: Call): Span => {
  const startMs = Date.parse(startedAt ?? attempt.startedAt);
  const endMs = durationMs === undefined ? Date.parse(attempt.endedAt) : startMs + durationMs;
  return { startMs, endMs: Math.max(startMs, endMs) };
};

/** When a row's next call is due, epoch milliseconds. */
const nextOf = (job: Job, providerId: string | undefined): number | undefined => {
  const provider = job.providers.find((one) => one.providerId === providerId);
  const isCallbackNext = job.status === 'PENDING' && job.phase === 'CALLING_BACK';
  const nextCallback = isCallbackNext ? job.nextAttemptAt : undefined;
  const next = provider ? nextTryOf(job, provider) : nextCallback;
  return next ? Date.parse(next) : undefined;
};

/** The time since which a provider has been working, until its next poll. */
const ongoingWork = (job: Job, providerId: string | undefined, next: number | undefined): Span | undefined => {
  const since = job.providers.find((one) => one.providerId === providerId)?.workingSince;
  if (since === undefined || job.status !== 'PENDING') return undefined;
  const startMs = Date.parse(since);
  return { startMs, endMs: Math.max(startMs, next ?? Date.parse(job.updatedAt)) };
};

const postedOf = ({ createdAt }: Job): Span => ({ startMs: Date.parse(createdAt), endMs: Date.parse(createdAt) });

type Axis = { position: (ms: number) => number; gaps: Gap[]; starts: number[] };

/**
 * Maps times to positions. Within a busy stretch the axis is linear. The width of a stretch grows with the square root of its
 * length, so that a call of milliseconds stays visible beside a timeout. Long gaps are compressed, all to one width.
 */
const axisOf = (spans: Span[]): Axis => {
  const busy = union(spans);
  const busyMs = busy.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  const stretches = union(spans, Math.max(busyMs * LONG_GAP, 1));
  const weights = stretches.map(({ startMs, endMs }) => Math.sqrt(endMs - startMs));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const gapCount = stretches.length - 1;
  const gapWidth = gapWidthOf(gapCount, total);
  const room = 1 - gapWidth * gapCount;
  const knots: Knot[] = [];
  const gaps: Gap[] = [];
  for (const [index, { startMs, endMs }] of stretches.entries()) {
    const last = knots.at(-1);
    const at = last ? last.at + gapWidth : 0;
    if (last) gaps.push({ from: last.at, to: at, ms: startMs - last.ms });
    knots.push({ ms: startMs, at }, { ms: endMs, at: at + ((weights[index] ?? 0) / (total || 1)) * room });
  }
  return { gaps, starts: busy.map(({ startMs }) => startMs), position: interpolate(knots) };
};

/** The width of each compressed gap. If all stretches are single points, the gaps share the whole axis. */
const gapWidthOf = (gapCount: number, stretchWeight: number): number => {
  if (gapCount < 1) return 0;
  return stretchWeight === 0 ? 1 / gapCount : Math.min(GAP, MAX_GAPS / gapCount);
};

/** The spans in order. Those that overlap, or have at most `gapMs` between them, are joined. */
const union = (spans: Span[], gapMs = 0): Span[] => {
  const joined: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.startMs - b.startMs)) {
    const last = joined.at(-1);
    if (last && span.startMs <= last.endMs + gapMs) last.endMs = Math.max(last.endMs, span.endMs);
    else joined.push({ ...span });
  }
  return joined;
};

type Knot = { ms: number; at: number };

const interpolate =
  (knots: Knot[]) =>
  (ms: number): number => {
    const index = knots.findIndex((knot) => knot.ms >= ms);
    const [before, after] = [knots[index - 1], knots[index]];
    if (!after) return knots.at(-1)?.at ?? 0;
    if (!before || after.ms === before.ms) return after.at;
    return clamp(before.at + ((ms - before.ms) / (after.ms - before.ms)) * (after.at - before.at));
  };

const clamp = (value: number): number => Math.min(1, Math.max(0, value));

/** The minimum width at which the bars of the fullest row still fit. @param counts the number of bars in each row */
const minWidthOf = (counts: number[]): number => Math.min(MIN_BAR, 0.8 / Math.max(1, ...counts));

/** Widens bars to `minWidth` and moves them apart, in order, within the axis. */
const spread = (extents: Extent[], minWidth: number): Extent[] => {
  const gap = minWidth / 8;
  const shifted: Extent[] = [];
  let free = 0;
  for (const { from, to } of extents) {
    const start = Math.max(from, free);
    const end = Math.max(to, start + minWidth);
    shifted.push({ from: start, to: end });
    free = end + gap;
  }
  // Bars that were moved beyond the end of the axis are moved back, from the last to the first.
  let limit = 1;
  const fitted: Extent[] = [];
  for (const { from, to } of shifted.toReversed()) {
    const end = Math.min(to, limit);
    const start = Math.min(from, end - minWidth);
    fitted.unshift({ from: Math.max(0, start), to: end });
    limit = start - gap;
  }
  return fitted;
};

const ticksOf = (from: number, to: number, tries = 1): number[] =>
  Array.from({ length: Math.max(0, tries - 1) }, (_, index) => from + ((to - from) * (index + 1)) / tries);

const labelsOf = (starts: number[], position: (ms: number) => number, space: number): Label[] => {
  const labels: Label[] = [];
  for (const startMs of starts) {
    const at = position(startMs);
    const free = (labels.at(-1)?.at ?? -space) + space;
    const isLast = at > 1 - space;
    if ((isLast ? 1 - space : at) >= free) labels.push({ at, iso: new Date(startMs).toISOString(), isLast });
    if (isLast && labels.at(-1)?.isLast) break;
  }
  return labels;
};
