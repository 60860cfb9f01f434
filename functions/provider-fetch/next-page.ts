import type { Pagination } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { decodeHeader } from '@boomerang/core/domain/header-text.ts';
import { parsePointer, selectJson } from '@boomerang/core/domain/json-select.ts';
import { parseLinks } from '@boomerang/core/domain/link-header.ts';
import type { HttpResponse } from '@boomerang/core/ports/http.ts';
import type { JsonText } from './read-response.ts';
import { setQuery } from './set-query.ts';
import { valueAt } from './value-at.ts';

/** A page, as read to find the next one. */
export type Page = {
  /** The requested URL, without our credential. */
  url: string;
  /** From 1. */
  number: number;
  headers: HttpResponse['headers'];
  document: JsonText;
  /** JSON Pointer to its array. */
  itemsAt: string;
  /** Whether its array is empty. */
  isEmpty: boolean;
};

export type NextPage = {
  url: string;
  /** Whether the provider states that this page exists. If not, only requesting it shows. */
  isCertain: boolean;
};

/** A page breaks the pagination in the catalogue. The message may quote the provider. */
export class BadPage extends Error {
  override name = 'BadPage';
}

/** Finds each next page. */
export type Pager = {
  firstUrl: string;
  /**
   * @returns undefined after the last page
   * @throws BadPage
   */
  next: (page: Page) => NextPage | undefined;
};

/**
 * Creates a pager by the rules of the catalogue:
 *
 * - Numbered pages (`page`, `offset`) end at an empty page.
 * - Pages with a pointer to the next one (`link`, `next-url`, `cursor`) end where the pointer is missing. An empty page ends
 *   them only if its pointer was already followed, because some providers filter the items of a page.
 * - Pages of any kind end where `hasMoreAt` is false.
 *
 * @param url the URL of the first request; pages at other origins are rejected because the requests carry our credential
 */
export const createPager = (pagination: Pagination, url: string): Pager => {
  const isNumbered = pagination.kind === 'page' || pagination.kind === 'offset';
  const seen = new Set<string>();
  const hasMore = ({ document }: Page): boolean | undefined =>
    pagination.hasMoreAt === undefined ? undefined : booleanAt(document, pagination.hasMoreAt);

  const numbered = (page: Page): NextPage | undefined =>
    page.isEmpty
      ? undefined
      : { url: numberedUrl(pagination, url, page.number + 1), isCertain: hasMore(page) === true };

  const pointed = (page: Page): NextPage | undefined => {
    const pointer = pointerOf(pagination, page);
    if (pointer === undefined) {
      if (hasMore(page) === true) throw new BadPage('has more pages, but no pointer to the next');
      return undefined;
    }
    const next =
      pagination.kind === 'cursor'
        ? cursorUrl(url, pagination.parameter, pointer)
        : sameOriginUrl(url, page.url, pointer);
    const key = pagination.kind === 'cursor' ? pointer : next;
    if (!seen.has(key)) {
      seen.add(key);
      return { url: next, isCertain: !isInLastItem(pagination) || hasMore(page) === true };
    }
    if (page.isEmpty) return undefined;
    throw new BadPage('points to a page that was already fetched');
  };

  const firstUrl = isNumbered ? numberedUrl(pagination, url, 1) : url;
  if (pagination.kind === 'link' || pagination.kind === 'next-url') seen.add(sameOriginUrl(url, url, ''));
  return {
    firstUrl,
    next: (page) => {
      if (hasMore(page) === false) return undefined;
      return isNumbered ? numbered(page) : pointed(page);
    },
  };
};

const numberedUrl = (pagination: Pagination, url: string, number: number): string => {
  switch (pagination.kind) {
    case 'page':
      return setQuery(url, pagination.parameter, String(pagination.firstPage + number - 1));
    case 'offset':
      return setQuery(url, pagination.parameter, String((number - 1) * pagination.pageSize));
    default:
      return url;
  }
};

/** The pointer to the next page, as sent; undefined if there is none. */
const pointerOf = (pagination: Pagination, page: Page): string | undefined => {
  switch (pagination.kind) {
    case 'link':
      return nextLink(page);
    case 'next-url':
      return scalarAt(page.document, pagination.nextUrlAt, ['string']);
    case 'cursor':
      return cursorOf(pagination, page);
    default:
      return undefined;
  }
};

