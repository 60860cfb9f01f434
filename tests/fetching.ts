import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import type { TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { type CircuitBreaker, CircuitOpen, type Verdict } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { type FetchProviderDeps, fetchProvider } from '../functions/provider-fetch/fetch-provider.ts';
import type { FetchRequest } from '../functions/provider-fetch/schema.ts';
import { aLog, aProvider, LEASE_MS, NOW, unguarded } from './builders.ts';

/** An HTTP server that records its requests. */
export type TestServer = {
  url: string;
  requests: { method: string; url: string; headers: http.IncomingHttpHeaders; body: string }[];
  /** Number of connections accepted so far. */
  connections: () => number;
  stop: () => void;
};

export type TestResponse = { status?: number; headers?: http.OutgoingHttpHeaders; body?: unknown; delayMs?: number };

/** Responds to a request. A body other than a string or bytes is sent as JSON. */
export type Respond = (
  request: TestServer['requests'][number] & { path: string; query: URLSearchParams },
) => TestResponse | Promise<TestResponse>;

export const startServer = async (respond: Respond): Promise<TestServer> => {
  const requests: TestServer['requests'] = [];
  let connections = 0;
  const server = http.createServer({ maxHeaderSize: 256 * 1024 }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = request;
    const received = { method, url, headers, body: Buffer.concat(chunks).toString() };
    requests.push(received);
    const { pathname: path, searchParams: query } = new URL(url, 'http://localhost');
    const { status = 200, headers: sent = {}, body = '', delayMs = 0 } = await respond({ ...received, path, query });
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs).unref());
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    response.writeHead(status, { ...(!isRaw && { 'content-type': 'application/json' }), ...sent });
    response.end(isRaw ? body : JSON.stringify(body));
  });
  server.on('connection', () => {
    connections += 1;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests, connections: () => connections, stop };
};

/** A circuit breaker that allows every call unless open, and records the verdicts. */
export const createBreakerSpy = (isOpen = false): CircuitBreaker & { verdicts: Verdict[] } => {
  const verdicts: Verdict[] = [];
  return {
    verdicts,
    call: async (_, run, judge) => {
      if (isOpen) throw new CircuitOpen(1_000);
      try {
        const result = await run();
        verdicts.push('succeeded');
        return result;
      } catch (error) {
        verdicts.push(judge(error));
        throw error;
      }
    },
  };
};

export type FetchSetting = {
  provider: Partial<ProviderInput>;
  deps?: Partial<FetchProviderDeps>;
  request?: Partial<FetchRequest>;
  secret?: string;
};

/** Fetches from one provider, `gas`, over HTTP. */
export const fetchFrom = async ({
  provider,
  deps: change = {},
  request = {},
  secret = 's3cret-value',
}: FetchSetting) => {
  const log = aLog();
  const countedMetrics: string[] = [];
  const stored: string[] = [];
  const deps: FetchProviderDeps = {
    ...unguarded,
    log,
    metrics: { ...unguarded.metrics, count: (name) => void countedMetrics.push(name) },
    catalogue: new Map([['gas', aProvider(provider)]]),
    send: createNodeHttp(),
    findSecret: async () => secret,
    results: {
      save: async (_jobId, _claims, { json }) => {
        stored.push(json);
        return { chunks: 1 };
      },
      remove: async () => {},
    },
    jobs: { getWithData: async () => undefined },
    now: () => NOW,
    fetchDeadlineMs: 86_400_000,
    policy: { schedule: { stepsMs: [1_000] }, patienceMs: 600_000, retentionMs: 60_000 },
    ...change,
  };
  const outcome = await fetchProvider(deps, {
    jobId: 'job',
    claims: 1,
    leasedUntil: NOW + LEASE_MS,
    providerId: 'gas',
    job: {},
    ...request,
  }).catch((error: Error) => error);
  const isError = outcome instanceof Error;
  const working = !isError && 'ticket' in outcome ? outcome : undefined;
  return {
    json: isError || working ? undefined : (outcome.json ?? stored[0]),
    fetched: isError || 'ticket' in outcome ? undefined : outcome,
    working,
    name: isError ? outcome.name : working ? 'working' : 'fetched',
    error: isError ? outcome : undefined,
    failure: (isError ? readFailure(outcome) : {}) as Partial<TaskFailure>,
    log,
    countedMetrics,
  };
};

const readFailure = (error: Error): unknown => {
  try {
    return JSON.parse(error.message);
  } catch {
    return { class: error.message };
  }
};
