import { signal } from '@preact/signals';
import { hrefTo, parseRoute, type Route } from './router.ts';

/** The current route, and functions that change it. */

export const route = signal<Route>({ page: 'overview', path: '/', params: {} });

export const navigate = (href: string): void => {
  location.hash = href;
};

/** Changes the query of the current page without an entry in the history. */
export const replaceQuery = (query: Record<string, string | undefined>): void => {
  history.replaceState(null, '', hrefTo(route.value.path, query));
  route.value = parseRoute(location.hash);
};
