import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import net from 'node:net';

/** Resolves a name to all its addresses. */
export type Lookup = (
  hostname: string,
  options: { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export type DialOptions = {
  host: string;
  port: number;
  /** Aborts the dial and all pending connections. */
  signal: AbortSignal;
  lookup?: Lookup | undefined;
  /** Starts one TCP connection. */
  connect?: ((address: { host: string; port: number }) => net.Socket) | undefined;
};

const connectTcp: NonNullable<DialOptions['connect']> = (address) => net.connect({ ...address, noDelay: true });

/** Delay before the next address is tried (RFC 8305 §5, "Connection Attempt Delay"). */
const NEXT_ADDRESS_MS = 250;

/**
 * Connects to the first address of a host that accepts: Happy Eyeballs (RFC 8305). Attempts start one after another, alternating
 * between IPv6 and IPv4, and run in parallel until the deadline. (Node's `autoSelectFamily` abandons an address after 250 ms,
 * which is too short for a distant host.)
 *
 * @throws the error of the lookup, or the most informative error of the connections
 */
export const dial = async (options: DialOptions): Promise<net.Socket> => {
  const { signal, port, connect = connectTcp } = options;
  const hosts = await resolve(options);
  signal.throwIfAborted();
  return new Promise((fulfil, reject) => {
    const waiting = [...hosts];
    const sockets = new Set<net.Socket>();
    const errors: NodeJS.ErrnoException[] = [];
    let timer: NodeJS.Timeout | undefined;

    const end = (winner?: net.Socket): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      for (const socket of sockets) if (socket !== winner) socket.destroy();
    };
    const abort = (): void => {
      end();
      reject(signal.reason);
    };
    const connectNext = (): void => {
      clearTimeout(timer);
      const host = waiting.shift();
      if (host === undefined) return;
      const socket = connect({ host, port });
      sockets.add(socket);
      const fail = (error: NodeJS.ErrnoException): void => {
        sockets.delete(socket);
        errors.push(error);
        if (waiting.length > 0) connectNext();
        else if (sockets.size === 0) {
          end();
          reject(mostInformative(errors));
        }
      };
      socket.once('error', fail).once('connect', () => {
        end(socket);
        socket.off('error', fail);
        fulfil(socket);
      });
      if (waiting.length > 0) timer = setTimeout(connectNext, NEXT_ADDRESS_MS);
    };
    signal.addEventListener('abort', abort);
    connectNext();
  });
};

const resolve = async ({ host, signal, lookup = systemLookup }: DialOptions): Promise<string[]> => {
  if (net.isIP(host)) return [host];
  return new Promise((fulfil, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    lookup(host, { all: true }, (error, addresses) => {
      signal.removeEventListener('abort', abort);
      if (error) reject(error);
      else if (addresses.length === 0) reject(Object.assign(new Error('no address'), { code: 'ENODATA' }));
      else fulfil(alternating(addresses));
    });
  });
};

/** Alternates the families, starting with that of the first address (RFC 8305 §4). */
const alternating = (addresses: readonly LookupAddress[]): string[] => {
  const [first] = addresses;
  const preferred = addresses.filter(({ family }) => family === first?.family);
  const others = addresses.filter(({ family }) => family !== first?.family);
  return preferred
    .flatMap((address, index) => [address, others[index]])
    .concat(others.slice(preferred.length))
    .flatMap((address) => address?.address ?? []);
};

/** Errors of this machine's network, which say less than an error of the host. */
const NO_ROUTE = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EHOSTUNREACH']);

const mostInformative = (errors: NodeJS.ErrnoException[]): NodeJS.ErrnoException | undefined =>
  errors.find(({ code = '' }) => !NO_ROUTE.has(code)) ?? errors[0];
