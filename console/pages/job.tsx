import { useEffect } from 'preact/hooks';
import type { Api } from '../api.ts';
import type { Job } from '../api-types.ts';
import { Button } from '../components/button.tsx';
import { Code, CopyButton } from '../components/code.tsx';
import { confirm } from '../components/dialog.tsx';
import { BadIcon, GoodIcon, WarnIcon } from '../components/icons.tsx';
import { ErrorState, Skeleton } from '../components/states.tsx';
import { StatusBadge } from '../components/status-badge.tsx';
import { Countdown, RelativeTime } from '../components/time.tsx';
import { toast, toastError } from '../components/toast.tsx';
import { formatLocal } from '../format.ts';
import { DataCard } from '../job/data-card.tsx';
import { type Explanation, explain } from '../job/explain.ts';
import { ProvidersCard } from '../job/providers-card.tsx';
import { Timeline } from '../job/timeline.tsx';
import { useResource } from '../resource.ts';
import { hrefTo } from '../router.ts';
import { now } from '../store.ts';
import { useAction } from '../use-action.ts';
import './job.css';
import type { PageProps } from './page.ts';

export const JobPage = ({ api, params: { id = '' } }: PageProps) => {
  const resource = useResource<Job>(api, `/jobs/${encodeURIComponent(id)}`);
  const job = resource.data.value;
  const error = resource.error.value;
  useEffect(() => {
    document.title = `Job ${id.slice(0, 8)} · Boomerang`;
  }, [id]);
  if (!job) {
    return (
      <>
        <div class="page-head">
          <Title id={id} />
        </div>
        {error ? <ErrorState error={error} /> : <Skeleton lines={4} height="6rem" />}
      </>
    );
  }
  return (
    <>
      <div class="page-head">
        <Title id={id}>
          <StatusBadge status={job.status} />
        </Title>
        <Actions api={api} job={job} refresh={resource.refresh} />
      </div>
      <Verdict job={job} />
      <Facts job={job} />
      <Timeline job={job} />
      <ProvidersCard job={job} />
      <DataCard api={api} job={job} />
      {job.metadata && <MetadataCard metadata={job.metadata} />}
      <CurlCard api={api} job={job} />
    </>
  );
};

const Title = ({ id, children }: { id: string; children?: preact.ComponentChildren }) => (
  <div class="job-title">
    <h1 tabIndex={-1}>
      Job <span class="mono job-id">{id}</span>
    </h1>
    {children}
    <CopyButton text={id} label="Copy id" />
  </div>
);

const ICONS: Partial<Record<Explanation['tone'], typeof GoodIcon>> = { good: GoodIcon, bad: BadIcon, warn: WarnIcon };

const Verdict = ({ job }: { job: Job }) => {
  const { tone, text, nextAt } = explain(job, now.value);
  const Icon = ICONS[tone];
  return (
    <div class={`verdict tone-${tone}`}>
      {Icon && <Icon />}
      <p>
        <span role="status">{text}</span>
        {nextAt !== undefined && (
          <>
            {' '}
            (in <Countdown iso={nextAt} />)
          </>
        )}
      </p>
    </div>
  );
};

const Facts = ({ job }: { job: Job }) => (
  <dl class="facts">
    <div>
      <dt>Posted</dt>
      <dd>
        <RelativeTime iso={job.createdAt} />
      </dd>
    </div>
    {job.endedAt !== null && job.endedAt !== undefined && (
      <div>
        <dt>Ended</dt>
        <dd>
          <RelativeTime iso={job.endedAt} />
        </dd>
      </div>
    )}
    {job.status === 'PENDING' && job.phase === 'FETCHING' && (
      <div>
        <dt title="Then the callback is sent with the data collected so far.">Deadline for providers</dt>
        <dd>{formatLocal(job.deadlineAt)}</dd>
      </div>
    )}
    <div class="facts-wide">
      <dt>Callback</dt>
      <dd class="mono">{job.callbackUrl}</dd>
    </div>
  </dl>
);

type ActionsProps = { api: Api; job: Job; refresh: () => void };

const Actions = ({ api, job: { links, status }, refresh }: ActionsProps) => {
  const action = useAction();
  const runAction = (run: () => Promise<unknown>, doneMessage: string): Promise<void> =>
    action.run(async () => {
      try {
        await run();
        toast(doneMessage);
      } catch (error) {
        toastError(error);
      }
      refresh();
    });
  const { redrive, cancel } = links;
  const redriveJob = async (): Promise<void> => {
    if (redrive === undefined) return;
    const isDelivered = status === 'COMPLETE' || status === 'PARTIAL';
    const body = isDelivered
      ? 'It was delivered before: its receiver gets another callback. Data that is still stored is not fetched again.'
      : 'It starts at once, with a new deadline and retry schedule. Data that was fetched is kept.';
    if (!(await confirm({ title: 'Redrive this job?', body, action: 'Redrive' }))) return;
    await runAction(() => api.post(redrive), 'The job was redriven.');
    // A redriven job is often delivered within a second.
    setTimeout(refresh, 1000);
  };
  const cancelJob = async (): Promise<void> => {
    if (cancel === undefined) return;
    const body = 'Nothing more is fetched or delivered. A callback that is already on its way may still arrive.';
    if (!(await confirm({ title: 'Cancel this job?', body, action: 'Cancel the job', danger: true }))) return;
    await runAction(() => api.post(cancel), 'The job was cancelled.');
  };
  const deleteData = async (): Promise<void> => {
    const path = links.delete;
    if (path === undefined) return;
    const body = 'Its data, parameters and metadata are deleted for good. Its record stays until it expires.';
    if (!(await confirm({ title: 'Delete the data of this job?', body, action: 'Delete data', danger: true }))) return;
    await runAction(() => api.delete(path), 'The data was deleted.');
  };
  return (
    <div class="page-head-end">
      {redrive !== undefined && (
        <Button
          kind={status === 'COMPLETE' ? 'plain' : 'primary'}
          busy={action.isRunning}
          onClick={() => void redriveJob()}
        >
          Redrive
        </Button>
      )}
      {cancel !== undefined && (
        <Button busy={action.isRunning} onClick={() => void cancelJob()}>
          Cancel job
        </Button>
      )}
      {links.delete !== undefined && (
        <Button kind="danger" busy={action.isRunning} onClick={() => void deleteData()}>
          Delete data
        </Button>
      )}
    </div>
  );
};

const MetadataCard = ({ metadata }: { metadata: Record<string, string> }) => (
  <section class="card">
    <div class="card-head">
      <h2>Metadata</h2>
    </div>
    <dl class="card-body pairs">
      {Object.entries(metadata).map(([name, value]) => (
        <div key={name}>
          <dt class="mono">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  </section>
);

const CurlCard = ({ api, job }: { api: Api; job: Job }) => {
  const curl = (path: string): string => `curl -H "Authorization: Bearer $API_KEY" '${api.urlOf(path)}'`;
  return (
    <section class="card">
      <div class="card-head">
        <h2>The same with curl</h2>
        <a href={hrefTo('/jobs')}>All jobs</a>
      </div>
      <div class="card-body">
        <Code label="curl commands" text={`${curl(job.links.self)}\n${curl(job.links.data)}`} />
      </div>
    </section>
  );
};
