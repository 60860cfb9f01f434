import { FUNCTION_SETTINGS } from '../function-settings.ts';

/** What functions read when they load: import this before any handler. */
Object.assign(process.env, FUNCTION_SETTINGS);
