import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(['SECRETS_PATH', 'COMPLETE_SECRET_NAME', 'COMPLETE_UNSIGNED'], process.env);
