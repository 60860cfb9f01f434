/** Where a job can be found, relative to the service API. */
export const jobLinks = (jobId: string): { self: string } => ({ self: `/jobs/${jobId}` });
