import { once } from 'node:events';
import net from 'node:net';

/** A part of a raw response: text or bytes to write, a delay in milliseconds, or `null` to close the connection. */
export type RawPart = string | Buffer | number | null;

/** A TCP server that responds to the nth request with the nth script; the last script repeats. */
export const startRawServer = async (...scripts: readonly RawPart[][]) => {
  const sockets = new Set<net.Socket>();
  const requests: string[] = [];
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (!isWholeRequest(received)) return;
      requests.push(received);
      received = '';
      void playScript(socket, scripts[Math.min(requests.length, scripts.length) - 1] ?? []);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    /** The raw requests received. */
    requests,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};

const isWholeRequest = (text: string): boolean => {
  const end = text.indexOf('\r\n\r\n');
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
  return end >= 0 && text.length >= end + 4 + length;
};

const playScript = async (socket: net.Socket, script: readonly RawPart[]): Promise<void> => {
  for (const part of script) {
    if (part === null) socket.end();
    else if (typeof part === 'number') await new Promise((resolve) => setTimeout(resolve, part).unref());
    else socket.write(part);
  }
};
