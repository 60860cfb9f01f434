import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(
  [
    'JOB_TABLE_NAME',
    'CLIENT_TABLE_NAME',
    'STATE_MACHINE_ARN',
    'PROVIDER_CATALOGUE',
    'CALLBACK_ALLOW',
    'CALLBACK_ALLOW_HTTP',
    'LEASE_SECONDS',
    'FETCH_DEADLINE_SECONDS',
    'SHARD_COUNT',
    'CLIENT_RATE_PER_SECOND',
  ],
  process.env,
);
