import type { ClaimedJob } from '../contracts/claimed-job.ts';

/** Starts an execution of the state machine that works on the given jobs. */
export type StartExecution = (jobs: ClaimedJob[]) => Promise<void>;

/** Starts a sweep, as the schedule does. */
export type StartSweep = () => Promise<void>;
