import { validateHeaderValue } from 'node:http';
import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { CredentialInvalid } from '@boomerang/core/domain/failures.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';

/**
 * Finds credentials that no request can carry before anything is sent: a header holds no line break and nothing outside
 * Latin-1, and the user info of a URL has to be percent-encoded.
 *
 * @throws CredentialInvalid
 */
export const checkCredential = (
  log: Log,
  { id: providerId, url }: Pick<Provider, 'id' | 'url'>,
  credential: { header: string; value: string } | undefined,
  startedAt: number,
): void => {
  const fail = (excerpt: string, cause: unknown): CredentialInvalid => {
    log.error('A credential can not be sent', { providerId, reason: excerpt });
    return new CredentialInvalid({ class: 'internal', startedAt, excerpt }, { cause });
  };
  try {
    if (credential) validateHeaderValue(credential.header, credential.value);
  } catch (cause) {
    throw fail('its credential holds characters that no header can carry', cause);
  }
  const { username, password } = new URL(url);
  try {
    decodeURIComponent(`${username}:${password}`);
  } catch (cause) {
    throw fail('the user info of its URL is not percent-encoded', cause);
  }
};
