import { isSameSecret } from './sealed-text.ts';

/** The only client of the mock providers. */
export const CLIENT_ID = 'boomerang';
/** The only scope, and the default. */
export const SCOPE = 'reports';

/** Errors of RFC 6749 §5.2. */
export type TokenError = 'invalid_client' | 'invalid_request' | 'invalid_scope' | 'unsupported_grant_type';

export type TokenRequest = { authorization: string | undefined; form: URLSearchParams };

/**
 * Checks a client credentials token request (RFC 6749 §4.4.2).
 *
 * @returns its error; undefined if it is valid
 */
export const findTokenError = (secret: string, { authorization, form }: TokenRequest): TokenError | undefined => {
  const names = [...form.keys()];
  if (new Set(names).size < names.length) return 'invalid_request';
  // A parameter without a value counts as omitted (RFC 6749 §3.2).
  const field = (name: string): string | undefined => form.get(name) || undefined;
  const basic = readBasic(authorization);
  // A client must not authenticate in two ways at once (RFC 6749 §2.3).
  if (authorization !== undefined && field('client_secret') !== undefined) return 'invalid_request';
  const client = authorization === undefined ? { id: field('client_id'), secret: field('client_secret') } : basic;
  if (client?.id !== CLIENT_ID || !isSameSecret(client.secret ?? '', secret)) return 'invalid_client';
  if (field('client_id') !== undefined && field('client_id') !== client.id) return 'invalid_request';
  if (field('grant_type') === undefined) return 'invalid_request';
  if (field('grant_type') !== 'client_credentials') return 'unsupported_grant_type';
  return [undefined, SCOPE].includes(field('scope')) ? undefined : 'invalid_scope';
};

/** Client id and secret from HTTP Basic. Each is form-encoded (RFC 6749 §2.3.1). */
const readBasic = (authorization: string | undefined): { id: string; secret: string } | undefined => {
  const [, base64 = ''] = /^basic +([\w+/-]+=*)$/i.exec(authorization?.trim() ?? '') ?? [];
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(base64, 'base64').toString('utf8')) ?? [];
  return id === undefined || secret === undefined ? undefined : { id: formDecode(id), secret: formDecode(secret) };
};

const formDecode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
};
