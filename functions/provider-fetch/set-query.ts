/**
 * Sets one query parameter of a URL. The first existing occurrence is replaced and the others are dropped. All other
 * characters of the URL stay unchanged, because a provider may have signed them. A fragment is dropped.
 *
 * @throws URIError for a value that is not well-formed Unicode
 */
export const setQuery = (url: string, name: string, value: string): string => {
  const [address = ''] = url.split('#', 1);
  const queryAt = address.indexOf('?');
  const base = queryAt < 0 ? address : address.slice(0, queryAt);
  const query = queryAt < 0 ? '' : address.slice(queryAt + 1);
  const pairs = query === '' ? [] : query.split('&');
  const first = pairs.findIndex((pair) => isNamed(pair, name));
  const before = first < 0 ? pairs : pairs.slice(0, first);
  const after = first < 0 ? [] : pairs.slice(first).filter((pair) => !isNamed(pair, name));
  const set = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  return `${base}?${[...before, set, ...after].join('&')}`;
};

/** Whether a query pair has this name. The "&" keeps `URLSearchParams` from dropping a "?" at the start of the name. */
const isNamed = (pair: string, name: string): boolean => new URLSearchParams(`&${pair}`).has(name);
