import type { FailureCode, Job, JobStatus } from './job.ts';

/** Selects jobs of a client; each property narrows the selection. */
export type JobFilter = {
  statuses?: readonly JobStatus[] | undefined;
  /** Only jobs that request this provider. */
  providerId?: string | undefined;
  /** Only jobs that ended `FAILED` with this code. */
  failureCode?: FailureCode | undefined;
  /** Only pending jobs with a failed attempt. */
  inTrouble?: true | undefined;
  /** Only jobs accepted at or after this time, epoch milliseconds. */
  from?: number | undefined;
  /** Only jobs accepted before this time, epoch milliseconds. */
  to?: number | undefined;
};

type FilteredJob = Pick<Job, 'status' | 'providers' | 'failure' | 'isInTrouble' | 'createdAt'>;

export const isSelected = (job: FilteredJob, filter: JobFilter): boolean => {
  const { statuses, providerId, failureCode, inTrouble, from, to } = filter;
  return (
    (statuses === undefined || statuses.includes(job.status)) &&
    (providerId === undefined || job.providers.includes(providerId)) &&
    (failureCode === undefined || (job.status === 'FAILED' && job.failure?.code === failureCode)) &&
    (inTrouble === undefined || (job.status === 'PENDING' && job.isInTrouble === true)) &&
    (from === undefined || job.createdAt >= from) &&
    (to === undefined || job.createdAt < to)
  );
};

/** The statuses that selected jobs may have: none if the filter excludes every job; undefined for any. */
export const possibleStatuses = ({ statuses, failureCode, inTrouble }: JobFilter): readonly JobStatus[] | undefined => {
  const allow = (possible: readonly JobStatus[] | undefined, status: JobStatus): JobStatus[] =>
    possible === undefined || possible.includes(status) ? [status] : [];
  const afterTrouble = inTrouble ? allow(statuses, 'PENDING') : statuses;
  return failureCode ? allow(afterTrouble, 'FAILED') : afterTrouble;
};