type CursorPagination = Extract<Pagination, { kind: 'cursor' }>;

const isInLastItem = (pagination: Pagination): boolean =>
  pagination.kind === 'cursor' && pagination.lastItemAt !== undefined;

/** @throws BadPage for a last item without a cursor: the pages after it would be missed */
const cursorOf = (
  { cursorAt, lastItemAt }: CursorPagination,
  { document, itemsAt, isEmpty }: Page,
): string | undefined => {
  const types = ['string', 'number'];
  if (lastItemAt === undefined) {
    // Only catalogues deployed unchecked allow this. Without the error, the pages after the first would be missed.
    if (cursorAt === undefined) throw new BadPage('the catalogue does not say where the cursor is');
    return scalarAt(document, cursorAt, types);
  }
  if (isEmpty) return undefined;
  const items = valueAt(document.value, parsePointer(itemsAt)) as readonly unknown[];
  const cursor = scalarAt(document, `${itemsAt}/${items.length - 1}${lastItemAt}`, types);
  if (cursor === undefined) throw new BadPage(`the last item has no cursor at "${lastItemAt}"`);
  return cursor;
};

/** The target of the first `rel="next"` whose context is this page. */
const nextLink = ({ url, headers }: Page): string | undefined => {
  const links = parseLinks(decodeHeader(headers.link ?? ''));
  if (!links) throw new BadPage('malformed Link header');
  const isOfPage = (anchor: string | undefined): boolean =>
    anchor === undefined || (URL.canParse(anchor, url) && withoutHash(anchor, url) === withoutHash(url));
  return links.find(({ relations, anchor }) => relations.includes('next') && isOfPage(anchor))?.target;
};

const withoutHash = (reference: string, base?: string): string => {
  const url = new URL(reference, base);
  url.hash = '';
  return url.href;
};

/**
 * @returns undefined if the value is missing or null
 * @throws BadPage for a value of another type, which may mean that there are more pages
 */
const booleanAt = ({ value: document }: JsonText, pointer: string): boolean | undefined => {
  const value = valueAt(document, parsePointer(pointer)) ?? undefined;
  if (value !== undefined && typeof value !== 'boolean') throw new BadPage(`the value at ${pointer} is not a boolean`);
  return value;
};

/**
 * A string or number as text, with every digit of a number as it was sent; undefined for null, false and ''.
 * @throws BadPage for a value of another type
 */
const scalarAt = (
  { json, value: document }: JsonText,
  pointer: string,
  types: readonly string[],
): string | undefined => {
  const tokens = parsePointer(pointer);
  const value = valueAt(document, tokens);
  if (value === undefined || value === null || value === '' || value === false) return undefined;
  if (!types.includes(typeof value)) throw new BadPage(`the value at ${pointer} is not a ${types.join(' or ')}`);
  return typeof value === 'number' ? selectJson(json, tokens) : String(value);
};

const cursorUrl = (url: string, parameter: string, cursor: string): string => {
  if (!cursor.isWellFormed()) throw new BadPage('the cursor is not well-formed Unicode');
  return setQuery(url, parameter, cursor);
};

/**
 * Resolves a provider's URL reference (RFC 3986, section 5) and adds the user info of the provider's URL in the catalogue.
 *
 * @param providerUrl the first URL requested
 * @param base the URL of the response that the reference is in
 * @throws BadPage for a reference to another origin, or with user info of its own
 */
const sameOriginUrl = (providerUrl: string, base: string, reference: string): string => {
  const { origin, username, password } = new URL(providerUrl);
  const plainBase = new URL(base);
  plainBase.username = '';
  plainBase.password = '';
  if (!URL.canParse(reference, plainBase.href)) throw new BadPage('the URL of the next page is invalid');
  const url = new URL(reference, plainBase);
  if (url.origin !== origin) throw new BadPage(`the next page is at another origin: ${url.origin}`);
  if (url.username !== '' || url.password !== '') throw new BadPage('the URL of the next page has user info');
  url.username = username;
  url.password = password;
  url.hash = '';
  return url.href;
};
