import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(
  ['JOB_TABLE_NAME', 'CLIENT_TABLE_NAME', 'PROVIDER_CATALOGUE', 'SHARD_COUNT'],
  process.env,
);
