import type { Client, ClientPage } from '../api-types.ts';
import { Button } from '../components/button.tsx';
import { EmptyState, ErrorState, Skeleton } from '../components/states.tsx';
import { Table } from '../components/table.tsx';
import { RelativeTime } from '../components/time.tsx';
import { formatCount } from '../format.ts';
import { navigate } from '../navigation.ts';
import { useResource } from '../resource.ts';
import { me, startViewingAs, viewAs } from '../store.ts';
import type { PageProps } from './page.ts';

const COLUMNS = [
  { title: 'Name' },
  { title: 'State' },
  { title: 'Client id' },
  { title: 'Created' },
  { title: 'Pending jobs', align: 'end' as const },
  { title: 'Actions', isTitleHidden: true },
];
const MAX_CLIENTS = 100;
const EVERY_MS = 10_000;

export const ClientsPage = ({ api }: PageProps) => {
  const resource = useResource<ClientPage>(api, '/clients', { query: { limit: MAX_CLIENTS }, everyMs: EVERY_MS });
  const page = resource.data.value;
  const error = resource.error.value;
  return (
    <>
      <h1 tabIndex={-1}>Clients</h1>
      <div class="card">
        {!page && error?.status === 403 && (
          <EmptyState title="Only operators see other clients">
            <p>
              An operator's key is made with <code>npm run clients -- create --name ops --operator</code>.
            </p>
          </EmptyState>
        )}
        {!page && error && error.status !== 403 && <ErrorState error={error} />}
        {!page && !error && (
          <div class="redrive-body">
            <Skeleton lines={6} height="1.9rem" />
          </div>
        )}
        {page && (
          <Table caption="Clients" columns={COLUMNS}>
            {page.clients.map((client) => (
              <Row key={client.clientId} client={client} />
            ))}
          </Table>
        )}
        {page && page.cursor !== null && <p class="jobs-more">Only the first {MAX_CLIENTS} clients are shown.</p>}
      </div>
    </>
  );
};

const Row = ({ client }: { client: Client }) => {
  const { clientId, name, isOperator, createdAt, revokedAt, pendingJobs, pendingJobsTruncated } = client;
  const isSelf = clientId === me.value?.clientId;
  const isViewed = clientId === viewAs.value?.clientId;
  const view = (): void => {
    startViewingAs(client);
    navigate('#/');
  };
  return (
    <tr>
      <td>
        <strong>{name}</strong> {isOperator && <span class="tag">operator</span>}{' '}
        {isSelf && <span class="tag">you</span>}
      </td>
      <td>
        {revokedAt === null ? (
          <span class="badge badge-complete">Active</span>
        ) : (
          <span class="badge badge-cancelled">
            Revoked <RelativeTime iso={revokedAt} />
          </span>
        )}
      </td>
      <td class="mono faint">{clientId}</td>
      <td data-title="Created">{createdAt === null ? '–' : <RelativeTime iso={createdAt} />}</td>
      <td class="end" data-title="Pending jobs">
        {pendingJobsTruncated ? 'more than ' : ''}
        {formatCount(pendingJobs)}
      </td>
      <td class="end">
        {isViewed && 'Viewing'}
        {!isViewed && !isSelf && (
          <Button onClick={view} label={`View as ${name}`}>
            View as
          </Button>
        )}
      </td>
    </tr>
  );
};
