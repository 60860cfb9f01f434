import type { Api } from '../api.ts';
import type { Params } from '../router.ts';

/** What a page is given. It is made anew when the path, the key or the viewed client changes, not when the query changes. */
export type PageProps = { api: Api; params: Params };
