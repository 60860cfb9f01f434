import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(
  ['JOB_TABLE_NAME', 'RETRY_SCHEDULE_SECONDS', 'RETENTION_SECONDS', 'BREAKER_OPEN_SECONDS'],
  process.env,
);
