import type {
  Accepted,
  Catalogue,
  Health,
  Job,
  JobData,
  JobPage,
  JobRequest,
  JobSummary,
  operations,
  Problem,
} from './api-types.ts';

/**
 * A client of the service API over `fetch`, without dependencies. To use it elsewhere, copy this file and `api-types.ts`: it
 * runs in Node 20 and later, browsers, Deno, Bun and workers.
 */

export type ClientOptions = {
  /** The origin of the API and the path of its stage, if any, without a final slash. In a page of the API itself: ''. */
  baseUrl: string;
  /** Required by all routes except `/health`, `/docs` and `/openapi.json`. */
  apiKey?: string | undefined;
  /** Sends requests; by default the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
};

type QueryValue = string | number | boolean | readonly string[] | undefined;
export type Query = Readonly<Record<string, QueryValue>>;

export type ApiRequest = {
  /** GET by default. */
  method?: string;
  /** Lists are joined by commas; undefined values are left out. */
  query?: Query | undefined;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal | undefined;
};

export type ApiResponse<Body> = {
  status: number;
  headers: Headers;
  /** The parsed JSON; undefined without a body (204, 304). */
  body: Body;
  /** The body as sent: large numbers keep every digit. */
  text: string;
};

export type JobFilter = NonNullable<operations['listJobs']['parameters']['query']>;

type Cancellable = { signal?: AbortSignal | undefined };

export type WaitOptions = Cancellable & {
  /** After this time, `wait` throws a DOMException `TimeoutError`. No limit by default. */
  timeoutMs?: number | undefined;
  /** Time between polls, instead of the `Retry-After` of the API. */
  pollEveryMs?: number | undefined;
  /** When to stop; by default, once the job has ended. */
  until?: ((job: Job) => boolean) | undefined;
  /** Called with the job after the first poll, and whenever it has changed. */
  onChange?: ((job: Job) => void) | undefined;
};

/** A response of 400 or above. The message is its detail. */
export class ApiProblem extends Error {
  override name = 'ApiProblem';
  readonly status: number;
  /** The problem (RFC 9457). Responses of another form, such as those of a gateway, are converted. */
  readonly problem: Partial<Problem> & Pick<Problem, 'title' | 'status'>;
  /** How long to wait before the next request, from `Retry-After`. */
  readonly retryAfterMs: number | undefined;

