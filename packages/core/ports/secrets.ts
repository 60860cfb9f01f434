/**
 * Finds a secret by its name.
 * @param options `bypassCache` reads the current secret
 * @throws SecretMissing
 */
export type FindSecret = (name: string, options?: { bypassCache?: boolean }) => Promise<string>;

/** The secret is missing or can't be read. The message contains its name, never its value. */
export class SecretMissing extends Error {
  override name = 'SecretMissing';
}
