import manifest from './package.json' with { type: 'json' };

/** The version that callbacks carry in their user agent. */
export const VERSION: string = manifest.version;
