import { readSettings } from '@boomerang/core/config/settings.ts';

export const config = readSettings(['PROVIDER_CATALOGUE'], process.env);
