import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { listen } from '../local/http-server.ts';

/**
 * Starts a callback receiver that records the arrival time of each job's callback, by `performance.now()`, and a provider that
 * answers at once.
 *
 * @param bytes size of the provider's data
 */
export const startReceiver = async (bytes = 0) => {
  const data = JSON.stringify({ amount: 12.5, ...(bytes > 0 && { text: 'x'.repeat(bytes) }) });
  const receivedAt = new Map<string, number>();
  const waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(data);
      return;
    }
    void text(request).then((body) => {
      response.writeHead(200).end();
      receivedAt.set((JSON.parse(body) as { jobId: string }).jobId, performance.now());
      for (const { count, resolve } of waiting) if (receivedAt.size >= count) resolve();
    });
  });
  const { url, close } = await listen(server, 0);
  return {
    url: `${url}/callback`,
    providerUrl: `${url}/provider`,
    receivedAt,
    /** Resolves when callbacks of `count` jobs have arrived. */
    received: (count: number) =>
      new Promise<void>((resolve) => {
        if (receivedAt.size >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    close,
  };
};
