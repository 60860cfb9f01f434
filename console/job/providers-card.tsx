import type { Job, ProviderState } from '../api-types.ts';
import { Table } from '../components/table.tsx';
import { RelativeTime } from '../components/time.tsx';
import { formatBytes } from '../format.ts';
import { briefly, nextTryOf } from './explain.ts';
import { longFailure } from './failure-words.ts';

const COLUMNS = [
  { title: 'Provider' },
  { title: 'State' },
  { title: 'Next try' },
  { title: 'Failed tries', align: 'end' as const },
  { title: 'Data', align: 'end' as const },
];

export const ProvidersCard = ({ job }: { job: Job }) => (
  <section class="card">
    <div class="card-head">
      <h2>Providers</h2>
    </div>
    <Table caption="Providers of this job" columns={COLUMNS}>
      {job.providers.map((provider) => (
        <Row key={provider.providerId} provider={provider} job={job} />
      ))}
    </Table>
  </section>
);

const Row = ({ provider, job }: { provider: ProviderState; job: Job }) => {
  const { providerId, parameters, fetchedAt, bytes, failedAttempts } = provider;
  const next = nextTryOf(job, provider);
  return (
    <tr>
      <td>
        <span class="strong">{providerId}</span>
        {parameters && <Parameters values={parameters} />}
      </td>
      <td>
        <State provider={provider} isFetching={job.status === 'PENDING' && job.phase === 'FETCHING'} />
      </td>
      <td data-title={next === undefined ? '' : 'Next try'}>{next !== undefined && <RelativeTime iso={next} />}</td>
      <td class="end" data-title={failedAttempts ? 'Failed tries' : ''}>
        {failedAttempts ? failedAttempts : ''}
      </td>
      <td class="end" data-title={bytes === undefined ? '' : 'Data'}>
        {bytes !== undefined && formatBytes(bytes)}
        {fetchedAt !== undefined && (
          <>
            {', '}
            <RelativeTime iso={fetchedAt} />
          </>
        )}
      </td>
    </tr>
  );
};

const State = ({ provider, isFetching }: { provider: ProviderState; isFetching: boolean }) => {
  const { status, error, deferred } = provider;
  const [tone, text] = badgeOf(provider, isFetching);
  const hasReason = status === 'REFUSED' || status === 'UNAVAILABLE';
  return (
    <>
      <span class={`badge badge-${tone}`}>{text}</span>
      {hasReason && <span title={longFailure(deferred ?? error ?? {})}> {briefly(provider)}</span>}
    </>
  );
};

const badgeOf = ({ status, workingSince }: ProviderState, isFetching: boolean): [tone: string, text: string] => {
  if (status === 'FETCHED') return ['complete', 'Fetched'];
  if (status === 'REFUSED') return ['failed', 'Refused'];
  if (!isFetching) return ['failed', 'No data'];
  if (status === 'PENDING') return ['pending', 'Not called yet'];
  return workingSince === undefined ? ['partial', 'Waiting'] : ['pending', 'Working'];
};

const Parameters = ({ values }: { values: NonNullable<ProviderState['parameters']> }) => (
  <ul class="parameters">
    {Object.entries(values).map(([name, value]) => (
      <li key={name} class="mono">
        {name}={String(value)}
      </li>
    ))}
  </ul>
);
