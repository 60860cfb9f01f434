/** Links to a job and its data, relative to the service API. */
export const jobLinks = (jobId: string): { self: string; data: string } => ({
  self: `/jobs/${jobId}`,
  data: `/jobs/${jobId}/data`,
});
