import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { dial } from '@boomerang/core/adapters/dial.ts';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import { parseAddressExceptions } from '@boomerang/core/domain/address-rules.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

/**
 * How an address behaves. A slow one takes longer to connect than the 250 ms that Node allows an attempt. A silent one
 * never connects.
 */
type Condition = 'good' | 'slow' | 'refused' | 'silent' | 'unreachable';

const SLOW_MS = 400;

let port: number;
const server = http.createServer((request, response) => void response.end(request.socket.localAddress));
beforeAll(async () => {
  // Listens on addresses of both families.
  await once(server.listen(0, '::'), 'listening');
  ({ port } = server.address() as net.AddressInfo);
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const openSockets = new Set<net.Socket>();

/** Connects on loopback under the given conditions. */
const connectAs = (conditions: ReadonlyMap<string, Condition>) => (address: { host: string; port: number }) => {
  const socket = new net.Socket();
  openSockets.add(socket.once('close', () => openSockets.delete(socket)));
  const condition = conditions.get(address.host);
  if (condition === 'good') socket.connect(address);
  if (condition === 'slow') setTimeout(() => !socket.destroyed && socket.connect(address), SLOW_MS);
  // Nothing listens on port 1.
  if (condition === 'refused') socket.connect({ ...address, port: 1 });
  if (condition === 'unreachable') {
    process.nextTick(() => socket.destroy(Object.assign(new Error('no route'), { code: 'ENETUNREACH' })));
  }
  return socket;
};

const ADDRESSES = { v4: ['127.0.0.1', '127.0.0.2', '127.0.0.3'], v6: ['::1', '::ffff:127.0.0.4'] };

/** An address of a host: its family and condition. */
type Address = `${'v4' | 'v6'} ${Condition}`;

/** A host with these addresses, in this order. */
const aHost = (...descriptions: Address[]) => {
  const unusedAddresses = { v4: [...ADDRESSES.v4], v6: [...ADDRESSES.v6] };
  const conditions = new Map<string, Condition>();
  const addresses = descriptions.map((description): LookupAddress => {
    const [family, condition] = description.split(' ') as ['v4' | 'v6', Condition];
    const address = unusedAddresses[family].shift() ?? '';
    conditions.set(address, condition);
    return { address, family: family === 'v4' ? 4 : 6 };
  });
  return { addresses, connect: connectAs(conditions) };
};

const call = async ({ addresses, connect }: ReturnType<typeof aHost>, timeoutMs = 5_000) => {
  const send = createNodeHttp({ lookup: (_host, _options, callback) => callback(null, addresses), connect });
  return send({ method: 'GET', url: `http://two.example:${port}/`, timeoutMs, maxBytes: 100 });
};

describe('a host with several addresses', () => {
  test.each<[Address[]]>([
    [['v4 good']],
    [['v6 good']],
    [['v4 slow', 'v6 refused']],
    [['v6 refused', 'v4 slow']],
    [['v6 slow', 'v4 refused']],
    [['v4 refused', 'v6 slow']],
    [['v6 unreachable', 'v4 slow']],
    [['v4 slow', 'v6 unreachable']],
    [['v6 silent', 'v4 good']],
    [['v4 silent', 'v6 good']],
    [['v6 silent', 'v4 slow']],
    [['v4 slow', 'v6 silent']],
    [['v4 refused', 'v4 refused', 'v4 slow']],
    [['v4 silent', 'v4 silent', 'v6 silent', 'v6 slow']],
    [['v6 refused', 'v6 slow', 'v4 unreachable', 'v4 silent']],
  ])('is reached when its addresses are %j', async (addresses) => {
    const response = await call(aHost(...addresses));
    expect(response.statusCode).toBe(200);
  });

  test('is called once, at the first address that connects, and the other connections are closed', async () => {
    const host = aHost('v6 silent', 'v4 slow', 'v4 silent');
    const acceptedSockets: net.Socket[] = [];
    const recordSocket = (socket: net.Socket) => void acceptedSockets.push(socket);
    server.on('connection', recordSocket);
    expect(`${(await call(host)).body}`).toMatch(/127\.0\.0\.1$/);
    server.off('connection', recordSocket);
    expect(acceptedSockets).toHaveLength(1);
    // Connected sockets may be kept-alive connections of other tests.
    expect([...openSockets].filter(({ destroyed, pending }) => pending && !destroyed)).toEqual([]);
  });

  test.each<[Address[], string, string]>([
    [['v4 refused', 'v6 refused'], 'connection_refused', 'ECONNREFUSED'],
    [['v6 unreachable', 'v4 refused'], 'connection_refused', 'ECONNREFUSED'],
    [['v4 refused', 'v6 unreachable'], 'connection_refused', 'ECONNREFUSED'],
    [['v6 unreachable', 'v4 unreachable'], 'connection_refused', 'ENETUNREACH'],
    [['v6 silent', 'v4 refused'], 'timeout', 'TimeoutError'],
    [['v4 refused', 'v6 silent'], 'timeout', 'TimeoutError'],
    [['v4 silent', 'v6 silent'], 'timeout', 'TimeoutError'],
    [[], 'dns', 'ENODATA'],
  ])('is unreachable when its addresses are %j: %s', async (addresses, failureClass, message) => {
    await expect(call(aHost(...addresses), 600)).rejects.toMatchObject({ class: failureClass, message });
  });

  test('is abandoned at the deadline, and every connection attempt is closed', async () => {
    await expect(call(aHost('v4 silent', 'v6 silent', 'v4 slow'), 400)).rejects.toMatchObject({
      class: 'timeout',
    });
    await Promise.all([...openSockets].map(async (socket) => socket.closed || once(socket, 'close')));
  });

  test('is blocked before the first connection if any of its addresses is forbidden', async () => {
    const { addresses, connect } = aHost('v4 good', 'v6 good');
    const dialledHosts: string[] = [];
    const send = createNodeHttp({
      exceptions: parseAddressExceptions('127.0.0.0/8'),
      lookup: (_host, _options, callback) => callback(null, addresses),
      connect: (address) => {
        dialledHosts.push(address.host);
        return connect(address);
      },
    });
    const call = send({ method: 'GET', url: `http://two.example:${port}/`, timeoutMs: 1_000, maxBytes: 1 });
    await expect(call).rejects.toMatchObject({ class: 'blocked_address' });
    expect(dialledHosts).toEqual([]);
  });

  test('has its addresses dialled alternately by family', async () => {
    const { addresses, connect } = aHost('v4 refused', 'v4 refused', 'v4 refused', 'v6 refused');
    const dialledHosts: string[] = [];
    const connection = dial({
      host: 'two.example',
      port,
      signal: AbortSignal.timeout(5_000),
      lookup: (_host, _options, callback) => callback(null, addresses),
      connect: (address) => {
        dialledHosts.push(address.host);
        return connect(address);
      },
    });
    await expect(connection).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(dialledHosts).toEqual(['127.0.0.1', '::1', '127.0.0.2', '127.0.0.3']);
  });
});
