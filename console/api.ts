import { ApiProblem, type ApiRequest, createRequest } from '@boomerang/client/client.ts';

/** The console's access to the API: the typed client, with conditional requests and the viewed client's id. */

export type Query = Record<string, string | number | boolean | undefined>;

export type Api = {
  /** @throws ApiError */
  get: <Body>(path: string, query?: Query, signal?: AbortSignal) => Promise<Body>;
  /** @param known the ETag of the caller's copy; the response has no body if the copy is still current */
  getIfChanged: <Body>(
    path: string,
    query: Query,
    known: string | null,
    signal: AbortSignal,
  ) => Promise<{ body?: Body; etag: string | null }>;
  /** The body as text, with every digit of its numbers. */
  getText: (path: string, query?: Query) => Promise<string>;
  post: <Body>(
    path: string,
    body?: unknown,
    options?: { query?: Query; headers?: Record<string, string> },
  ) => Promise<Body>;
  delete: <Body>(path: string, query?: Query) => Promise<Body>;
  /** The absolute URL of a path, for curl commands; `clientId` included. */
  urlOf: (path: string, query?: Query) => string;
};

/** A response of 400 or above, or no response at all (status 0). */
export { ApiProblem as ApiError };

export type ApiOptions = {
  /** Base URL without a trailing slash. */
  base: string;
  key: string;
  /** The client that an operator acts for, if not itself. */
  clientId?: string | undefined;
  onUnauthorized: () => void;
};

/** Routes that take `clientId`. */
const SCOPED = /^\/(?:jobs|redrives)(?:\/|$)/;
const TIMEOUT_MS = 30_000;

export const createApi = ({ base, key, clientId, onUnauthorized }: ApiOptions): Api => {
  const send = createRequest({ baseUrl: base, apiKey: key });
  const scope = (path: string, query: Query): Query => (SCOPED.test(path) ? { ...query, clientId } : query);
  const request = async (path: string, options: ApiRequest) => {
    const { signal, query = {} } = options;
    const signals = [AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])];
    try {
      return await send(path, {
        ...options,
        query: scope(path, query as Query),
        signal: AbortSignal.any(signals),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      if (!(error instanceof ApiProblem)) throw noResponse(error);
      if (error.status === 401) onUnauthorized();
      throw error;
    }
  };
  const bodyOf = async <Body>(...call: Parameters<typeof request>): Promise<Body> =>
    (await request(...call)).body as Body;
  const urlOf = (path: string, query: Query = {}): string => {
    const defined = Object.entries(scope(path, query)).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    );
    const search = new URLSearchParams(defined).toString();
    return `${base}${path}${search === '' ? '' : `?${search}`}`;
  };
  return {
    urlOf,
    get: (path, query, signal) => bodyOf(path, { query, signal }),
    getIfChanged: async (path, query, known, signal) => {
      const headers: Record<string, string> = known === null ? {} : { 'if-none-match': known };
      const response = await request(path, { query, headers, signal });
      const etag = response.headers.get('etag');
      return response.status === 304 ? { etag: etag ?? known } : { body: response.body as never, etag };
    },
    getText: async (path, query) => (await request(path, { query })).text,
    post: (path, body, options = {}) => bodyOf(path, { method: 'POST', body, ...options }),
    delete: (path, query) => bodyOf(path, { method: 'DELETE', query }),
  };
};

export const noResponse = (cause: unknown): ApiProblem =>
  Object.assign(
    new ApiProblem(
      { title: navigator.onLine ? 'The server does not answer.' : 'You are offline.', status: 0 },
      undefined,
    ),
    { cause },
  );
