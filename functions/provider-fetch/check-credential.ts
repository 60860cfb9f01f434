import { validateHeaderValue } from 'node:http';
import type { Auth, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { CredentialInvalid } from '@boomerang/core/domain/failures.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';

/**
 * Rejects invalid credentials before anything is sent. A header must not contain line breaks or characters outside Latin-1, a
 * query must be well-formed Unicode, an HTTP Basic user name must not contain a colon (RFC 7617), and the user info of a URL
 * must be percent-encoded.
 *
 * @throws CredentialInvalid
 */
export const checkCredential = (
  log: Log,
  { id: providerId, url, auth }: Pick<Provider, 'id' | 'url' | 'auth'>,
  secret: string,
  startedAt: number,
): void => {
  const reason = (auth && faultOf(auth, secret)) ?? faultOfUserInfo(url);
  if (reason === undefined) return;
  log.error('Credential invalid', { providerId, reason });
  throw new CredentialInvalid({ class: 'internal', startedAt, excerpt: reason });
};

const faultOf = (auth: Auth, secret: string): string | undefined => {
  switch (auth.kind) {
    case 'header':
      return isHeaderValue(`${auth.prefix}${secret}`)
        ? undefined
        : 'the credential contains characters that are invalid in a header';
    case 'basic':
      if (auth.username.includes(':')) return 'the user name contains a colon';
      return /\p{Cc}/u.test(`${auth.username}${secret}`)
        ? 'the credential contains control characters'
        : faultOfText(secret);
    case 'query':
    case 'oauth2':
      return faultOfText(secret);
  }
};

const faultOfText = (secret: string): string | undefined =>
  secret.isWellFormed() ? undefined : 'the credential is not well-formed Unicode';

const isHeaderValue = (value: string): boolean => {
  try {
    validateHeaderValue('authorization', value);
    return true;
  } catch {
    return false;
  }
};

const faultOfUserInfo = (url: string): string | undefined => {
  const { username, password } = new URL(url);
  try {
    decodeURIComponent(`${username}:${password}`);
    return undefined;
  } catch {
    return 'the user info of the URL is not percent-encoded';
  }
};
