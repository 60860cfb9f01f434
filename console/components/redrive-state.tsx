import type { Redrive } from '../api-types.ts';

/** The status of a redrive, in the colors of a job's status. */
export const RedriveState = ({ status }: Pick<Redrive, 'status'>) =>
  status === 'RUNNING' ? (
    <span class="badge badge-pending">Running</span>
  ) : (
    <span class="badge badge-complete">Complete</span>
  );
