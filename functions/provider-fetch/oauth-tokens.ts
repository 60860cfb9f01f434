import { validateHeaderValue } from 'node:http';
import type { FailureClass, TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { Auth } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { isRecord } from '@boomerang/core/domain/json-values.ts';
import { createRecentMap, type RecentMap } from '@boomerang/core/domain/recent-map.ts';
import { asksToWait, judgeProviderStatus, readHint } from '@boomerang/core/domain/responses.ts';
import { HttpFailure, type HttpResponse, type SendHttp } from '@boomerang/core/ports/http.ts';
import { USER_AGENT } from '@boomerang/core/version.ts';
import { createQuote, type Quote } from './quote.ts';

/**
 * Access tokens by client credentials (RFC 6749, section 4.4). Each process caches a token until shortly before it expires.
 * Concurrent calls for the same token share one request.
 */

export type OAuth = Extract<Auth, { kind: 'oauth2' }>;

type TokenDeps = { send: SendHttp; now: () => number };

/**
 * The token endpoint returned no token. `refused`: it rejected our credential. `invalid`: the credential can't be sent. The
 * failure never contains the credential, and of the response's body only the OAuth error.
 */
export class TokenRequestFailed extends Error {
  override name = 'TokenRequestFailed';
  readonly verdict: 'refused' | 'throttled' | 'unavailable' | 'invalid';
  readonly failure: TaskFailure;

  constructor(verdict: TokenRequestFailed['verdict'], failure: TaskFailure) {
    super(`the token request failed: ${failure.class}`);
    this.verdict = verdict;
    this.failure = failure;
  }
}

/** How long before its expiry a token is renewed, milliseconds; at most a tenth of its lifetime. */
const RENEWAL_MS = 30_000;
/** The lifetime of a token if the server states none. */
const DEFAULT_LIFETIME_SECONDS = 300;
const MAX_LIFETIME_MS = 24 * 3_600_000;
const MAX_RESPONSE_BYTES = 64 * 1024;
const MAX_ENTRIES = 1_000;

/** @property renewAt epoch milliseconds */
type Token = { value: string; renewAt: number };
type Entry = { token?: Token; pending?: Promise<Token> | undefined };

/** The tokens of this process, by HTTP client. */
const caches = new WeakMap<SendHttp, RecentMap<Entry>>();

const entryOf = (send: SendHttp, { tokenUrl, clientId, clientAuth, scope, audience }: OAuth, secret: string): Entry => {
  const cache = caches.get(send) ?? createRecentMap<Entry>(MAX_ENTRIES);
  caches.set(send, cache);
  const key = JSON.stringify([tokenUrl, clientId, clientAuth, scope, audience, secret]);
  const entry = cache.get(key) ?? {};
  cache.set(key, entry);
  return entry;
};

/**
 * Returns a cached token or requests one. A call made while a request is under way shares its outcome. Failures are not
 * cached.
 *
 * @param secret the client secret
 * @throws TokenRequestFailed
 */
export const findToken = async (deps: TokenDeps, auth: OAuth, secret: string, timeoutMs: number): Promise<string> => {
  const entry = entryOf(deps.send, auth, secret);
  const startedAt = deps.now();
  if (entry.token && startedAt < entry.token.renewAt) return entry.token.value;
  entry.pending ??= requestToken(deps, auth, secret, timeoutMs, entry.token?.value)
    .then((token) => {
      entry.token = token;
      return token;
    })
    .finally(() => {
      entry.pending = undefined;
    });
  return (await withTimeout(entry.pending, timeoutMs, startedAt)).value;
};

/** Evicts a token that the provider refused, unless a newer one has replaced it. */
export const dropToken = ({ send }: Pick<TokenDeps, 'send'>, auth: OAuth, secret: string, token: string): void => {
  const entry = entryOf(send, auth, secret);
  if (entry.token?.value === token) delete entry.token;
};

/** Waits at most `timeoutMs`. Another call may have started the work with a longer timeout. */
const withTimeout = async <T>(work: Promise<T>, timeoutMs: number, startedAt: number): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    const failure = { class: 'timeout', startedAt, durationMs: timeoutMs, excerpt: fromEndpoint('timeout') } as const;
    timer = setTimeout(() => reject(new TokenRequestFailed('unavailable', failure)), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
};

/** An excerpt that says that it comes from the token endpoint, not from the provider itself. */
const fromEndpoint = (text: string): string => `token endpoint: ${text}`;

const requestToken = async (
  { send, now }: TokenDeps,
  auth: OAuth,
  secret: string,
  timeoutMs: number,
  lastToken: string | undefined,
): Promise<Token> => {
  const startedAt = now();
  const quote = createQuote(() => [secret, formEncoded(secret), ...(lastToken === undefined ? [] : [lastToken])]);
  let response: HttpResponse;
  try {
    response = await send({ ...toRequest(auth, secret), isRepeatable: true, timeoutMs, maxBytes: MAX_RESPONSE_BYTES });
  } catch (error) {
    throw toTokenRequestFailed(error, startedAt);
  }
  const failure = judgeTokenResponse(response, { startedAt, now: now(), quote });
  if (failure) throw failure;
  return readToken(response, startedAt);
};

/** A token request (RFC 6749, section 4.4.2). */
const toRequest = ({ tokenUrl, clientId, clientAuth, scope, audience }: OAuth, secret: string) => {
  const form = { grant_type: 'client_credentials', ...(scope && { scope }), ...(audience && { audience }) };
  const inBody = { client_id: clientId, client_secret: secret };
  const pair = btoa(`${formEncoded(clientId)}:${formEncoded(secret)}`);
  return {
    method: 'POST' as const,
    url: tokenUrl,
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': USER_AGENT,
      ...(clientAuth === 'basic' && { authorization: `Basic ${pair}` }),
    },
    body: String(new URLSearchParams(clientAuth === 'basic' ? form : { ...form, ...inBody })),
  };
};

