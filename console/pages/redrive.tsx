import './redrives.css';
import type { Redrive } from '../api-types.ts';
import { RedriveState } from '../components/redrive-state.tsx';
import { ErrorState, Skeleton } from '../components/states.tsx';
import { RelativeTime } from '../components/time.tsx';
import { formatCount, formatShare } from '../format.ts';
import { describeRequest, startOfRequest } from '../job-filter.ts';
import { handledOf, matchedOf, progressOf } from '../redrive-progress.ts';
import { useResource } from '../resource.ts';
import { hrefTo } from '../router.ts';
import type { PageProps } from './page.ts';

const RUNNING_EVERY_MS = 1000;

export const RedrivePage = ({ api, params: { id = '' } }: PageProps) => {
  const resource = useResource<Redrive>(api, `/redrives/${encodeURIComponent(id)}`, { everyMs: RUNNING_EVERY_MS });
  const redrive = resource.data.value;
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Redrive</h1>
        <a href="#/redrives">All redrives</a>
      </div>
      <div class="card">
        {redrive && <Progress redrive={redrive} />}
        {!redrive && resource.error.value && <ErrorState error={resource.error.value} />}
        {!redrive && !resource.error.value && (
          <div class="redrive-body">
            <Skeleton lines={4} height="1.75rem" />
          </div>
        )}
      </div>
    </>
  );
};

const Progress = ({ redrive }: { redrive: Redrive }) => {
  const matched = matchedOf(redrive.redriveId);
  const progress = progressOf(redrive, matched);
  const isDone = redrive.status === 'COMPLETE';
  const { query } = redrive;
  const filter = { from: startOfRequest(query), to: query.to, providerId: query.providerId };
  const text = progress === undefined ? `${formatCount(handledOf(redrive))} so far` : formatShare(progress);
  return (
    <div class="redrive-body">
      <p>
        <RedriveState status={redrive.status} /> {describeRequest(query)}
      </p>
      <div>
        <p class="redrive-state">
          <span role="status">{isDone ? 'Done' : 'Redriving…'}</span>
          <span class="number">{text}</span>
        </p>
        <div
          class={`progress ${isDone ? 'is-done' : ''} ${progress === undefined ? 'is-unknown' : ''}`}
          role="progressbar"
          aria-label="Progress"
          aria-valuetext={text}
          {...(progress !== undefined && { 'aria-valuenow': Math.round(progress * 100) })}
        >
          <div style={progress === undefined ? undefined : { width: `${progress * 100}%` }} />
        </div>
      </div>
      <dl class="figures">
        <Figure name="Redriven" count={redrive.redriven} note="pending until delivered or failed again" />
        <Figure
          name="Skipped"
          count={redrive.skipped}
          note="claimed or changed meanwhile, or their input was deleted"
        />
        <Figure name="Errors" count={redrive.failed} note="left unchanged by an internal fault" />
        <div>
          <dt>Started</dt>
          <dd>
            <RelativeTime iso={redrive.createdAt} />
          </dd>
        </div>
      </dl>
      <p>
        All jobs of {query.providerId === undefined ? 'this time' : 'this provider and time'}:{' '}
        <a href={hrefTo('/jobs', { ...filter, status: 'PENDING' })}>pending</a>,{' '}
        <a href={hrefTo('/jobs', { ...filter, status: 'COMPLETE,PARTIAL' })}>delivered</a>,{' '}
        <a href={hrefTo('/jobs', { ...filter, status: 'FAILED' })}>failed</a>.
      </p>
    </div>
  );
};

const Figure = ({ name, count, note }: { name: string; count: number; note: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>
      {formatCount(count)} <span class="faint">{note}</span>
    </dd>
  </div>
);
