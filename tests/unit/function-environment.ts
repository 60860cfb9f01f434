import { FUNCTION_SETTINGS } from '../function-settings.ts';

/** The environment that functions read at load: import this before any handler. */
Object.assign(process.env, FUNCTION_SETTINGS);
