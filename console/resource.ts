import { computed, type ReadonlySignal, signal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { type Api, ApiError, noResponse, type Query } from './api.ts';
import { nextDelayMs } from './polling.ts';
import { isVisible } from './store.ts';

/** The body of an API route, kept up to date by polling while it is on screen. */
export type Resource<Body> = {
  /** The last body; undefined until the first one. Stays while later requests fail. */
  data: ReadonlySignal<Body | undefined>;
  /** Why the last request failed. */
  error: ReadonlySignal<ApiError | undefined>;
  refresh: () => void;
};

export type ResourceOptions = {
  query?: Query;
  /** Query parameters that depend on the current time. They are computed for each poll and do not identify the resource. */
  timeQuery?: () => Query;
  /** Interval between polls, milliseconds; 3,000 by default. 0 turns polling off. */
  everyMs?: number;
};

/** Times are epoch milliseconds. */
type Poll = {
  /** When the poll began to fail. Undefined while it succeeds, or if the server refused it. */
  failingSince: number | undefined;
  nextAt: number;
};
const polls = signal<ReadonlyMap<object, Poll>>(new Map());

/** For the header: when polls of this page began to fail, and when the next of them is repeated. Undefined if none fails. */
export const outage = computed<{ since: number; retryAt: number } | undefined>(() => {
  const failing = [...polls.value.values()].flatMap(({ failingSince: since, nextAt: retryAt }) =>
    since ? [{ since, retryAt }] : [],
  );
  if (failing.length === 0) return undefined;
  const first = (times: number[]): number => Math.min(...times);
  return { since: first(failing.map(({ since }) => since)), retryAt: first(failing.map(({ retryAt }) => retryAt)) };
});

/** Whether anything on screen polls. */
export const isLive = computed(() => polls.value.size > 0);

const refreshers = new Set<() => void>();
/** Refreshes everything on screen at once. */
export const refreshAll = (): void => {
  for (const refresh of refreshers) refresh();
};

addEventListener('online', refreshAll);

/** Reads and polls a route while the component is mounted. Reads nothing if `path` is undefined. */
export const useResource = <Body>(
  api: Api,
  path: string | undefined,
  { query = {}, timeQuery, everyMs = 3000 }: ResourceOptions = {},
): Resource<Body> => {
  const identity = path === undefined ? undefined : api.urlOf(path, query);
  // `identity` stands for path and query, which may be new objects each time.
  const resource = useMemo(
    () => createResource<Body>(api, path, { query, everyMs, ...(timeQuery && { timeQuery }) }),
    [api, identity, everyMs],
  );
  useEffect(() => {
    if (path === undefined) return undefined;
    refreshers.add(resource.refresh);
    return () => {
      refreshers.delete(resource.refresh);
      resource.stop();
    };
  }, [resource, path]);
  useSignalEffect(() => {
    if (path !== undefined) resource.setActive(isVisible.value);
  });
  useEffect(() => {
    if (path !== undefined) resource.setActive(isVisible.peek());
  }, [resource, path]);
  return resource;
};

const createResource = <Body>(
  api: Api,
  path: string | undefined,
  { query = {}, timeQuery, everyMs = 3000 }: ResourceOptions,
) => {
  const data = signal<Body | undefined>(undefined);
  const error = signal<ApiError | undefined>(undefined);
  const self = {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isActive = false;
  let failures = 0;
  let failingSince: number | undefined;
  let etag: string | null = null;
  let lastText: string | undefined;
  let request: AbortController | undefined;

  const report = (nextAt: number): void => {
    const next = new Map(polls.value);
    if (isActive && everyMs > 0) next.set(self, { failingSince, nextAt });
    else next.delete(self);
    polls.value = next;
  };
  const scheduleNext = (retryAfterMs?: number): void => {
    if (!isActive || everyMs === 0) return void report(0);
    const delay = nextDelayMs({ everyMs, failures, retryAfterMs });
    timer = setTimeout(run, delay);
    report(Date.now() + delay);
  };
  const run = async (): Promise<void> => {
    if (path === undefined) return;
    clearTimeout(timer);
    request?.abort();
    const controller = new AbortController();
    request = controller;
    try {
      const response = await api.getIfChanged<Body>(path, { ...query, ...timeQuery?.() }, etag, controller.signal);
      if (controller.signal.aborted) return;
      failures = 0;
      failingSince = undefined;
      error.value = undefined;
      etag = response.etag;
      const text = JSON.stringify(response.body);
      // The same body must not cause a new rendering.
      if (text !== undefined && text !== lastText) data.value = response.body;
      lastText = text ?? lastText;
      scheduleNext();
    } catch (cause) {
      if (controller.signal.aborted) return;
      const failure = cause instanceof ApiError ? cause : noResponse(cause);
      error.value = failure;
      failures += 1;
      // A refusal such as 404 is a response: the server is up.
      const isRefused = failure.status >= 400 && failure.status < 429;
      failingSince = isRefused ? undefined : (failingSince ?? Date.now());
      scheduleNext(failure.retryAfterMs);
    }
  };
  return {
    data,
    error,
    refresh: (): void => void run(),
    setActive: (active: boolean): void => {
      if (active === isActive) return;
      isActive = active;
      if (active) return void run();
      clearTimeout(timer);
      report(0);
    },
    stop: (): void => {
      isActive = false;
      clearTimeout(timer);
      request?.abort();
      report(0);
    },
  };
};
