import { fillBody } from '@boomerang/core/domain/catalogue/body-template.ts';
import type { Parameters, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { expandUrl } from '@boomerang/core/domain/catalogue/url-template.ts';
import { USER_AGENT } from '@boomerang/core/version.ts';
import { withHeaders } from './credentials.ts';
import type { ExchangeRequest } from './exchange.ts';

/** What a request is made for. */
export type RequestPurpose = {
  jobId: string;
  /** Of the job's requests: a provider that knows requests by the idempotency header takes those of another round for new. */
  round: number;
};

const ACCEPT = 'application/json, text/*;q=0.5, */*;q=0.1';

/**
 * The first request that a fetch makes of a provider, without our credential. Headers of the catalogue replace ours.
 *
 * @param values by parameter, valid, defaults filled in
 * @throws UnsafeExpansion for values that are not valid
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

/** A request for another address of a provider, which it named itself. */
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
 * @param page of the answer, from 1: the request for another page is another request
 */
export const idempotencyHeaders = (
  { id, idempotencyHeader }: Pick<Provider, 'id' | 'idempotencyHeader'>,
  { jobId, round }: RequestPurpose,
  page = 1,
): Record<string, string> =>
  idempotencyHeader === undefined
    ? {}
    : { [idempotencyHeader]: `${jobId}:${id}:${round}${page === 1 ? '' : `:${page}`}` };
