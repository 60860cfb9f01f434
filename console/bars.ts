import type { Status, StatusCounts } from './api-types.ts';

/** The statuses of a bar, from the bottom to the top. */
export const STACK_ORDER: Status[] = ['COMPLETE', 'PARTIAL', 'FAILED', 'CANCELLED', 'PENDING'];

export type Segment = { status: Status; count: number; y: number; height: number };
export type Bar = { from: string; total: number; segments: Segment[] };

/** The minimum height of a segment, as a share of the chart's height, so that one failure among thousands is visible. */
const MIN_SHARE = 0.025;

/**
 * Stacks counts into bars. `y` is a segment's distance from the top of the chart.
 * @returns the bars, and the count that the chart's full height represents
 */
export const barsOf = (buckets: (StatusCounts & { from: string })[], height: number): { bars: Bar[]; max: number } => {
  const totalOf = (counts: StatusCounts): number => STACK_ORDER.reduce((sum, status) => sum + counts[status], 0);
  const max = niceMax(Math.max(0, ...buckets.map(totalOf)));
  const bars = buckets.map((counts) => {
    const present = STACK_ORDER.filter((status) => counts[status] > 0);
    const heights = present.map((status) => Math.max(counts[status] / max, MIN_SHARE) * height);
    // Enlarged segments must not make the bar taller than the chart.
    const excess = heights.reduce((sum, segmentHeight) => sum + segmentHeight, 0) / height;
    let y = height;
    const segments = present.map((status, index) => {
      const segmentHeight = (heights[index] ?? 0) / Math.max(1, excess);
      y = Math.max(0, y - segmentHeight);
      return { status, count: counts[status], y, height: segmentHeight };
    });
    return { from: counts.from, total: totalOf(counts), segments };
  });
  return { bars, max };
};

const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** The next round number: 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten; at least 4. */
export const niceMax = (count: number): number => {
  if (count <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(count));
  return (STEPS.find((step) => step * power >= count) ?? 10) * power;
};

/** The counts at half and full height. */
export const ticksOf = (max: number): number[] => [max / 2, max];
