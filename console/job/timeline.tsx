import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Call, Job, ProviderState } from '../api-types.ts';
import { formatClock, formatDuration, formatLocal, sentenceCase } from '../format.ts';
import { briefly } from './explain.ts';
import { longFailure, shortFailure } from './failure-words.ts';
import { type Bar, type Gap, type Row, waterfallOf } from './waterfall.ts';

/** The number of attempts that a job's log keeps. */
const KEPT_ATTEMPTS = 20;

export const Timeline = ({ job }: { job: Job }) => {
  const chosen = useSignal<string | undefined>(undefined);
  const { rows, gaps, labels } = waterfallOf(job);
  const bars = rows.flatMap((row) => row.bars);
  const selected = bars.find(({ key }) => key === chosen.value) ?? mostRelevant(bars);
  const chart = useRef<HTMLDivElement>(null);
  const choose = (bar: Bar): void => {
    chosen.value = bar.key;
  };
  /** Arrow keys move between bars, as in a toolbar: only the selected one is in the tab order. */
  const move = (event: KeyboardEvent): void => {
    const target = neighbour(rows, selected, event.key);
    if (!target) return;
    event.preventDefault();
    choose(target);
    chart.current?.querySelector<SVGElement>(`[data-bar="${target.key}"]`)?.focus();
  };
  return (
    <section class="card">
      <div class="card-head">
        <h2>Timeline</h2>
        <Legend rows={rows} hasGaps={gaps.length > 0} />
      </div>
      <div class="card-body">
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the bars inside */}
        <div class="waterfall" ref={chart} onKeyDown={move}>
          <div class="waterfall-axis" aria-hidden="true">
            {labels.map(({ at, iso, isLast }) => (
              <span key={iso} style={isLast ? { right: '0' } : { left: percent(at) }} title={formatLocal(iso)}>
                {formatClock(iso)}
              </span>
            ))}
          </div>
          {rows.map((row) => (
            <TimelineRow
              key={row.providerId ?? ''}
              row={row}
              title={row.providerId ?? 'callback'}
              provider={job.providers.find(({ providerId }) => providerId === row.providerId)}
              gaps={gaps}
              selected={selected}
              onChoose={choose}
            />
          ))}
        </div>
        <Details bar={selected} />
        {job.attempts.length === KEPT_ATTEMPTS && <p class="faint">Only the last {KEPT_ATTEMPTS} attempts are kept.</p>}
      </div>
    </section>
  );
};

/** The bar that is selected at first: a failure of the last attempt, or else its last call. */
const mostRelevant = (bars: Bar[]): Bar | undefined => {
  const last = Math.max(...bars.map(({ attempt }) => attempt.number));
  const newest = bars.filter(({ attempt }) => attempt.number === last);
  return newest.find(({ call }) => call.status === 'FAILED') ?? newest.at(-1);
};

/** The bar that an arrow key, Home or End moves to. */
const neighbour = (rows: Row[], selected: Bar | undefined, key: string): Bar | undefined => {
  if (!selected) return undefined;
  const index = rows.findIndex(({ bars }) => bars.includes(selected));
  const bars = rows[index]?.bars ?? [];
  const position = bars.indexOf(selected);
  if (key === 'ArrowLeft') return bars[position - 1];
  if (key === 'ArrowRight') return bars[position + 1];
  if (key === 'Home') return bars[0];
  if (key === 'End') return bars.at(-1);
  if (key !== 'ArrowUp' && key !== 'ArrowDown') return undefined;
  const others = key === 'ArrowUp' ? rows.slice(0, index).toReversed() : rows.slice(index + 1);
  const row = others.find((one) => one.bars.length > 0);
  return row?.bars.toSorted((a, b) => Math.abs(a.from - selected.from) - Math.abs(b.from - selected.from))[0];
};

const percent = (fraction: number): string => `${(fraction * 100).toFixed(3)}%`;

type TimelineRowProps = {
  row: Row;
  title: string;
  provider: ProviderState | undefined;
  gaps: Gap[];
  selected: Bar | undefined;
  onChoose: (bar: Bar) => void;
};

