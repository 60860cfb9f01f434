import manifest from './package.json' with { type: 'json' };

export const VERSION: string = manifest.version;

/** `user-agent` of requests to third parties. */
export const USER_AGENT = `Boomerang/${VERSION}`;
