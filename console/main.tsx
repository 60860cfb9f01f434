import './styles.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { handleKey } from './keyboard.ts';
import { route } from './navigation.ts';
import { parseRoute, splitKey } from './router.ts';
import { tryKey } from './sign-in.ts';
import { signOut } from './store.ts';

/*
 * The console: one page, served by GET /console, that reads and acts through the API.
 *
 * A page is a component in pages/ that takes `PageProps`: `api` and the route's `params`. It
 * - begins with `<h1 tabIndex={-1}>`, which gets the focus after navigation and is the document's title;
 * - reads with `useResource(api, path, { query, everyMs })`, which polls while the page is visible, sends If-None-Match, backs
 *   off on errors and updates the header's live indicator; shows `Skeleton` until `data` is defined, `ErrorState` if it never was;
 * - acts with `api.post` and `api.delete`, asks with `confirm(…)` before what can't be undone, shows the outcome with `toast(…)`;
 * - links with `hrefTo(path, query)`; keeps filters in the query with `replaceQuery`;
 * - takes colors and sizes from the custom properties in styles.css, and keeps its rules in pages/<page>.css, which it imports;
 * - keeps rules that need tests in pure modules (no DOM) beside it, tested in tests/unit/console-*.test.ts.
 */

/** If the URL contains a key, removes it from there and signs in with it; then follows the route. */
const readUrl = (): void => {
  const { key, rest } = splitKey(location.hash);
  if (key !== undefined) {
    history.replaceState(null, '', rest);
    signOut();
    void tryKey(key);
  }
  route.value = parseRoute(location.hash);
};

addEventListener('hashchange', readUrl);
// Before the first rendering. An effect would run after it, and miss keys that are pressed in between.
addEventListener('keydown', handleKey);
readUrl();
render(<App />, document.body);
