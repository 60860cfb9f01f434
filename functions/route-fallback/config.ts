import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(['COMPLETE_UNSIGNED', 'COMPLETE_SECRET_NAME'], process.env);
