import type { AllowedActions } from '../domain/control.ts';

/** Links to a job and its data, relative to the service API. */
export const jobLinks = (jobId: string): { self: string; data: string } => ({
  self: `/jobs/${jobId}`,
  data: `/jobs/${jobId}/data`,
});

/** Links to the actions that are allowed. */
export const actionLinks = (
  jobId: string,
  allowed: AllowedActions,
): { redrive?: string; cancel?: string; delete?: string } => ({
  ...(allowed.redrive && { redrive: `/jobs/${jobId}/redrive` }),
  ...(allowed.cancel && { cancel: `/jobs/${jobId}/cancel` }),
  ...(allowed.delete && { delete: `/jobs/${jobId}` }),
});
