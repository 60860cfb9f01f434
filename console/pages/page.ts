import type { Api } from '../api.ts';
import type { Params } from '../router.ts';

/** The props of a page. A change of path, key or viewed client mounts the page again; a change of the query does not. */
export type PageProps = { api: Api; params: Params };