  constructor(problem: ApiProblem['problem'], retryAfterMs: number | undefined) {
    super(problem.detail ?? problem.title);
    this.status = problem.status;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The poll interval if the API names none. */
const POLL_MS = 1_000;

/**
 * Sends one request to any route.
 * @throws ApiProblem for a response of 400 or above; the error of `fetch` if there is no response
 */
export const createRequest =
  ({ baseUrl, apiKey, fetch = globalThis.fetch }: ClientOptions) =>
  async <Body = unknown>(
    path: string,
    { method = 'GET', query = {}, headers = {}, body, signal }: ApiRequest = {},
  ): Promise<ApiResponse<Body>> => {
    const response = await fetch(`${baseUrl}${path}${searchOf(query)}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await response.text();
    if (response.status >= 400) throw new ApiProblem(problemOf(response, text), retryAfterMsOf(response.headers));
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (text === '' ? undefined : JSON.parse(text)) as Body,
    };
  };

export type Client = ReturnType<typeof createClient>;

export const createClient = (options: ClientOptions) => {
  const request = createRequest(options);
  const bodyOf = async <Body>(path: string, init: ApiRequest): Promise<Body> => (await request<Body>(path, init)).body;
  const jobPath = (jobId: string, rest = ''): string => `/jobs/${encodeURIComponent(jobId)}${rest}`;

  const listPage = (filter: JobFilter = {}, { signal }: Cancellable = {}): Promise<JobPage> =>
    bodyOf('/jobs', { query: filter, signal });

  return {
    request,

    /** Posts a job. With an idempotency key, the same request may be sent again without creating a second job. */
    submit: (
      job: JobRequest,
      { idempotencyKey, signal }: Cancellable & { idempotencyKey?: string } = {},
    ): Promise<Accepted> =>
      bodyOf('/webhook', {
        method: 'POST',
        body: job,
        ...(idempotencyKey !== undefined && { headers: { 'idempotency-key': idempotencyKey } }),
        signal,
      }),

    get: (jobId: string, { signal }: Cancellable = {}): Promise<Job> => bodyOf(jobPath(jobId), { signal }),

    /** The collected data, delivered or not. Numbers are JavaScript's; `request` returns the text with every digit. */
    data: (jobId: string, { providerId, signal }: Cancellable & { providerId?: string } = {}): Promise<JobData> =>
      bodyOf(jobPath(jobId, '/data'), { query: { providerId }, signal }),

    /** One page of jobs, newest first. It may hold fewer jobs than `limit` and still have a cursor. */
    listPage,

    /** All jobs that match, newest first, page by page. */
    list: async function* (
      filter: JobFilter = {},
      options: Cancellable = {},
    ): AsyncGenerator<JobSummary, void, undefined> {
      for (let cursor = filter.cursor; ; ) {
        const page = await listPage({ ...filter, ...(cursor !== undefined && { cursor }) }, options);
        yield* page.jobs;
        if (page.cursor === null) return;
        cursor = page.cursor;
      }
    },

    /** Retries a job at once. */
    redrive: (jobId: string, { signal }: Cancellable = {}): Promise<JobSummary> =>
      bodyOf(jobPath(jobId, '/redrive'), { method: 'POST', signal }),

    /** Ends a pending job. */
    cancel: (jobId: string, { signal }: Cancellable = {}): Promise<JobSummary> =>
      bodyOf(jobPath(jobId, '/cancel'), { method: 'POST', signal }),

    /** Deletes the data of a job that has ended. */
    remove: async (jobId: string, { signal }: Cancellable = {}): Promise<void> => {
      await request(jobPath(jobId), { method: 'DELETE', signal });
    },

    /** The providers that jobs may name. */
    catalogue: ({ signal }: Cancellable = {}): Promise<Catalogue> => bodyOf('/catalogue', { signal }),

    /** Whether the API answers; with `deep`, whether the table and the sweeps work. */
    health: ({ deep = false, signal }: Cancellable & { deep?: boolean } = {}): Promise<Health> =>
      bodyOf('/health', { query: { deep: deep ? 1 : undefined }, signal }),

    /**
     * Polls a job until it has ended. Failed polls (no response, 429, 5xx) are repeated: the job goes on meanwhile.
     * @throws ApiProblem for other responses; the reason of `signal`; a DOMException `TimeoutError` after `timeoutMs`
     */
    wait: async (
      jobId: string,
      { timeoutMs, pollEveryMs, until = hasEnded, onChange = () => {}, signal }: WaitOptions = {},
    ): Promise<Job> => {
      const signals = [signal, timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)];
      const ends = AbortSignal.any(signals.filter((one) => one !== undefined));
      const poll = async (etag: string | null) => {
        const headers: Record<string, string> = etag === null ? {} : { 'if-none-match': etag };
        try {
          return await request<Job>(jobPath(jobId), { headers, signal: ends });
        } catch (error) {
          ends.throwIfAborted();
          if (!isTransient(error)) throw error;
          return { retryAfterMs: (error as Partial<ApiProblem>).retryAfterMs ?? 0 };
        }
      };
      for (let etag: string | null = null; ; ) {
        const response = await poll(etag);
        if ('retryAfterMs' in response) {
          await pause(Math.max(response.retryAfterMs, pollEveryMs ?? POLL_MS), ends);
          continue;
        }
        if (response.status !== 304) {
          onChange(response.body);
          if (until(response.body)) return response.body;
          etag = response.headers.get('etag');
        }
        await pause(pollEveryMs ?? retryAfterMsOf(response.headers) ?? POLL_MS, ends);
      }
    },
  };
};

const hasEnded = ({ status }: Job): boolean => status !== 'PENDING';

/** `fetch` throws a TypeError if there is no response. Compared by name, because it may come from another realm. */
const isTransient = (error: unknown): boolean =>
  error instanceof ApiProblem
    ? error.status === 429 || error.status >= 500
    : (error as Error | undefined)?.name === 'TypeError';

const searchOf = (query: Query): string => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, Array.isArray(value) ? value.join(',') : String(value));
  }
  return search.size === 0 ? '' : `?${search}`;
};

/** Milliseconds of a `Retry-After`: seconds or a date (RFC 9110 §10.2.3). */
const retryAfterMsOf = (headers: Headers): number | undefined => {
  const value = headers.get('retry-after') ?? '';
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
};

/** The problem of a response. API Gateway sends `{ "message" }`, a proxy may send HTML. */
const problemOf = ({ status, statusText }: Response, text: string): ApiProblem['problem'] => {
  const fallback = { title: statusText || `Status ${status}`, status };
  try {
    const { message, ...problem } = JSON.parse(text) as Partial<Problem> & { message?: string };
    return { ...fallback, ...(message !== undefined && { detail: message }), ...problem, status };
  } catch {
    return fallback;
  }
};

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
