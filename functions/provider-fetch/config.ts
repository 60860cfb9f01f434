import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(
  [
    'JOB_TABLE_NAME',
    'PROVIDER_CATALOGUE',
    'PROVIDERS_API_URL',
    'SECRETS_PATH',
    'FETCH_DEADLINE_SECONDS',
    'MIN_POLL_SECONDS',
    'RETRY_SCHEDULE_SECONDS',
    'RETENTION_SECONDS',
    'BREAKER_WINDOW_SECONDS',
    'BREAKER_MIN_CALLS',
    'BREAKER_FAILURE_RATE',
    'BREAKER_OPEN_SECONDS',
    'PAUSED',
  ],
  process.env,
);
