import type { Job, ProviderState } from '../api-types.ts';
import { Table } from '../components/table.tsx';
import { RelativeTime } from '../components/time.tsx';
import { formatBytes } from '../format.ts';
import { briefly } from './explain.ts';
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
        <Row key={provider.providerId} provider={provider} />
      ))}
    </Table>
  </section>
);

const Row = ({ provider }: { provider: ProviderState }) => {
  const { providerId, parameters, fetchedAt, bytes, failedAttempts, nextAttemptAt } = provider;
  return (
    <tr>
      <td>
        <span class="strong">{providerId}</span>
        {parameters && <Parameters values={parameters} />}
      </td>
      <td>
        <State provider={provider} />
      </td>
      <td data-title={nextAttemptAt === undefined ? '' : 'Next try'}>
        {nextAttemptAt !== undefined && <RelativeTime iso={nextAttemptAt} />}
      </td>
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

const STATES: Record<ProviderState['status'], [tone: string, text: string]> = {
  PENDING: ['pending', 'Not called yet'],
  FETCHED: ['complete', 'Fetched'],
  REFUSED: ['failed', 'Refused'],
  UNAVAILABLE: ['partial', 'Waiting'],
};

const State = ({ provider }: { provider: ProviderState }) => {
  const { status, error, deferred } = provider;
  const [tone, text] = STATES[status];
  const hasReason = status === 'REFUSED' || status === 'UNAVAILABLE';
  return (
    <>
      <span class={`badge badge-${tone}`}>{text}</span>
      {hasReason && <span title={longFailure(deferred ?? error ?? {})}> {briefly(provider)}</span>}
    </>
  );
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
