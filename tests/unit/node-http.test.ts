import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import { HttpFailure, type HttpRequest } from '@boomerang/core/ports/http.ts';
import { afterEach, describe, expect, test } from '@jest/globals';

/** What stops the servers of a test. */
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

const startListening = async (server: net.Server): Promise<string> => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/`;
};

/** A real server that answers every request so. */
const serve = async (answer: http.RequestListener): Promise<string> => {
  const server = http.createServer(answer);
  stops.push(async () => {
    server.close();
    server.closeAllConnections();
  });
  return startListening(server);
};

/** A server that sends these bytes after the first of the request, and closes. */
const serveBytes = async (...parts: (string | Buffer)[]): Promise<string> => {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.concat(parts.map((part) => Buffer.from(part as string)))));
  });
  stops.push(async () => server.close());
  return startListening(server);
};

const send = createNodeHttp();
const get = (url: string, change: Partial<HttpRequest> = {}) =>
  send({ method: 'GET', url, timeoutMs: 5_000, maxBytes: 1_000, ...change });

describe('an answer that comes', () => {
  test('is given with its status, its headers in lower case and its body', async () => {
    const url = await serve((_, response) => response.writeHead(404, { 'Retry-After': '3' }).end('gone fishing'));
    const answer = await get(url);
    expect(answer).toMatchObject({ statusCode: 404, headers: { 'retry-after': '3' } });
    expect(answer.body.toString()).toBe('gone fishing');
    expect(answer.bodyFailure).toBeUndefined();
  });

  test('is to the request as it was given, with its length in bytes', async () => {
    const seen: unknown[] = [];
    const url = await serve(async (request, response) => {
      const chunks: Buffer[] = await request.toArray();
      seen.push([
        request.method,
        request.headers['content-length'],
        request.headers['x-a'],
        `${Buffer.concat(chunks)}`,
      ]);
      response.end();
    });
    await get(url, { method: 'POST', body: '"é"', headers: { 'x-a': 'b' } });
    expect(seen).toEqual([['POST', '4', 'b', '"é"']]);
  });

  test('is not followed when it is a redirect', async () => {
    const paths: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      paths.push(request.url);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect((await get(url)).statusCode).toBe(302);
    expect(paths).toEqual(['/']);
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const)('is unpacked when it is packed with %s, though nobody asked for it', async (encoding, pack) => {
    const url = await serve((_, response) => response.setHeader('content-encoding', encoding).end(pack('text')));
    expect(`${(await get(url)).body}`).toBe('text');
  });

  test.each([
    ['204', 'HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n'],
    ['200 of no bytes', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n'],
    ...['gzip', 'deflate', 'br', 'zstd'].map((encoding) => [
      `200 of no chunks (${encoding})`,
      `HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ]),
  ])('has an empty body, and not a broken one, when it is a %s that claims to be packed', async (_name, bytes) => {
    const answer = await get(await serveBytes(bytes as string));
    expect(answer.bodyFailure).toBeUndefined();
    expect(answer.body).toHaveLength(0);
  });
});

describe('a body', () => {
  test('is whole at exactly the limit, and cut one byte beyond', async () => {
    const url = await serve((request, response) => response.end('x'.repeat(Number(request.url?.slice(1)))));
    const whole = await get(`${url}1000`);
    expect([whole.body.length, whole.bodyFailure]).toEqual([1_000, undefined]);
    const cut = await get(`${url}1001`);
    expect(cut.body).toHaveLength(1_000);
    expect(cut.bodyFailure?.class).toBe('too_large');
  });

  test('that never ends is cut at the limit', async () => {
    const url = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
      };
      response.on('drain', more);
      more();
    });
    expect(await get(url)).toMatchObject({ statusCode: 200, bodyFailure: { class: 'too_large' } });
  });

  test('that is a gzip bomb is cut at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    const url = await serve((_, response) => response.setHeader('content-encoding', 'gzip').end(bomb));
    const answer = await get(url);
    expect(answer.body).toHaveLength(1_000);
    expect(answer.bodyFailure?.class).toBe('too_large');
  });

  test.each([
    ['dies half-way', ['HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf']],
    ['is no gzip, though it says so', ['HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok']],
    [
      'is half a gzip',
      [
        'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 15\r\n\r\n',
        gzipSync('a'.repeat(50)).subarray(0, 15),
      ],
    ],
  ])('that %s is told as broken, beside the status that came', async (_name, parts) => {
    expect(await get(await serveBytes(...parts))).toMatchObject({
      statusCode: 200,
      bodyFailure: { class: 'connection_broken' },
    });
  });

  test.each(['identity', 'gzip'])('that does not arrive in time is told as such (%s)', async (encoding) => {
    const url = await serve((_, response) => {
      response
        .writeHead(200, { 'content-encoding': encoding })
        .write(encoding === 'gzip' ? gzipSync('').subarray(0, 5) : 'a');
    });
    expect(await get(url, { timeoutMs: 200 })).toMatchObject({ statusCode: 200, bodyFailure: { class: 'timeout' } });
  });
});

describe('no answer', () => {
  const failureOf = async (url: string, change: Partial<HttpRequest> = {}) => {
    const failure = await get(url, change).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(HttpFailure);
    return failure as HttpFailure;
  };

  test('within the time-out is a failure by that name', async () => {
    expect((await failureOf(await serve(() => {}), { timeoutMs: 100 })).class).toBe('timeout');
  });

  test('where nobody listens is a refused connection', async () => {
    const server = net.createServer();
    const url = await startListening(server);
    server.close();
    await once(server, 'close');
    expect((await failureOf(url)).class).toBe('connection_refused');
  });

  test('by a name that does not resolve is a failure of DNS', async () => {
    expect((await failureOf('http://nowhere.invalid/')).class).toBe('dns');
  });

  test.each([
    ['a connection that closes', ''],
    ['something that is not HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
    [
      'another protocol that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
    ],
  ])('but %s is a broken connection', async (_name, bytes) => {
    expect((await failureOf(await serveBytes(bytes), { timeoutMs: 2_000 })).class).toBe('connection_broken');
  });

  test('tells of no address and no token', async () => {
    const { message } = await failureOf('http://127.0.0.1:1/path?token=secret');
    expect(message).not.toMatch(/127|secret|path/);
  });
});
