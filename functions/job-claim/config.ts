import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(
  [
    'JOB_TABLE_NAME',
    'CLIENT_TABLE_NAME',
    'LEASE_SECONDS',
    'SHARD_COUNT',
    'MAX_JOBS_PER_SWEEP',
    'RETRY_SCHEDULE_SECONDS',
    'RETENTION_SECONDS',
    'BREAKER_OPEN_SECONDS',
    'PAUSED',
  ],
  process.env,
);
