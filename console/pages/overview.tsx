import './overview.css';
import type { Api } from '../api.ts';
import type { Catalogue, Job, JobPage, JobSummary, Stats, Status } from '../api-types.ts';
import { STACK_ORDER } from '../bars.ts';
import { BadIcon, GoodIcon, WarnIcon } from '../components/icons.tsx';
import { NoJobs } from '../components/no-jobs.tsx';
import { StackedBars } from '../components/stacked-bars.tsx';
import { ErrorState, Skeleton } from '../components/states.tsx';
import { Elapsed, RelativeTime } from '../components/time.tsx';
import { formatClock, formatCount, formatDuration, formatLocal, formatShare, sentenceCase } from '../format.ts';
import { explain } from '../job/explain.ts';
import { isRangeName, RANGES, type RangeName, startOf } from '../ranges.ts';
import { useResource } from '../resource.ts';
import { hrefTo } from '../router.ts';
import { now } from '../store.ts';
import { type Verdict, verdictOf } from '../verdict.ts';
import type { PageProps } from './page.ts';

/** Longer than for lists, because stats cost more to read. */
const STATS_EVERY_MS = 30_000;
const CATALOGUE_EVERY_MS = 15_000;
const NEWEST_JOBS = 5;

export const OverviewPage = ({ api, params }: PageProps) => {
  const range = isRangeName(params.range) ? params.range : 'day';
  return <Overview key={range} api={api} range={range} />;
};

