import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(
  ['FAILURE_RATE', 'FAILURE_SEED', 'PROVIDER_LATENCY_MS', 'MAINTENANCE_WINDOW', 'REPORTS_CLIENT_SECRET'],
  process.env,
);
