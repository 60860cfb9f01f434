import type { Redrive } from '../api-types.ts';

/** Whether a bulk run is still running, in the colors of a job's status. */
export const RedriveState = ({ status }: Pick<Redrive, 'status'>) =>
  status === 'RUNNING' ? (
    <span class="badge badge-pending">Running</span>
  ) : (
    <span class="badge badge-complete">Complete</span>
  );
