import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { CredentialMissing } from '@boomerang/core/domain/failures.ts';
import { secretsOfCredential } from '@boomerang/core/domain/mask.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import { type FindSecret, SecretMissing } from '@boomerang/core/ports/secrets.ts';

/** What tells a provider who we are. It goes to the provider, and nowhere else. */
export type Credential = {
  header: string;
  value: string;
  /** What excerpts must not show of it. */
  secrets: readonly string[];
};

/**
 * Finds our credential for a provider. A missing secret is our own fault, not the provider's last word: the job waits until it
 * is there.
 *
 * @param options `isFresh`: whether the secret is read anew, whatever is cached
 * @returns undefined where the provider wants none
 * @throws CredentialMissing
 */
export const findCredential = async (
  { findSecret, log }: { findSecret: FindSecret; log: Log },
  { id: providerId, auth }: Pick<Provider, 'id' | 'auth'>,
  startedAt: number,
  options: { isFresh?: boolean } = {},
): Promise<Credential | undefined> => {
  if (!auth) return undefined;
  if (auth.kind !== 'header') throw new TypeError('to come');
  try {
    const value = await findSecret(auth.secret, options);
    return { header: auth.header, value, secrets: secretsOfCredential(value) };
  } catch (cause) {
    if (!(cause instanceof SecretMissing)) throw cause;
    log.error('A secret is missing', { providerId, secret: auth.secret, error: cause });
    throw new CredentialMissing({ class: 'internal', startedAt, excerpt: 'its credential is missing' }, { cause });
  }
};
