import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { dial } from '@boomerang/core/adapters/dial.ts';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import { parseAddressExceptions } from '@boomerang/core/domain/address-rules.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

/** How an address behaves. A slow one connects later than Node's own 250 ms. */
type Condition = 'good' | 'slow' | 'refused' | 'silent' | 'unreachable';

const SLOW_MS = 400;

let port: number;
const server = http.createServer((request, response) => void response.end(request.socket.localAddress));
beforeAll(async () => {
  // Both families.
  await once(server.listen(0, '::'), 'listening');
  ({ port } = server.address() as net.AddressInfo);
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const connecting = new Set<net.Socket>();

/** Connects on loopback under the given conditions. */
const connectAs = (conditions: ReadonlyMap<string, Condition>) => (address: { host: string; port: number }) => {
  const socket = new net.Socket();
  connecting.add(socket.once('close', () => connecting.delete(socket)));
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

/** A host with these addresses, in this order. */
const aHost = (...described: ['v4' | 'v6', Condition][]) => {
  const left = { v4: [...ADDRESSES.v4], v6: [...ADDRESSES.v6] };
  const conditions = new Map<string, Condition>();
  const addresses = described.map(([family, condition]): LookupAddress => {
    const address = left[family].shift() ?? '';
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
  test.each<[['v4' | 'v6', Condition][]]>([
    [[['v4', 'good']]],
    [[['v6', 'good']]],
    [
      [
        ['v4', 'slow'],
        ['v6', 'refused'],
      ],
    ],
    [
      [
        ['v6', 'refused'],
        ['v4', 'slow'],
      ],
    ],
    [
      [
        ['v6', 'slow'],
        ['v4', 'refused'],
      ],
    ],
    [
      [
        ['v4', 'refused'],
        ['v6', 'slow'],
      ],
    ],
    [
      [
        ['v6', 'unreachable'],
        ['v4', 'slow'],
      ],
    ],
    [
      [
        ['v4', 'slow'],
        ['v6', 'unreachable'],
      ],
    ],
    [
      [
        ['v6', 'silent'],
        ['v4', 'good'],
      ],
    ],
    [
      [
        ['v4', 'silent'],
        ['v6', 'good'],
      ],
    ],
    [
      [
        ['v6', 'silent'],
        ['v4', 'slow'],
      ],
    ],
    [
      [
        ['v4', 'slow'],
        ['v6', 'silent'],
      ],
    ],
    [
      [
        ['v4', 'refused'],
        ['v4', 'refused'],
        ['v4', 'slow'],
      ],
    ],
    [
      [
        ['v4', 'silent'],
        ['v4', 'silent'],
        ['v6', 'silent'],
        ['v6', 'slow'],
      ],
    ],
    [
      [
        ['v6', 'refused'],
        ['v6', 'slow'],
        ['v4', 'unreachable'],
        ['v4', 'silent'],
      ],
    ],
  ])('is reached when they are %j', async (described) => {
    const answer = await call(aHost(...described));
    expect(answer.statusCode).toBe(200);
  });

  test('is called once, at the first address that connects, and the other connections are closed', async () => {
    const host = aHost(['v6', 'silent'], ['v4', 'slow'], ['v4', 'silent']);
    const accepted: net.Socket[] = [];
    const accept = (socket: net.Socket) => void accepted.push(socket);
    server.on('connection', accept);
    expect(`${(await call(host)).body}`).toMatch(/127\.0\.0\.1$/);
    server.off('connection', accept);
    expect(accepted).toHaveLength(1);
    // The others are kept-alive connections of other tests.
    expect([...connecting].filter(({ destroyed, pending }) => pending && !destroyed)).toEqual([]);
  });

  test.each<[['v4' | 'v6', Condition][], string, string]>([
    [
      [
        ['v4', 'refused'],
        ['v6', 'refused'],
      ],
      'connection_refused',
      'ECONNREFUSED',
    ],
    [
      [
        ['v6', 'unreachable'],
        ['v4', 'refused'],
      ],
      'connection_refused',
      'ECONNREFUSED',
    ],
    [
      [
        ['v4', 'refused'],
        ['v6', 'unreachable'],
      ],
      'connection_refused',
      'ECONNREFUSED',
    ],
    [
      [
        ['v6', 'unreachable'],
        ['v4', 'unreachable'],
      ],
      'connection_refused',
      'ENETUNREACH',
    ],
    [
      [
        ['v6', 'silent'],
        ['v4', 'refused'],
      ],
      'timeout',
      'TimeoutError',
    ],
    [
      [
        ['v4', 'refused'],
        ['v6', 'silent'],
      ],
      'timeout',
      'TimeoutError',
    ],
    [
      [
        ['v4', 'silent'],
        ['v6', 'silent'],
      ],
      'timeout',
      'TimeoutError',
    ],
    [[], 'dns', 'ENODATA'],
  ])('is unreachable when they are %j: %s', async (described, failureClass, message) => {
    await expect(call(aHost(...described), 600)).rejects.toMatchObject({ class: failureClass, message });
  });

  test('is abandoned at the deadline, and every connection attempt is closed', async () => {
    await expect(call(aHost(['v4', 'silent'], ['v6', 'silent'], ['v4', 'slow']), 400)).rejects.toMatchObject({
      class: 'timeout',
    });
    await Promise.all([...connecting].map(async (socket) => socket.closed || once(socket, 'close')));
  });

  test('has all its addresses checked before the first is dialled', async () => {
    const { addresses, connect } = aHost(['v4', 'good'], ['v6', 'good']);
    const dialled: string[] = [];
    const send = createNodeHttp({
      exceptions: parseAddressExceptions('127.0.0.0/8'),
      lookup: (_host, _options, callback) => callback(null, addresses),
      connect: (address) => {
        dialled.push(address.host);
        return connect(address);
      },
    });
    const sending = send({ method: 'GET', url: `http://two.example:${port}/`, timeoutMs: 1_000, maxBytes: 1 });
    await expect(sending).rejects.toMatchObject({ class: 'blocked_address' });
    expect(dialled).toEqual([]);
  });

  test('is dialled alternating between the families', async () => {
    const { addresses, connect } = aHost(...Array<['v4', Condition]>(3).fill(['v4', 'refused']), ['v6', 'refused']);
    const dialled: string[] = [];
    const dialling = dial({
      host: 'two.example',
      port,
      signal: AbortSignal.timeout(5_000),
      lookup: (_host, _options, callback) => callback(null, addresses),
      connect: (address) => {
        dialled.push(address.host);
        return connect(address);
      },
    });
    await expect(dialling).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(dialled).toEqual(['127.0.0.1', '::1', '127.0.0.2', '127.0.0.3']);
  });
});
