import type { ClaimedJob } from '../contracts/claimed-job.ts';

/** Starts an execution of the job state machine. */
export type StartExecution = (jobs: ClaimedJob[]) => Promise<void>;

/** Starts a sweep, like the schedule does. */
export type StartSweep = () => Promise<void>;
