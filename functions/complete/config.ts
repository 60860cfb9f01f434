import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(['SECRETS_PATH', 'COMPLETE_SECRET_NAME'], process.env);
