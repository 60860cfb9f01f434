import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { USER_AGENT } from '@boomerang/core/version.ts';
import type { ExchangeRequest } from './exchange.ts';

/** The first request that a fetch makes of a provider, without our credential. */
export const buildRequest = ({ url, timeoutMs, maxBytes }: Provider): ExchangeRequest => ({
  method: 'GET',
  url,
  headers: { accept: 'application/json, text/*;q=0.5, */*;q=0.1', 'user-agent': USER_AGENT },
  timeoutMs,
  maxBytes,
});
