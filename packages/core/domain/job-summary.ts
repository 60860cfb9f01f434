import { endedAtOf, type Job, type Phase } from './job.ts';

/** A job in a list. */
export type JobSummary = Pick<Job, 'jobId' | 'status' | 'createdAt' | 'providers' | 'failure'> & {
  /** Absent once the job has ended. */
  phase?: Phase;
  /** Host of the callback URL, with its port unless that is the scheme's default. */
  callbackHost: string;
  /** Epoch milliseconds; absent while the job is pending. */
  endedAt?: number;
};

type SummarisedJob = Pick<
  Job,
  'jobId' | 'status' | 'phase' | 'createdAt' | 'updatedAt' | 'endedAt' | 'providers' | 'callbackUrl' | 'failure'
>;

export const toSummary = (job: SummarisedJob): JobSummary => {
  const { jobId, status, phase, createdAt, providers, callbackUrl, failure } = job;
  const endedAt = endedAtOf(job);
  return {
    jobId,
    status,
    ...(endedAt === undefined ? { phase } : { endedAt }),
    providers,
    callbackHost: callbackHostOf(callbackUrl),
    createdAt,
    ...(failure && { failure }),
  };
};

export const callbackHostOf = (callbackUrl: string): string => new URL(callbackUrl).host;
