/**
 * Finds a secret by its name.
 * @throws SecretMissing
 */
export type FindSecret = (name: string, options?: { /** Not from the cache. */ isFresh?: boolean }) => Promise<string>;

/** There is no such secret, or it can't be read. The message names it, and nothing of it. */
export class SecretMissing extends Error {
  override name = 'SecretMissing';
}
