import { validateHeaderValue } from 'node:http';
import type { Auth, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { CredentialInvalid } from '@boomerang/core/domain/failures.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';

/**
 * Finds credentials that no request can carry before anything is sent: a header holds no line break and nothing outside
 * Latin-1, a query only well-formed Unicode, a user name of HTTP Basic no colon (RFC 7617), and the user info of a URL has to
 * be percent-encoded.
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
  log.error('A credential can not be sent', { providerId, reason });
  throw new CredentialInvalid({ class: 'internal', startedAt, excerpt: reason });
};

const faultOf = (auth: Auth, secret: string): string | undefined => {
  switch (auth.kind) {
    case 'header':
      return isHeaderValue(`${auth.prefix}${secret}`)
        ? undefined
        : 'its credential holds characters that no header can carry';
    case 'basic':
      if (auth.username.includes(':')) return 'its user name holds a colon';
      return /\p{Cc}/u.test(`${auth.username}${secret}`)
        ? 'its credential holds control characters'
        : faultOfText(secret);
    case 'query':
    case 'oauth2':
      return faultOfText(secret);
  }
};

const faultOfText = (secret: string): string | undefined =>
  secret.isWellFormed() ? undefined : 'its credential is not well-formed Unicode';

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
    return 'the user info of its URL is not percent-encoded';
  }
};
