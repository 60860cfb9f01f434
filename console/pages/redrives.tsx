import { useSignal } from '@preact/signals';
import type { Redrive, RedrivePage } from '../api-types.ts';
import { Button } from '../components/button.tsx';
import { RedriveState } from '../components/redrive-state.tsx';
import { EmptyState, ErrorState, Skeleton } from '../components/states.tsx';
import { Table } from '../components/table.tsx';
import { RelativeTime } from '../components/time.tsx';
import { toastError } from '../components/toast.tsx';
import { formatCount, formatDuration } from '../format.ts';
import { describeRequest } from '../job-filter.ts';
import { useResource } from '../resource.ts';
import { hrefTo } from '../router.ts';
import type { PageProps } from './page.ts';

const COLUMNS = [
  { title: 'State' },
  { title: 'Jobs' },
  { title: 'Redriven', align: 'end' as const },
  { title: 'Skipped', align: 'end' as const },
  { title: 'Errors', align: 'end' as const },
  { title: 'Started' },
  { title: 'Took', align: 'end' as const },
];

export const RedrivesPage = ({ api }: PageProps) => {
  const newest = useResource<RedrivePage>(api, '/redrives');
  const older = useSignal<{ redrives: Redrive[]; cursor: string | null } | undefined>(undefined);
  const page = newest.data.value;
  const cursor = older.value ? older.value.cursor : (page?.cursor ?? null);
  const loadMore = async (): Promise<void> => {
    try {
      const next = await api.get<RedrivePage>('/redrives', { cursor: cursor ?? undefined });
      older.value = { redrives: [...(older.value?.redrives ?? []), ...next.redrives], cursor: next.cursor };
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <>
      <h1 tabIndex={-1}>Redrives</h1>
      <div class="card">
        {page === undefined &&
          (newest.error.value ? (
            <ErrorState error={newest.error.value} />
          ) : (
            <div class="redrive-body">
              <Skeleton lines={6} height="1.9rem" />
            </div>
          ))}
        {page?.redrives.length === 0 && (
          <EmptyState title="No redrives yet">
            <p>
              A redrive tries many jobs again. Filter <a href={hrefTo('/jobs', { status: 'FAILED' })}>failed jobs</a>,
              then choose “Redrive all”: the console counts them, asks, and shows the progress here. Jobs that were
              selected one by one are not listed.
            </p>
          </EmptyState>
        )}
        {page && page.redrives.length > 0 && (
          <Table caption="Redrives, newest first" columns={COLUMNS}>
            {[...page.redrives, ...(older.value?.redrives ?? [])].map((redrive) => (
              <Row key={redrive.redriveId} redrive={redrive} />
            ))}
          </Table>
        )}
        {cursor !== null && (
          <div class="jobs-more">
            <Button onClick={() => void loadMore()}>Load older redrives</Button>
          </div>
        )}
      </div>
    </>
  );
};

const Row = ({ redrive }: { redrive: Redrive }) => {
  const { redriveId, status, query, redriven, skipped, failed, createdAt, updatedAt } = redrive;
  return (
    <tr>
      <td>
        <RedriveState status={status} />
      </td>
      <td>
        <a href={hrefTo(`/redrives/${redriveId}`)} data-row>
          {describeRequest(query)}
        </a>
      </td>
      <td class="end" data-title="Redriven">
        {formatCount(redriven)}
      </td>
      <td class="end" data-title="Skipped">
        {formatCount(skipped)}
      </td>
      <td class="end" data-title="Errors">
        {formatCount(failed)}
      </td>
      <td data-title="Started">
        <RelativeTime iso={createdAt} />
      </td>
      <td class="end" data-title="Took">
        {status === 'COMPLETE' ? formatDuration(Date.parse(updatedAt) - Date.parse(createdAt)) : '…'}
      </td>
    </tr>
  );
};
