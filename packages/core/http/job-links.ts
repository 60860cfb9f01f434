/** Where a job and its data can be found, relative to the service API. */
export const jobLinks = (jobId: string): { self: string; data: string } => ({
  self: `/jobs/${jobId}`,
  data: `/jobs/${jobId}/data`,
});
