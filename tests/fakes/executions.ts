import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import type { StartExecution } from '@boomerang/core/ports/executions.ts';

/** A state machine that only records its input. If `error` is set, every start throws it. */
export const createFakeExecutions = (error?: Error): { startExecution: StartExecution; started: ClaimedJob[][] } => {
  const started: ClaimedJob[][] = [];
  const startExecution: StartExecution = async (jobs) => {
    if (error) throw error;
    started.push(structuredClone(jobs));
  };
  return { startExecution, started };
};