const TimelineRow = ({ row: { bars, next, ongoing }, title, provider, gaps, selected, onChoose }: TimelineRowProps) => {
  const last = bars.at(-1);
  return (
    <div class="waterfall-row">
      <span class="waterfall-title" title={title}>
        {title}
      </span>
      {/* biome-ignore lint/a11y/useSemanticElements: SVG has no field set */}
      <svg class="track" width="100%" height="28" role="group" aria-label={`Calls: ${title}`}>
        <line class="track-line" x1="0" x2="100%" y1="14" y2="14" />
        {gaps.map(({ from, to, ms }) => (
          <g key={from} class="gap">
            <rect x={percent(from)} width={percent(to - from)} y="0" height="28" />
            <line x1={percent(from)} x2={percent(to)} y1="14" y2="14" />
            <title>{formatDuration(ms)} without a call</title>
          </g>
        ))}
        {ongoing && (
          <rect
            class="ongoing"
            x={percent(ongoing.from)}
            width={percent(ongoing.to - ongoing.from)}
            y="6"
            height="16"
            rx="3"
          >
            <title>Still working</title>
          </rect>
        )}
        {bars.map((bar) => (
          <BarShape key={bar.key} bar={bar} title={title} isSelected={bar === selected} onChoose={onChoose} />
        ))}
        {next !== undefined && (
          <circle class="next" cx={percent(next)} cy="14" r="5">
            <title>The next attempt</title>
          </circle>
        )}
      </svg>
      <span class="waterfall-outcome">{last && !ongoing ? outcomeOf(last.call) : provider && briefly(provider)}</span>
    </div>
  );
};

const outcomeOf = (call: Call): string => {
  if (call.status === 'FAILED') return shortFailure(call);
  const took = call.durationMs === undefined ? '' : ` in ${formatDuration(call.durationMs)}`;
  return `${call.statusCode ?? 'OK'}${took}`;
};

const toneOf = (call: Call): string => {
  if (call.status === 'OK') return 'complete';
  return call.class === 'still_working' ? 'pending' : 'failed';
};

type BarShapeProps = { bar: Bar; title: string; isSelected: boolean; onChoose: (bar: Bar) => void };

const BarShape = ({ bar, title, isSelected, onChoose }: BarShapeProps) => {
  const { key, from, to, call, attempt, ticks } = bar;
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    onChoose(bar);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no button
    <g
      class={`bar tone-${toneOf(call)}`}
      data-bar={key}
      role="button"
      // Names of SVG attributes are case-sensitive.
      tabindex={isSelected ? 0 : -1}
      aria-pressed={isSelected}
      aria-label={`${title}, attempt ${attempt.number}: ${outcomeOf(call)}`}
      onClick={() => onChoose(bar)}
      onKeyDown={onKey}
    >
      <rect class="bar-hit" x={percent(from)} width={percent(to - from)} y="0" height="28" />
      <rect class="bar-fill" x={percent(from)} width={percent(to - from)} y="6" height="16" rx="3" />
      {ticks.map((at) => (
        <line key={at} class="tick" x1={percent(at)} x2={percent(at)} y1="6" y2="22" />
      ))}
    </g>
  );
};

const TONES = { complete: 'succeeded', failed: 'failed', pending: 'still working' };

const Legend = ({ rows, hasGaps }: { rows: Row[]; hasGaps: boolean }) => {
  const shown = new Set(
    rows.flatMap(({ bars, ongoing }) => [...bars.map(({ call }) => toneOf(call)), ongoing && 'pending']),
  );
  return (
    <ul class="legend" aria-hidden="true">
      {Object.entries(TONES).map(
        ([tone, text]) =>
          shown.has(tone) && (
            <li key={tone} class={`tone-${tone}`}>
              {text}
            </li>
          ),
      )}
      {hasGaps && <li class="legend-gap">time without calls</li>}
      {rows.some(({ next }) => next !== undefined) && <li class="legend-next">next try</li>}
    </ul>
  );
};

const Details = ({ bar }: { bar: Bar | undefined }) => {
  if (!bar) return <p class="details faint">No call has ended yet.</p>;
  const { attempt, call, providerId } = bar;
  const facts: [string, string | undefined][] = [
    ['Status code', call.statusCode?.toString()],
    ['Class', call.class],
    ['Started', formatLocal(call.startedAt ?? attempt.startedAt)],
    ['Duration', call.durationMs === undefined ? undefined : formatDuration(call.durationMs)],
    ['Calls', call.tries?.toString()],
    ['Trigger', sentenceCase(attempt.trigger)],
  ];
  return (
    <div class="details" aria-live="polite">
      <h3>
        Attempt {attempt.number}, {providerId ?? 'callback'}:{' '}
        <span class={`outcome tone-${toneOf(call)}`}>{outcomeOf(call)}</span>
      </h3>
      {call.class !== undefined && <p>{longFailure(call)}</p>}
      <dl class="details-facts">
        {facts.map(
          ([title, text]) =>
            text !== undefined && (
              <div key={title}>
                <dt>{title}</dt>
                <dd>{text}</dd>
              </div>
            ),
        )}
      </dl>
      {call.excerpt !== undefined && (
        <div>
          <h4>{call.statusCode === undefined ? 'Error' : 'The response began with'}</h4>
          <pre class="excerpt">{call.excerpt}</pre>
        </div>
      )}
    </div>
  );
};
