import { percentDecoded } from '../packages/core/domain/text.ts';

/** Routes in the fragment of the URL, such as `#/jobs/<id>` or `#/jobs?status=FAILED`. */

export type PageName =
  | 'overview'
  | 'jobs'
  | 'job'
  | 'providers'
  | 'new-job'
  | 'redrives'
  | 'redrive'
  | 'clients'
  | 'unknown';

export type Route = {
  page: PageName;
  /** The path without `#`, for example `/jobs`. */
  path: string;
  /** Variables of the path and of its query. */
  params: Params;
};
/** `id` is the variable of the path; all others come from the query. */
export type Params = Readonly<Record<string, string | undefined>>;

const PAGES: [RegExp, PageName][] = [
  [/^\/$/, 'overview'],
  [/^\/jobs$/, 'jobs'],
  [/^\/jobs\/([^/]+)$/, 'job'],
  [/^\/providers$/, 'providers'],
  [/^\/new$/, 'new-job'],
  [/^\/redrives$/, 'redrives'],
  [/^\/redrives\/([^/]+)$/, 'redrive'],
  [/^\/clients$/, 'clients'],
];

/** @param hash with or without `#` */
export const parseRoute = (hash: string): Route => {
  const [path = '', search] = hash.replace(/^#/, '').split('?');
  const query = Object.fromEntries(new URLSearchParams(search));
  const normalized = path === '' ? '/' : path;
  for (const [pattern, page] of PAGES) {
    const match = pattern.exec(normalized);
    if (!match) continue;
    const id = match[1];
    return { page, path: normalized, params: id === undefined ? query : { ...query, id: percentDecoded(id) } };
  }
  return { page: 'unknown', path: normalized, params: query };
};

/** A link to a page. Undefined and empty parameters are left out. */
export const hrefTo = (path: string, query: Record<string, string | undefined> = {}): string => {
  const kept = Object.entries(query).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
  );
  const search = new URLSearchParams(kept).toString();
  return `#${path}${search === '' ? '' : `?${search}`}`;
};

/**
 * Separates an API key from a fragment: `#key=…`, or `#/jobs/<id>?key=…`.
 * @returns the key, and the fragment without it
 */
export const splitKey = (hash: string): { key: string | undefined; rest: string } => {
  const text = hash.replace(/^#/, '');
  if (text.startsWith('key=')) return { key: keyIn(text), rest: '#/' };
  const [path = '', search = ''] = text.split('?');
  const key = keyIn(search);
  const query = new URLSearchParams(search);
  query.delete('key');
  const left = query.toString();
  return { key, rest: `#${path}${left === '' ? '' : `?${left}`}` };
};

/** The key in a query. A `+` belongs to the key, although it means a space in queries. */
const keyIn = (search: string): string | undefined =>
  new URLSearchParams(search.replaceAll('+', '%2B')).get('key') ?? undefined;
