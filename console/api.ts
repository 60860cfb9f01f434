import type { Problem } from './api-types.ts';

/** The console's access to the API: authentication, errors, conditional requests. */

export type Query = Record<string, string | number | boolean | undefined>;

export type Api = {
  /** @throws ApiError */
  get: <Body>(path: string, query?: Query, signal?: AbortSignal) => Promise<Body>;
  /** @returns undefined if the resource has not changed since the last call with this path and query */
  getIfChanged: <Body>(path: string, query?: Query, signal?: AbortSignal) => Promise<Body | undefined>;
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

/** A response that is not 2xx, or no response at all (status 0). */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;
  readonly problem: Problem;
  /** From `Retry-After`. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, problem: Problem, retryAfterMs?: number, options?: ErrorOptions) {
    super(problem.detail ?? problem.title ?? `The server answered ${status}.`, options);
    this.status = status;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

export type ApiOptions = {
  /** Base URL without a trailing slash. */
  base: string;
  key: string;
  /** Another client, for whom an operator reads and acts. */
  clientId?: string | undefined;
  onUnauthorized: () => void;
  send?: typeof fetch;
};

/** Routes that take `clientId`. */
const SCOPED = /^\/(?:jobs|redrives)(?:\/|$)/;
const TIMEOUT_MS = 30_000;

export const createApi = ({ base, key, clientId, onUnauthorized, send = fetch }: ApiOptions): Api => {
  const etags = new Map<string, string>();
  const urlOf = (path: string, query: Query = {}): string => {
    const [pathname = '', own] = path.split('?');
    const search = new URLSearchParams(own);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
    if (clientId !== undefined && SCOPED.test(pathname)) search.set('clientId', clientId);
    const text = search.toString();
    return `${base}${pathname}${text === '' ? '' : `?${text}`}`;
  };
  const request = async (method: string, url: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${key}`);
    const signals = [AbortSignal.timeout(TIMEOUT_MS), ...(init.signal ? [init.signal] : [])];
    let response: Response;
    try {
      response = await send(url, { ...init, method, headers, cache: 'no-store', signal: AbortSignal.any(signals) });
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      throw new ApiError(0, { detail: 'The server does not answer.' }, undefined, { cause });
    }
    if (response.ok || response.status === 304) return response;
    if (response.status === 401) onUnauthorized();
    const problem = ((await response.json().catch(() => ({}))) ?? {}) as Problem & { message?: string };
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    const detail = problem.detail ?? problem.message;
    throw new ApiError(
      response.status,
      { ...problem, ...(detail !== undefined && { detail }) },
      Number.isFinite(seconds) ? seconds * 1000 : undefined,
    );
  };
  return {
    urlOf,
    get: async (path, query, signal) => (await request('GET', urlOf(path, query), signal ? { signal } : {})).json(),
    getIfChanged: async (path, query, signal) => {
      const url = urlOf(path, query);
      const etag = etags.get(url);
      const response = await request('GET', url, {
        ...(etag !== undefined && { headers: { 'if-none-match': etag } }),
        ...(signal && { signal }),
      });
      if (response.status === 304) return undefined;
      const body = await response.json();
      const next = response.headers.get('etag');
      if (next === null) etags.delete(url);
      else etags.set(url, next);
      return body;
    },
    getText: async (path, query) => (await request('GET', urlOf(path, query))).text(),
    post: async (path, body, { query, headers } = {}) => {
      const response = await request('POST', urlOf(path, query), {
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return parse(await response.text());
    },
    delete: async (path, query) => parse(await (await request('DELETE', urlOf(path, query))).text()),
  };
};

const parse = (text: string) => (text === '' ? undefined : JSON.parse(text));
