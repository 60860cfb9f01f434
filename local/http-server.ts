import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const HOST = '127.0.0.1';

export type Listening = {
  url: string;
  /** Stops the server. Open connections get a second to end. */
  close: () => Promise<void>;
};

/**
 * Starts a server on the loopback interface.
 * @param port 0 for any free port
 */
export const listen = async (server: Server, port: number): Promise<Listening> => {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, HOST, resolve);
  });
  const { port: actualPort } = server.address() as AddressInfo;
  return {
    url: `http://${HOST}:${actualPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), GRACE_MS).unref();
      }),
  };
};

/** How long running requests may take to end after `close`. */
const GRACE_MS = 1_000;
