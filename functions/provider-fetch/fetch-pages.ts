import type { Pagination, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { itemsOf, joinItems, parsePointer, selectJson } from '@boomerang/core/domain/json-select.ts';
import type { HttpResponse } from '@boomerang/core/ports/http.ts';
import { idempotencyHeaders, type RequestPurpose } from './build-request.ts';
import { withHeaders } from './credentials.ts';
import type { Exchange, ExchangeRequest, ResponseContext } from './exchange.ts';
import { createResponseErrors, readData } from './judge-response.ts';
import { BadPage, createPager, type NextPage, type Pager } from './next-page.ts';

/** The data fetched from a provider, and the calls it took. */
export type Collected = {
  /** The data, as JSON text. */
  json: string;
  /** Of the last response. */
  statusCode: number;
  /** The sum over all calls, without waits. */
  durationMs: number;
  pages: number;
};

export type PagedProvider = Provider & { pagination: Pagination };

export const isPaged = (provider: Provider): provider is PagedProvider => provider.pagination !== undefined;

/**
 * Fetches all pages of a provider one after the other and joins their arrays. `maxBytes` applies to all pages together,
 * `timeoutMs` to each; the exchange limits their total time. A failed page fails the fetch, and earlier pages are discarded.
 *
 * @param first the request, without the pagination's query parameters
 * @returns data `null` if the first response means "no data"; such a response to a later page ends the pages
 * @throws as `judgeResponse` for each page; ProviderUnavailable `bad_page` if a page breaks the pagination; ProviderRefused
 * `too_many_pages` if there are more than `maxPages`
 */
export const fetchPages = async (
  exchange: Exchange,
  provider: PagedProvider,
  first: ExchangeRequest,
  purpose: RequestPurpose,
): Promise<Collected> => {
  const { pagination, maxBytes } = provider;
  const pager = createPager(pagination, first.url);
  const parts: string[] = [];
  let bytes = 0;
  let durationMs = 0;
  let url = pager.firstUrl;
  for (let number = 1; ; number += 1) {
    const headers = withHeaders(first.headers, idempotencyHeaders(provider, purpose, number));
    const request = { ...first, url, headers, maxBytes: maxBytes - bytes };
    const page = await exchange(request, (response, context) =>
      readPage(response, context, { provider, pager, url, number, bytesBefore: bytes }),
    );
    const { items, next, response } = page;
    bytes += page.bytes;
    durationMs += response.durationMs;
    if (items !== undefined) parts.push(items);
    if (next === undefined) {
      const json = items === undefined && number === 1 ? 'null' : joinItems(parts);
      return { json, statusCode: response.statusCode, durationMs, pages: number };
    }
    url = next.url;
  }
};

type PageContext = {
  provider: PagedProvider;
  pager: Pager;
  url: string;
  number: number;
  /** The size of all earlier pages. */
  bytesBefore: number;
};

/**
 * Reads one page.
 *
 * @returns `items`: the text between the brackets of the page's array; undefined for a response that means "no data". `bytes`:
 * the size of the page as received or as JSON in UTF-8, whichever is larger
 */
const readPage = (
  response: HttpResponse,
  context: ResponseContext,
  { provider, pager, url, number, bytesBefore }: PageContext,
): { response: HttpResponse; bytes: number; items?: string; next?: NextPage | undefined } => {
  const { pagination, maxBytes } = provider;
  const document = readData(response, provider, context);
  if (document === undefined) return { response, bytes: response.body.length };
  const errors = createResponseErrors(response, provider, context);
  const bytes = Math.max(response.body.length, document.bytes);
  if (bytesBefore + bytes > maxBytes) throw errors.refused('too_large', `all pages are larger than ${maxBytes} bytes`);
  const { quote } = context;
  // With `dataAt`, `itemsAt` is relative to it.
  const itemsAt = `${provider.dataAt ?? ''}${pagination.itemsAt}`;
  const array = selectJson(document.json, parsePointer(itemsAt));
  const items = array === undefined ? undefined : itemsOf(array);
  if (items === undefined) {
    throw errors.unavailable('bad_page', `page ${number}: no array at "${itemsAt}" in ${quote.response(response)}`);
  }
  const isEmpty = items === '';
  let next: NextPage | undefined;
  try {
    next = pager.next({ url, number, headers: response.headers, document, itemsAt, isEmpty });
  } catch (error) {
    if (!(error instanceof BadPage)) throw error;
    throw errors.unavailable('bad_page', `page ${number}: ${quote.text(error.message)}`);
  }
  const { maxPages } = pagination;
  // A next page that is not certain to exist may be empty, so it is requested even after the last allowed page.
  const isTooMany = next && (next.isCertain ? number >= maxPages : number > maxPages);
  if (isTooMany) throw errors.final('too_many_pages', `more than ${maxPages} pages`);
  return { response, bytes, items, next };
};
