import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(
  [
    'JOB_TABLE_NAME',
    'CLIENT_TABLE_NAME',
    'STATE_MACHINE_ARN',
    'LEASE_SECONDS',
    'FETCH_DEADLINE_SECONDS',
    'RETRY_SCHEDULE_SECONDS',
    'RETENTION_SECONDS',
    'BREAKER_OPEN_SECONDS',
    'SHARD_COUNT',
  ],
  process.env,
);
