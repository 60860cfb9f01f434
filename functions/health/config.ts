import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(['JOB_TABLE_NAME'], process.env);
