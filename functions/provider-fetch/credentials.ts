import type { Auth, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { CredentialMissing } from '@boomerang/core/domain/failures.ts';
import { secretsOfCredential } from '@boomerang/core/domain/mask.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import { type FindSecret, SecretMissing } from '@boomerang/core/ports/secrets.ts';
import { setQuery } from './set-query.ts';

/** Our credential at a provider. It is sent to that provider only. */
export type Credential = {
  /** Adds it to a request. */
  addTo: (request: SentRequest) => SentRequest;
  /** The values to mask in excerpts. */
  secrets: () => readonly string[];
};

type SentRequest = { url: string; headers: Readonly<Record<string, string>> };

/**
 * Reads the secret of a provider's credential. A missing secret is an internal fault: the job waits until the secret exists.
 *
 * @param options `bypassCache` reads the current secret
 * @throws CredentialMissing
 */
export const findProviderSecret = async (
  { findSecret, log }: { findSecret: FindSecret; log: Log },
  { id: providerId, auth }: { id: string; auth: Auth },
  startedAt: number,
  options: { bypassCache?: boolean },
): Promise<string> => {
  try {
    return await findSecret(auth.secret, options);
  } catch (cause) {
    if (!(cause instanceof SecretMissing)) throw cause;
    log.error('Credential missing', { providerId, secret: auth.secret, error: cause });
    throw new CredentialMissing({ class: 'internal', startedAt, excerpt: 'the credential is missing' }, { cause });
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

/** Merges headers. Those in `more` replace those of the same name, ignoring case. */
export const withHeaders = (
  headers: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>>,
): Record<string, string> => {
  const replaced = new Set(Object.keys(more).map((name) => name.toLowerCase()));
  const kept = Object.entries(headers).filter(([name]) => !replaced.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...more };
};

/** The values to mask of the catalogue's headers: those whose names look like credentials. */
export const secretsOfHeaders = ({ headers = {} }: Pick<Provider, 'headers'>): string[] =>
  Object.entries(headers)
    .filter(([name]) => /auth|cookie|key|password|secret|session|token/i.test(name))
    .flatMap(([, value]) => secretsOfCredential(value));
