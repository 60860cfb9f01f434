import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(
  [
    'JOB_TABLE_NAME',
    'FETCH_DEADLINE_SECONDS',
    'RETRY_SCHEDULE_SECONDS',
    'RETENTION_SECONDS',
    'BREAKER_OPEN_SECONDS',
    'SHARD_COUNT',
  ],
  process.env,
);
