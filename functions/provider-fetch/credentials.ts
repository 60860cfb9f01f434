import type { Auth, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { CredentialMissing } from '@boomerang/core/domain/failures.ts';
import { secretsOfCredential } from '@boomerang/core/domain/mask.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import { type FindSecret, SecretMissing } from '@boomerang/core/ports/secrets.ts';
import { setQuery } from './set-query.ts';

/** What tells a provider who we are. It goes to the provider, and nowhere else. */
export type Credential = {
  /** Adds it to a request. */
  addTo: (request: SentRequest) => SentRequest;
  /** What excerpts must not show of it. */
  secrets: () => readonly string[];
};

type SentRequest = { url: string; headers: Readonly<Record<string, string>> };

/**
 * Reads the secret that a provider's credential is made of. A missing one is our own fault, not the provider's last word: the
 * job waits until it is there.
 *
 * @param options `isFresh`: whether it is read anew, whatever is cached
 * @throws CredentialMissing
 */
export const findProviderSecret = async (
  { findSecret, log }: { findSecret: FindSecret; log: Log },
  { id: providerId, auth }: { id: string; auth: Auth },
  startedAt: number,
  options: { isFresh?: boolean },
): Promise<string> => {
  try {
    return await findSecret(auth.secret, options);
  } catch (cause) {
    if (!(cause instanceof SecretMissing)) throw cause;
    log.error('A secret is missing', { providerId, secret: auth.secret, error: cause });
    throw new CredentialMissing({ class: 'internal', startedAt, excerpt: 'its credential is missing' }, { cause });
  }
};

/** A credential that needs no token: a header, a query parameter, or HTTP Basic (RFC 7617, in UTF-8). */
export const toCredential = (auth: Exclude<Auth, { kind: 'oauth2' }>, secret: string): Credential => {
  switch (auth.kind) {
    case 'header':
      return headerCredential(auth.header, `${auth.prefix}${secret}`, [secret]);
    case 'basic': {
      const pair = Buffer.from(`${auth.username}:${secret}`).toString('base64');
      return headerCredential('authorization', `Basic ${pair}`, [secret, auth.username]);
    }
    case 'query':
      return {
        addTo: (request) => ({ ...request, url: setQuery(request.url, auth.parameter, secret) }),
        secrets: () => [secret],
      };
  }
};

/** An access token as a credential (RFC 6750). */
export const bearerCredential = (token: string, secret: string): Credential =>
  headerCredential('authorization', `Bearer ${token}`, [token, secret]);

const headerCredential = (name: string, value: string, secrets: readonly string[]): Credential => ({
  addTo: ({ url, headers }) => ({ url, headers: withHeaders(headers, { [name]: value }) }),
  secrets: () => [...secretsOfCredential(value), ...secrets],
});

/** Headers of which the later ones replace the earlier ones of the same name, in whatever case. */
export const withHeaders = (
  headers: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>>,
): Record<string, string> => {
  const replaced = new Set(Object.keys(more).map((name) => name.toLowerCase()));
  const kept = Object.entries(headers).filter(([name]) => !replaced.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...more };
};

/** What excerpts must not show of constant headers: the values of those that look like credentials. */
export const secretsOfHeaders = ({ headers = {} }: Pick<Provider, 'headers'>): string[] =>
  Object.entries(headers)
    .filter(([name]) => /auth|cookie|key|password|secret|session|token/i.test(name))
    .flatMap(([, value]) => secretsOfCredential(value));