/**
 * OAuth form-encodes both parts of HTTP Basic (RFC 6749, section 2.3.1). The WHATWG encoding leaves "-", "." and "_" as they
 * are, so that most credentials also work with servers that do not decode them.
 */
const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);

const toTokenRequestFailed = (error: unknown, startedAt: number): unknown => {
  if (!(error instanceof HttpFailure)) return error;
  const { class: failureClass, durationMs, message } = error;
  const failure: TaskFailure = { class: failureClass, startedAt, durationMs, excerpt: fromEndpoint(message) };
  return new TokenRequestFailed(failureClass === 'internal' ? 'invalid' : 'unavailable', failure);
};

/** OAuth errors that are worth a retry. */
const TRANSIENT = new Set(['server_error', 'slow_down', 'temporarily_unavailable']);

/** @returns undefined for a response that should contain a token */
const judgeTokenResponse = (
  response: HttpResponse,
  { startedAt, now, quote }: { startedAt: number; now: number; quote: Quote },
): TokenRequestFailed | undefined => {
  const { statusCode, headers, durationMs } = response;
  const error = readOAuthError(response.body);
  const isSuccess = statusCode >= 200 && statusCode < 300;
  if (isSuccess && !error) return undefined;
  const retryAfterMs = readHint(headers, statusCode, now);
  const isPermanent = judgeProviderStatus(statusCode) === 'refused';
  const fail = (verdict: TokenRequestFailed['verdict'], failureClass: FailureClass) =>
    new TokenRequestFailed(verdict, {
      class: failureClass,
      statusCode,
      startedAt,
      durationMs,
      excerpt: fromEndpoint(error ? quote.text(error) : String(statusCode)),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  const code = error?.split(':', 1)[0] ?? '';
  const isTransient = TRANSIENT.has(code);
  if (statusCode === 401 || (error && (isPermanent || isSuccess) && !isTransient)) {
    return fail('refused', 'credential_refused');
  }
  const isThrottled = retryAfterMs !== undefined || asksToWait(statusCode) || code === 'slow_down';
  if (isThrottled) return fail('throttled', isSuccess ? 'error_in_body' : 'bad_status');
  // Any other refusal is a fault of our configuration: it must not end a job.
  if (isPermanent && !isTransient) return fail('refused', 'credential_refused');
  return fail('unavailable', isSuccess ? 'error_in_body' : 'bad_status');
};

/** `error: error_description` of a body (RFC 6749, section 5.2); undefined if the body is not an OAuth error. */
const readOAuthError = (body: Buffer): string | undefined => {
  const { access_token: token, error, error_description: description } = parseObject(body);
  if (typeof token === 'string' || typeof error !== 'string' || error === '') return undefined;
  return typeof description === 'string' ? `${error}: ${description}` : error;
};

/** The members of a JSON object; an empty object for any other body. */
const parseObject = (body: Buffer): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
};

/** Reads the response of RFC 6749, section 5.1. */
const readToken = ({ statusCode, durationMs, body, bodyFailure }: HttpResponse, startedAt: number): Token => {
  const fail = (failureClass: FailureClass, text: string) =>
    new TokenRequestFailed('unavailable', {
      class: failureClass,
      statusCode,
      startedAt,
      durationMs,
      excerpt: fromEndpoint(text),
    });
  if (bodyFailure) throw fail(bodyFailure.class, 'the response is incomplete');
  const { access_token: value, token_type: type, expires_in: lifetime } = parseObject(body);
  if (typeof value !== 'string' || value === '') throw fail('bad_body', 'the response contains no token');
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') {
    throw fail('bad_body', 'the token is not of type bearer');
  }
  try {
    validateHeaderValue('authorization', value);
  } catch {
    throw fail('bad_body', 'the token contains characters that are invalid in a header');
  }
  const lifetimeMs = Math.min(secondsOf(lifetime) * 1000, MAX_LIFETIME_MS);
  return { value, renewAt: startedAt + lifetimeMs - Math.min(RENEWAL_MS, lifetimeMs / 10) };
};

/** Some servers send the lifetime as text. A lifetime that is not a number counts as absent. */
const secondsOf = (lifetime: unknown): number => {
  const seconds = typeof lifetime === 'string' ? Number.parseFloat(lifetime) : lifetime;
  return typeof seconds === 'number' && seconds >= 0 ? seconds : DEFAULT_LIFETIME_SECONDS;
};
