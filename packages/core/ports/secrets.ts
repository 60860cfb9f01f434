/**
 * Finds a secret by its name.
 * @param options `isFresh` bypasses the cache
 * @throws SecretMissing
 */
export type FindSecret = (name: string, options?: { isFresh?: boolean }) => Promise<string>;

/** The secret is missing or can't be read. The message contains its name, never its value. */
export class SecretMissing extends Error {
  override name = 'SecretMissing';
}
