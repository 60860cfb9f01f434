import { useSignal } from '@preact/signals';
import type { StatusCounts } from '../api-types.ts';
import { barsOf, ticksOf } from '../bars.ts';
import { formatCount, plural, sentenceCase } from '../format.ts';

export type StackedBarsProps = {
  buckets: (StatusCounts & { from: string })[];
  /** The time of a bucket as text: for the axis (`axisLabel`) and for the tooltip (`fullLabel`). */
  axisLabel: (from: string) => string;
  fullLabel: (from: string) => string;
  hrefOf: (from: string) => string;
  label: string;
};

const HEIGHT = 100;
const WIDTH = 10;
const MAX_LABELS = 8;

/** Jobs by status in columns. Each column is a link. One of them is in the tab order; the arrow keys move to the others. */
export const StackedBars = ({ buckets, axisLabel, fullLabel, hrefOf, label }: StackedBarsProps) => {
  const current = useSignal<number | undefined>(undefined);
  const tabStop = useSignal(buckets.length - 1);
  const { bars, max } = barsOf(buckets, HEIGHT);
  const shown = current.value === undefined ? undefined : bars[current.value];
  const goTo = (event: KeyboardEvent, index: number): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.min(Math.max(index + step, 0), bars.length - 1);
    tabStop.value = next;
    (event.currentTarget as Element).parentElement?.querySelectorAll<SVGAElement>('a')[next]?.focus();
  };
  /** One label for this many columns. */
  const labelInterval = Math.max(1, Math.ceil(bars.length / MAX_LABELS));
  return (
    <div class="bars">
      <div class="bars-plot">
        {ticksOf(max).map((tick) => (
          <div key={tick} class="bars-tick" style={{ bottom: `${(tick / max) * 100}%` }} aria-hidden="true">
            <span>{formatCount(tick)}</span>
          </div>
        ))}
        {/* biome-ignore lint/a11y/useSemanticElements: within SVG there is no fieldset */}
        <svg
          viewBox={`0 0 ${bars.length * WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="group"
          aria-label={label}
          onPointerLeave={() => {
            current.value = undefined;
          }}
        >
          {bars.map(({ from, total, segments }, index) => (
            <a
              key={from}
              href={hrefOf(from)}
              class="bar"
              tabIndex={index === Math.min(tabStop.value, bars.length - 1) ? 0 : -1}
              aria-label={`${fullLabel(from)}: ${describe(total, segments)}`}
              onKeyDown={(event) => goTo(event, index)}
              onFocus={() => {
                current.value = index;
              }}
              onBlur={() => {
                current.value = undefined;
              }}
              onPointerEnter={() => {
                current.value = index;
              }}
            >
              <rect class="bar-area" x={index * WIDTH} y="0" width={WIDTH} height={HEIGHT} />
              {segments.map(({ status, y, height }) => (
                <rect
                  key={status}
                  class={`bar-${status.toLowerCase()}`}
                  x={index * WIDTH + WIDTH * 0.12}
                  width={WIDTH * 0.76}
                  y={y}
                  height={height}
                />
              ))}
            </a>
          ))}
        </svg>
        {shown && current.value !== undefined && (
          <div
            class={`bars-tip ${current.value > bars.length / 2 ? 'bars-tip-left' : ''}`}
            style={{ left: `${((current.value + 0.5) / bars.length) * 100}%` }}
            aria-hidden="true"
          >
            <strong>{fullLabel(shown.from)}</strong>
            {shown.total === 0 && <span>No jobs</span>}
            {[...shown.segments].reverse().map(({ status, count }) => (
              <span key={status} class="bars-tip-line">
                <i class={`dot tone-${status.toLowerCase()}`} />
                {sentenceCase(status)}
                <b class="number">{formatCount(count)}</b>
              </span>
            ))}
          </div>
        )}
      </div>
      <div class="bars-axis" aria-hidden="true">
        {bars.map(({ from }, index) =>
          (bars.length - 1 - index) % labelInterval === 0 ? (
            <span key={from} style={{ left: `${((index + 0.5) / bars.length) * 100}%` }}>
              {axisLabel(from)}
            </span>
          ) : null,
        )}
      </div>
    </div>
  );
};

const describe = (total: number, segments: { status: string; count: number }[]): string =>
  total === 0
    ? 'no jobs'
    : `${plural(total, 'job')}: ${segments.map(({ status, count }) => `${formatCount(count)} ${status.toLowerCase()}`).join(', ')}`;