const Overview = ({ api, range }: { api: Api; range: RangeName }) => {
  const { bucket, period } = RANGES[range];
  const stats = useResource<Stats>(api, '/jobs/stats', {
    query: { bucket },
    timeQuery: () => ({ from: startOf(range, Date.now()) }),
    everyMs: STATS_EVERY_MS,
  });
  const catalogue = useResource<Catalogue>(api, '/catalogue', { everyMs: CATALOGUE_EVERY_MS });
  const { value: data } = stats.data;
  const isEmpty = data !== undefined && Object.values(data.totals).every((count) => count === 0);
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Overview</h1>
        <nav class="segments" aria-label="Time range">
          {Object.entries(RANGES).map(([name, { title }]) => (
            <a key={name} href={hrefTo('/', { range: name })} aria-current={name === range ? 'true' : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </div>
      {data === undefined && stats.error.value ? (
        <ErrorState error={stats.error.value} />
      ) : (
        <>
          <VerdictLine verdict={data && verdictOf(data, range, catalogue.data.value?.providers, now.peek())} />
          {isEmpty ? (
            <NoJobs api={api} title={`No jobs in ${period}`} />
          ) : (
            <>
              <Tiles stats={data} range={range} />
              <Chart stats={data} range={range} />
              <div class="pair">
                <Newest api={api} title="Newest failures" query={{ status: 'FAILED' }} emptyText="No job has failed." />
                <Newest
                  api={api}
                  title="In trouble, still running"
                  query={{ inTrouble: 'true' }}
                  emptyText="No job is waiting after a failed attempt."
                />
              </div>
            </>
          )}
        </>
      )}
    </>
  );
};

const ICONS = { good: GoodIcon, idle: GoodIcon, warn: WarnIcon, bad: BadIcon };

const VerdictLine = ({ verdict }: { verdict: Verdict | undefined }) => {
  if (!verdict) return <Skeleton contentClass="answer" />;
  const Icon = ICONS[verdict.tone];
  return (
    <div class={`answer tone-${verdict.tone === 'idle' ? 'cancelled' : verdict.tone}`} role="status">
      <Icon />
      <div>
        <p class="answer-title">
          {verdict.parts.map(({ text, href }, index) => (
            <span key={text}>
              {href === undefined ? text : <a href={href}>{text}</a>}
              {index < verdict.parts.length - 1 && ' · '}
            </span>
          ))}
        </p>
        <p class="answer-detail">{verdict.detail}</p>
      </div>
    </div>
  );
};

const Tiles = ({ stats, range }: { stats: Stats | undefined; range: RangeName }) => {
  if (!stats)
    return (
      <div class="tiles">
        {[1, 2, 3, 4, 5].map((index) => (
          <div key={index} class="card tile">
            <Skeleton lines={3} />
          </div>
        ))}
      </div>
    );
  const { totals, deliveredShare, timeToCallbackMs: times, oldestPendingAt, inTrouble } = stats;
  const delivered = totals.COMPLETE + totals.PARTIAL;
  const jobs = (query: Record<string, string>): string => hrefTo('/jobs', { ...query, range });
  return (
    <div class="tiles">
      <Tile
        name="Delivered"
        href={jobs({ status: 'COMPLETE,PARTIAL' })}
        value={deliveredShare === null ? '–' : formatShare(deliveredShare)}
        tone={deliveredTone(deliveredShare, totals.FAILED)}
        note={`${formatCount(delivered)} of ${formatCount(delivered + totals.FAILED)} ended`}
      />
      <Tile
        name="Time to callback"
        href={jobs({ status: 'COMPLETE,PARTIAL' })}
        value={times ? formatDuration(times.p50) : '–'}
        note={times ? `median · p95 ${formatDuration(times.p95)}` : 'nothing delivered'}
      />
      <Tile
        name="Waiting"
        href={jobs({ status: 'PENDING' })}
        value={formatCount(totals.PENDING)}
        note={
          oldestPendingAt === null ? (
            'none pending'
          ) : (
            <>
              oldest for <Elapsed iso={oldestPendingAt} />
            </>
          )
        }
      />
      <Tile
        name="In trouble"
        href={jobs({ inTrouble: 'true' })}
        value={formatCount(inTrouble)}
        tone={inTrouble > 0 ? 'warn' : undefined}
        note="after a failed attempt"
      />
      <Tile
        name="Failed"
        href={jobs({ status: 'FAILED' })}
        value={formatCount(totals.FAILED)}
        tone={totals.FAILED > 0 ? 'bad' : undefined}
        note={totals.PARTIAL > 0 ? `and ${formatCount(totals.PARTIAL)} delivered in part` : 'never delivered'}
      />
    </div>
  );
};

const deliveredTone = (share: number | null, failedJobs: number): TileProps['tone'] => {
  if (share === null || failedJobs === 0) return undefined;
  return share < 0.99 ? 'bad' : 'warn';
};

type TileProps = {
  name: string;
  href: string;
  value: string;
  note: preact.ComponentChildren;
  tone?: 'warn' | 'bad' | undefined;
};

const Tile = ({ name, href, value, note, tone }: TileProps) => (
  <a class="card tile" href={href}>
    <span class="tile-name">{name}</span>
    <span class={`tile-value ${tone ? `is-toned tone-${tone}` : ''}`}>{value}</span>
    <span class="tile-note">{note}</span>
  </a>
);

const Chart = ({ stats, range }: { stats: Stats | undefined; range: RangeName }) => {
  const { bucketMs, period } = RANGES[range];
  const until = (from: string): string => new Date(Date.parse(from) + bucketMs).toISOString();
  return (
    <section class="card" aria-labelledby="chart-title">
      <div class="card-head">
        <h2 id="chart-title">Jobs by status</h2>
        <div class="legend">
          {STACK_ORDER.map((status) => (
            <a key={status} href={hrefTo('/jobs', { status, range })}>
              <i class={`dot tone-${status.toLowerCase()}`} />
              {sentenceCase(status)} <b>{stats ? formatCount(stats.totals[status]) : ' '}</b>
            </a>
          ))}
        </div>
      </div>
      <div class="card-body">
        {stats ? (
          <StackedBars
            buckets={stats.buckets}
            label={`Jobs by status in ${period}. The arrow keys go from column to column.`}
            axisLabel={(from) => (range === 'week' ? formatLocal(from).slice(5, 10) : formatClock(from).slice(0, 5))}
            fullLabel={(from) => `${formatLocal(from).slice(0, 16)} – ${formatClock(until(from)).slice(0, 5)}`}
            hrefOf={(from) => hrefTo('/jobs', { from, to: until(from) })}
          />
        ) : (
          <div class="bars">
            <Skeleton contentClass="bars-plot" />
            <div class="bars-axis" />
          </div>
        )}
        {stats?.truncated && <p class="faint">Only the newest 10,000 jobs of this range are counted.</p>}
      </div>
    </section>
  );
};

type NewestProps = { api: Api; title: string; query: Record<string, string>; emptyText: string };

const Newest = ({ api, title, query, emptyText }: NewestProps) => {
  const page = useResource<JobPage>(api, '/jobs', { query: { ...query, limit: NEWEST_JOBS } });
  const jobs = page.data.value?.jobs;
  return (
    <section class="card" aria-label={title}>
      <div class="card-head">
        <h2>{title}</h2>
        <a href={hrefTo('/jobs', query)}>See all</a>
      </div>
      {jobs === undefined && (
        <div class="card-body">
          <Skeleton lines={5} height="2.75rem" />
        </div>
      )}
      {jobs?.length === 0 && <p class="causes-none">{emptyText}</p>}
      {jobs && jobs.length > 0 && (
        <ul class="causes">
          {jobs.map((job) => (
            <Cause key={job.jobId} api={api} job={job} />
          ))}
        </ul>
      )}
    </section>
  );
};

const ENDED: ReadonlySet<Status> = new Set(['COMPLETE', 'PARTIAL', 'FAILED', 'CANCELLED']);
const DETAIL_EVERY_MS = 10_000;

/** One job with the cause of its state, for which the whole job is read. */
const Cause = ({ api, job }: { api: Api; job: JobSummary }) => {
  const detail = useResource<Job>(api, `/jobs/${job.jobId}`, { everyMs: ENDED.has(job.status) ? 0 : DETAIL_EVERY_MS });
  const text = detail.data.value ? explain(detail.data.value, now.peek()).text : sentenceCase(job.failureCode ?? '…');
  return (
    <li>
      <a href={hrefTo(`/jobs/${job.jobId}`)}>
        <span class="cause-text">{text}</span>
        <span class="cause-time">
          <RelativeTime iso={job.endedAt ?? job.createdAt} />
        </span>
        <span class="cause-where">
          {job.providers.join(', ')} → {job.callbackHost}
        </span>
      </a>
    </li>
  );
};
