import manifest from './package.json' with { type: 'json' };

export const VERSION: string = manifest.version;

/** How requests to third parties introduce themselves. */
export const USER_AGENT = `Boomerang/${VERSION}`;
