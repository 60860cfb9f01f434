import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { listen } from '../../local/http-server.ts';

/** How a third party handles a request. `body` is the request body; `count` is the number of calls to this path, from 1. */
export type Behaviour = (
  response: ServerResponse,
  call: { body: string; count: number; request: IncomingMessage },
) => void;

export type Call = {
  path: string;
  body: string;
  headers: IncomingHttpHeaders;
  /** When it arrived, epoch milliseconds. */
  at: number;
};

/** Responds with JSON. */
export const respondsWith =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Behaviour =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));

/** Uses the nth behaviour for the nth call; the last one repeats. */
export const inSequence =
  (...behaviours: Behaviour[]): Behaviour =>
  (response, call) =>
    behaviours[Math.min(call.count, behaviours.length) - 1]?.(response, call);

/** Sends headers and half a body, then breaks the connection. */
export const breaksMidBody: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"half":', () => response.destroy());
};

/** Delays a behaviour. */
export const delayed =
  (behaviour: Behaviour, ms: number): Behaviour =>
  (response, call) =>
    void setTimeout(() => behaviour(response, call), ms);

/** Never responds. */
export const hangs: Behaviour = () => {};

/** A server of providers and receivers with a configurable behaviour for each path. */
export const startThirdParties = async () => {
  const behaviours = new Map<string, Behaviour>();
  const calls: Call[] = [];
  const counts = new Map<string, number>();
  const listeners = new Set<() => void>();
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const requestPath = request.url ?? '';
      const count = (counts.get(requestPath) ?? 0) + 1;
      counts.set(requestPath, count);
      calls.push({ path: requestPath, body, headers: request.headers, at: Date.now() });
      (behaviours.get(requestPath) ?? respondsWith({ ok: true }))(response, { body, count, request });
      for (const listener of listeners) listener();
    });
  });
  const { url, close } = await listen(server, 0);
  return {
    url,
    calls,
    set: (requestPath: string, behaviour: Behaviour) => void behaviours.set(requestPath, behaviour),
    callsTo: (requestPath: string) => calls.filter((call) => call.path === requestPath),
    count: (requestPath: string) => counts.get(requestPath) ?? 0,
    /** Resolves when the condition holds; checks it after each call. */
    until: (condition: () => boolean) =>
      new Promise<void>((resolve) => {
        const check = () => {
          if (!condition()) return;
          listeners.delete(check);
          resolve();
        };
        listeners.add(check);
        check();
      }),
    close: async () => {
      server.closeAllConnections();
      await close();
    },
  };
};

export type ThirdParties = Awaited<ReturnType<typeof startThirdParties>>;

/** Catalogue settings of a provider, without its URL. */
export type ProviderLimits = Partial<
  Pick<ProviderInput, 'timeoutMs' | 'maxBytes' | 'concurrency' | 'ratePerSecond' | 'auth'>
>;

/** A catalogue of providers whose URLs are `/provider/<id>` of the third parties. */
export const catalogueOf = (url: string, providers: Record<string, ProviderLimits>): { providers: object[] } => ({
  providers: Object.entries(providers).map(([id, rest]) => ({ id, url: `${url}/provider/${id}`, ...rest })),
});

/** Writes a catalogue of these providers to a file, and returns its path. */
export const writeCatalogue = (url: string, providers: Record<string, ProviderLimits>): string => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'boomerang-catalogue-')), 'providers.json');
  writeFileSync(file, JSON.stringify(catalogueOf(url, providers)));
  return file;
};
