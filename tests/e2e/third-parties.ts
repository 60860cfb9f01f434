import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { listen } from '../../local/http-server.ts';

/** What a third party does with a request; `body` is what was posted, `count` how often this path was called, from 1. */
export type Behaviour = (
  response: ServerResponse,
  call: { body: string; count: number; request: IncomingMessage },
) => void;

export type Call = {
  path: string;
  body: string;
  headers: IncomingHttpHeaders;
  /** When it came. */
  at: number;
};

/** Answers with JSON. */
export const gives =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Behaviour =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));

/** Goes through behaviours call by call; the last one stays. */
export const inTurn =
  (...behaviours: Behaviour[]): Behaviour =>
  (response, call) =>
    behaviours[Math.min(call.count, behaviours.length) - 1]?.(response, call);

/** Sends headers and half a body, then breaks the connection. */
export const diesHalfWay: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"half":', () => response.destroy());
};

/** Does it later. */
export const slowly =
  (behaviour: Behaviour, ms: number): Behaviour =>
  (response, call) =>
    void setTimeout(() => behaviour(response, call), ms);

/** Never answers. */
export const hangs: Behaviour = () => {};

/** Providers and receivers that do as they are told, by path. */
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
      (behaviours.get(requestPath) ?? gives({ ok: true }))(response, { body, count, request });
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
    /** Resolves when the condition holds, looked at after each call. */
    until: (condition: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!condition()) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
      }),
    close: async () => {
      server.closeAllConnections();
      await close();
    },
  };
};

export type ThirdParties = Awaited<ReturnType<typeof startThirdParties>>;

/** What a catalogue may say of a provider, besides where it is. */
export type ProviderLimits = Partial<
  Pick<ProviderInput, 'timeoutMs' | 'maxBytes' | 'concurrency' | 'ratePerSecond' | 'auth'>
>;

/** Providers at the third parties' `/provider/<id>`, as a catalogue has them. */
export const catalogueOf = (url: string, providers: Record<string, ProviderLimits>): { providers: object[] } => ({
  providers: Object.entries(providers).map(([id, rest]) => ({ id, url: `${url}/provider/${id}`, ...rest })),
});

/** A catalogue file of them. */
export const writeCatalogue = (url: string, providers: Record<string, ProviderLimits>): string => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'boomerang-catalogue-')), 'providers.json');
  writeFileSync(file, JSON.stringify(catalogueOf(url, providers)));
  return file;
};
