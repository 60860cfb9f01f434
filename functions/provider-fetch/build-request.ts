import { fillBody } from '@boomerang/core/domain/catalogue/body-template.ts';
import type { Parameters, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { expandUrl } from '@boomerang/core/domain/catalogue/url-template.ts';
import { USER_AGENT } from '@boomerang/core/version.ts';
import { withHeaders } from './credentials.ts';
import type { ExchangeRequest } from './exchange.ts';

/** The job and round that a request belongs to. Both go into its idempotency key. */
export type RequestPurpose = {
  jobId: string;
  /** The round of the job's requests. A provider that checks the idempotency header treats another round as a new request. */
  round: number;
};

const ACCEPT = 'application/json, text/*;q=0.5, */*;q=0.1';

/**
 * Builds the first request of a fetch, without our credential. Catalogue headers replace the defaults.
 *
 * @param values the valid values by parameter, with defaults filled in
 * @throws UnsafeExpansion for invalid values
 */
export const buildRequest = (provider: Provider, values: Parameters, purpose: RequestPurpose): ExchangeRequest => {
  const { method, body, headers = {}, idempotencyHeader, repeatable, timeoutMs, maxBytes } = provider;
  const ours = {
    accept: ACCEPT,
    'user-agent': USER_AGENT,
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  return {
    method,
    url: expandUrl(provider, values),
    headers: withHeaders(withHeaders(ours, headers), idempotencyHeaders(provider, purpose)),
    ...(body !== undefined && { body: fillBody(body, values) }),
    isRepeatable: method === 'GET' || repeatable || idempotencyHeader !== undefined,
    timeoutMs,
    maxBytes,
  };
};

/** Builds a request for a URL that the provider returned. */
export const buildFollowUp = ({ headers = {}, timeoutMs, maxBytes }: Provider, url: string): ExchangeRequest => ({
  method: 'GET',
  url,
  headers: withHeaders({ accept: ACCEPT, 'user-agent': USER_AGENT }, headers),
  isRepeatable: true,
  timeoutMs,
  maxBytes,
});

/**
 * The header by which a provider recognises a repeated request.
 *
 * @param page the page number, from 1: each page is a separate request
 */
export const idempotencyHeaders = (
  { id, idempotencyHeader }: Pick<Provider, 'id' | 'idempotencyHeader'>,
  { jobId, round }: RequestPurpose,
  page = 1,
): Record<string, string> =>
  idempotencyHeader === undefined
    ? {}
    : { [idempotencyHeader]: `${jobId}:${id}:${round}${page === 1 ? '' : `:${page}`}` };
