import { JobInProgress, JobNotFound } from '../use-cases/job-errors.ts';
import { jobIdSchema } from './job-fields.ts';
import { inProgress, Problem } from './problem.ts';

/**
 * The job id in a path.
 * @throws Problem 404 for anything but a UUID
 */
export const jobIdOf = (path: Readonly<Record<string, string | undefined>>): string => {
  const { success, data } = jobIdSchema.safeParse(path.jobId);
  if (!success) throw noSuchJob();
  return data;
};

/** Maps the failures of job use cases to problems; undefined for other errors. */
export const toJobProblem = (error: unknown): Problem | undefined => {
  if (error instanceof JobNotFound) return noSuchJob();
  if (error instanceof JobInProgress) return inProgress(error.retryAfterMs, error);
  return undefined;
};

const noSuchJob = (): Problem => new Problem(404, 'No such job.');
