import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import { HttpFailure, type HttpRequest } from '@boomerang/core/ports/http.ts';
import { afterEach, describe, expect, test } from '@jest/globals';

/** Functions that stop the servers of a test. */
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

const startListening = async (server: net.Server): Promise<string> => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/`;
};

/** A real server that answers every request the same way. */
const serve = async (listener: http.RequestListener): Promise<string> => {
  const server = http.createServer(listener);
  stops.push(async () => {
    server.close();
    server.closeAllConnections();
  });
  return startListening(server);
};

/** A server that sends these bytes when the request begins to arrive, then closes the connection. */
const serveBytes = async (...parts: (string | Buffer)[]): Promise<string> => {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.concat(parts.map((part) => Buffer.from(part as string)))));
  });
  stops.push(async () => server.close());
  return startListening(server);
};

/** The behaviour of a raw server for the nth request on the nth connection, both from 1. */
type RawBehaviour = (socket: net.Socket, counts: { request: number; connection: number }) => void;

/** A server that runs `behave` for each chunk received, which is one request in these tests. */
const serveRaw = async (behave: RawBehaviour) => {
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    const connection = ++connections;
    let request = 0;
    socket.on('data', () => {
      request += 1;
      behave(socket, { request, connection });
    });
  });
  stops.push(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { url: await startListening(server), connections: () => connections, sockets };
};

const OK = 'HTTP/1.1 200 OK\r\n';
const okResponse = (body: string): string => `${OK}Content-Length: ${body.length}\r\n\r\n${body}`;

const send = createNodeHttp();
const get = (url: string, change: Partial<HttpRequest> = {}) =>
  send({ method: 'GET', url, timeoutMs: 5_000, maxBytes: 1_000, ...change });

const text = Buffer.from('A text with many repeats. '.repeat(20));

describe('a request', () => {
  test('is sent unchanged, with its length in bytes', async () => {
    const requests: unknown[] = [];
    const url = await serve(async (request, response) => {
      const chunks: Buffer[] = await request.toArray();
      requests.push([
        request.method,
        request.headers['content-length'],
        request.headers['x-a'],
        `${Buffer.concat(chunks)}`,
      ]);
      response.end();
    });
    await get(url, { method: 'POST', body: '"é"', headers: { 'x-a': 'b' } });
    expect(requests).toEqual([['POST', '4', 'b', '"é"']]);
  });

  test.each<[string, Partial<HttpRequest>]>([
    ['a GET', {}],
    ['a POST with a body beyond Latin-1', { method: 'POST', body: '"é…"' }],
  ])('(%s) has its headers sent in Latin-1, as servers read them', async (_name, change) => {
    const requests: unknown[] = [];
    const url = await serve(async (request, response) => {
      requests.push(request.headers['x-a'], `${Buffer.concat(await request.toArray())}`);
      response.end();
    });
    await get(url, { headers: { 'x-a': 'ü' }, ...change });
    expect(requests).toEqual(['ü', change.body ?? '']);
  });
});

describe('a response', () => {
  test('has a status, headers in lower case and a body', async () => {
    const url = await serve((_, response) => response.writeHead(404, { 'Retry-After': '3' }).end('gone fishing'));
    const response = await get(url);
    expect(response).toMatchObject({ statusCode: 404, headers: { 'retry-after': '3' } });
    expect(response.body.toString()).toBe('gone fishing');
    expect(response.bodyFailure).toBeUndefined();
  });

  test('is not followed if it is a redirect', async () => {
    const paths: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      paths.push(request.url);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect((await get(url)).statusCode).toBe(302);
    expect(paths).toEqual(['/']);
  });

  test.each<[string, (body: Buffer) => Buffer]>([
    ['gzip', gzipSync],
    ['X-GZIP', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['identity', (body) => body],
    ['identity, gzip , identity', gzipSync],
    ['gzip, br', (body) => brotliCompressSync(gzipSync(body))],
    ['br, deflate, zstd', (body) => zstdCompressSync(deflateRawSync(brotliCompressSync(body)))],
    ['gzip', (body) => Buffer.concat([gzipSync(body.subarray(0, 1)), gzipSync(body.subarray(1))])],
    ['gzip', (body) => Buffer.concat([gzipSync(body), Buffer.alloc(512)])],
    ['zstd', (body) => Buffer.concat([zstdCompressSync(body.subarray(0, 1)), zstdCompressSync(body.subarray(1))])],
    ['zstd', (body) => Buffer.concat([Buffer.from('502a4d180100000000', 'hex'), zstdCompressSync(body)])],
  ])('is decoded if it is encoded with %s, though the request accepts no coding', async (encoding, encode) => {
    const url = await serve((_, response) => response.setHeader('content-encoding', encoding).end(encode(text)));
    const response = await get(url);
    expect(response.bodyFailure).toBeUndefined();
    expect(response.body).toEqual(text);
  });

  test('is decoded if its coding comes in two headers, or as a transfer coding', async () => {
    const encodedTwice = brotliCompressSync(gzipSync(text));
    const head = `${OK}Content-Encoding: gzip\r\nContent-Encoding: br\r\nContent-Length: ${encodedTwice.length}\r\n\r\n`;
    expect((await get(await serveBytes(head, encodedTwice))).body).toEqual(text);
    const encoded = gzipSync(text);
    const chunks = [
      'Transfer-Encoding: gzip, chunked\r\n\r\n',
      `${encoded.length.toString(16)}\r\n`,
      encoded,
      '\r\n0\r\n\r\n',
    ];
    expect((await get(await serveBytes(OK, ...chunks))).body).toEqual(text);
  });

  test('has a decoded excerpt, even when it is incomplete', async () => {
    const encoded = gzipSync(text);
    const head = `HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: ${encoded.length + 5}\r\n\r\n`;
    const response = await get(await serveBytes(head, encoded.subarray(0, -9)));
    expect(response).toMatchObject({ statusCode: 500, bodyFailure: { class: 'connection_broken' } });
    expect(response.body.length).toBeGreaterThan(0);
    expect(text.subarray(0, response.body.length)).toEqual(response.body);
  });

  test('may have 60 KB in thousands of headers, and interim responses before it', async () => {
    const manyHeaders = Array.from({ length: 4_000 }, (_, index) => `a${index}: ${index}\r\n`).join('');
    const interim = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n`;
    for (const headers of [`X: ${'x'.repeat(60_000)}\r\n`, manyHeaders]) {
      const response = await get(
        await serveBytes(interim, OK, headers, 'Retry-After: 7\r\nContent-Length: 2\r\n\r\nok'),
      );
      expect([response.statusCode, response.headers['retry-after'], `${response.body}`]).toEqual([200, '7', 'ok']);
    }
  });

  test.each([
    [
      'that offers an upgrade, as Apache does',
      `${OK}Upgrade: h2\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok`,
    ],
    ['with bytes after its end', `${OK}Content-Length: 2\r\n\r\nok and more`],
    [
      'with bytes after its end, on a connection that closes',
      `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nok and more`,
    ],
    ['followed by another response', `${okResponse('ok')}${okResponse('no')}`],
    ['without a length', `${OK}Connection: close\r\n\r\nok`],
    ['in HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nok'],
  ])('%s is read up to its end', async (_name, bytes) => {
    const response = await get(await serveBytes(bytes));
    expect([response.statusCode, `${response.body}`, response.bodyFailure]).toEqual([200, 'ok', undefined]);
  });

  test.each([
    ['204', 'HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n'],
    ['200 with no bytes', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n'],
    ...['gzip', 'deflate', 'br', 'zstd'].map((encoding) => [
      `200 with no chunks (${encoding})`,
      `HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ]),
  ])('has an empty, valid body if it is a %s that claims to be encoded', async (_name, bytes) => {
    const response = await get(await serveBytes(bytes as string));
    expect(response.bodyFailure).toBeUndefined();
    expect(response.body).toHaveLength(0);
  });
});

/** The head of a response with an encoded body. */
const encodedHead = (coding: string, length: number): string =>
  `${OK}Content-Encoding: ${coding}\r\nContent-Length: ${length}\r\n\r\n`;
const encodedResponse = (coding: string, ...parts: Buffer[]): (string | Buffer)[] => {
  const body = Buffer.concat(parts);
  return [encodedHead(coding, body.length), body];
};

/** A frame whose decoder needs a window of 16 MB. */
const wideZstd = (body: Buffer): Buffer => {
  // A frame header that declares the window (RFC 8878 §3.1.1.1), and one raw block, which is the last.
  const block = (body.length << 3) | 1;
  const head = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (24 - 10) << 3, block & 0xff, block >> 8, block >> 16];
  return Buffer.concat([Buffer.from(head), body]);
};

describe('a body', () => {
  test('is complete at exactly the limit, and cut one byte beyond', async () => {
    const url = await serve((request, response) => response.end('x'.repeat(Number(request.url?.slice(1)))));
    const atLimit = await get(`${url}1000`);
    expect([atLimit.body.length, atLimit.bodyFailure]).toEqual([1_000, undefined]);
    const beyondLimit = await get(`${url}1001`);
    expect(beyondLimit.body).toHaveLength(1_000);
    expect(beyondLimit.bodyFailure?.class).toBe('too_large');
  });

  test('that never ends is cut at the limit', async () => {
    const url = await serve((_, response) => {
      const writeMore = () => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
      };
      response.on('drain', writeMore);
      writeMore();
    });
    expect(await get(url)).toMatchObject({ statusCode: 200, bodyFailure: { class: 'too_large' } });
  });

  test('that is a gzip bomb is cut at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    const url = await serve((_, response) => response.setHeader('content-encoding', 'gzip').end(bomb));
    const response = await get(url);
    expect(response.body).toHaveLength(1_000);
    expect(response.bodyFailure?.class).toBe('too_large');
  });

  test.each<[string, string, (string | Buffer)[]]>([
    ['breaks off half-way', 'connection_broken', [`${OK}Content-Length: 20\r\n\r\nhalf`]],
    ['breaks off between chunks', 'connection_broken', [`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`]],
    ['breaks off within a gzip stream', 'connection_broken', [encodedHead('gzip', 40), gzipSync(text).subarray(0, 15)]],
    ['has a chunk without a valid length', 'bad_answer', [`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nno\r\n`]],
    ['has 70 KB in its trailer', 'bad_answer', [`${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nX: `, 'x'.repeat(70_000)]],
    ['is declared as gzip but is not', 'bad_body', [`${encodedHead('gzip', 2)}ok`]],
    ['is declared as deflate but is not', 'bad_body', [`${encodedHead('deflate', 7)}garbage`]],
    ['is declared as brotli but is not', 'bad_body', [`${encodedHead('br', 7)}garbage`]],
    ['is declared as zstd but is not', 'bad_body', [`${encodedHead('zstd', 7)}garbage`]],
    ['lacks the declared gzip inside its brotli', 'bad_body', encodedResponse('gzip, br', brotliCompressSync(text))],
    ['is encoded in the reverse order', 'bad_body', encodedResponse('br, gzip', brotliCompressSync(gzipSync(text)))],
    ['has an unknown coding', 'bad_body', [`${encodedHead('compress', 2)}ok`]],
    ['has a coding named like an inherited property', 'bad_body', [`${encodedHead('constructor', 2)}ok`]],
    ['has an unknown coding inside a known one', 'bad_body', encodedResponse('aes128gcm, gzip', gzipSync(text))],
    ['has six codings', 'bad_body', encodedResponse('gzip,gzip,gzip,gzip,gzip,gzip', gzipSync(text))],
    ['has gzip followed by other bytes', 'bad_body', encodedResponse('gzip', gzipSync(text), Buffer.from('<br>'))],
    [
      'has brotli followed by other bytes',
      'bad_body',
      encodedResponse('br', brotliCompressSync(text), Buffer.from('<br>')),
    ],
    [
      'has zstd followed by other bytes',
      'bad_body',
      encodedResponse('zstd', zstdCompressSync(text), Buffer.from('<br>')),
    ],
    ['is gzip without its checksum', 'bad_body', encodedResponse('gzip', gzipSync(text).subarray(0, -8))],
    [
      'is gzip with a wrong checksum',
      'bad_body',
      encodedResponse('gzip', gzipSync(text).subarray(0, -8), Buffer.alloc(8, 1)),
    ],
    ['is truncated gzip', 'bad_body', encodedResponse('gzip', gzipSync(text).subarray(0, 15))],
    ['is truncated deflate', 'bad_body', encodedResponse('deflate', deflateSync(text).subarray(0, -5))],
    ['is truncated raw deflate', 'bad_body', encodedResponse('deflate', deflateRawSync(text).subarray(0, -1))],
    ['is truncated brotli', 'bad_body', encodedResponse('br', brotliCompressSync(text).subarray(0, -1))],
    ['is zstd with a larger window than HTTP allows', 'bad_body', encodedResponse('zstd', wideZstd(text))],
    ['is truncated zstd', 'bad_body', encodedResponse('zstd', zstdCompressSync(text).subarray(0, -3))],
  ])('that %s fails with %s, and keeps the status', async (_name, failureClass, parts) => {
    expect(await get(await serveBytes(...parts))).toMatchObject({
      statusCode: 200,
      bodyFailure: { class: failureClass, message: expect.stringMatching(/^\S/) },
    });
  });

  test('without a length is broken after a reset, since it may be incomplete', async () => {
    const { url } = await serveRaw((socket) => {
      socket.write(`${OK}Connection: close\r\n\r\nhalf`, () => socket.resetAndDestroy());
    });
    expect(await get(url)).toMatchObject({ statusCode: 200, bodyFailure: { class: 'connection_broken' } });
  });

  test.each<[string, (body: Buffer) => Buffer]>([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['gzip, gzip', (body) => gzipSync(gzipSync(body))],
    ['br, gzip', (body) => gzipSync(brotliCompressSync(body))],
  ])('that expands to 20 MB by %s is cut at the limit', async (encoding, encode) => {
    const bomb = encode(Buffer.alloc(20_000_000));
    const url = await serve((_, response) => response.setHeader('content-encoding', encoding).end(bomb));
    const response = await get(url);
    expect(response.body).toHaveLength(1_000);
    expect(response.bodyFailure?.class).toBe('too_large');
  });

  test('that never ends and expands to no bytes is cut at the limit', async () => {
    const url = await serve((_, response) => {
      response.setHeader('content-encoding', 'gzip');
      const writeMore = () => {
        while (!response.destroyed && response.write(Buffer.concat(Array(500).fill(gzipSync('')))));
      };
      response.on('drain', writeMore);
      writeMore();
    });
    expect(await get(url)).toMatchObject({ bodyFailure: { class: 'too_large' } });
  });

  describe('that does not arrive in time', () => {
    const firstBytes = (encoding: string): Buffer => {
      const encode = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync }[encoding];
      return encode ? encode(text).subarray(0, 12) : text.subarray(0, 12);
    };
    const codings = ['identity', 'gzip', 'deflate', 'br', 'zstd'];

    test.each(codings)('times out when it stalls (%s)', async (encoding) => {
      const url = await serve((_, response) => {
        response.writeHead(200, { 'content-encoding': encoding, 'retry-after': '3' }).write(firstBytes(encoding));
      });
      expect(await get(url, { timeoutMs: 800 })).toMatchObject({
        statusCode: 200,
        headers: { 'retry-after': '3' },
        bodyFailure: { class: 'timeout', message: 'TimeoutError' },
      });
    });

    test.each([
      ['arrives byte by byte', 'Content-Length: 100000', 'x'],
      ['arrives in chunks of one byte', 'Transfer-Encoding: chunked', '1\r\nx\r\n'],
      ['has a chunk length that arrives digit by digit', 'Transfer-Encoding: chunked', '0'],
      ['arrives byte by byte until its connection closes', 'Connection: close', 'x'],
      ['arrives as small gzip members', 'Content-Encoding: gzip', gzipSync('').subarray(0, 10)],
    ])('times out when it %s', async (_name, header, part) => {
      const { url } = await serveRaw((socket) => {
        socket.write(`${OK}${header}\r\n\r\n`);
        const timer = setInterval(() => socket.write(part), 10);
        socket.on('close', () => clearInterval(timer));
      });
      expect(await get(url, { timeoutMs: 800 })).toMatchObject({ bodyFailure: { class: 'timeout' } });
    });
  });
});

describe('a call without a valid response', () => {
  const failureOf = async (url: string, change: Partial<HttpRequest> = {}) => {
    const failure = await get(url, change).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(HttpFailure);
    return failure as HttpFailure;
  };

  test.each<[string, string]>([
    ['no bytes', ''],
    ['half a status line', 'HTTP/1.1 2'],
    ['half of the headers', `${OK}Content-Le`],
    ['interim responses only', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ])('that receives %s within the timeout times out', async (_name, bytes) => {
    const { url } = await serveRaw((socket) => void socket.write(bytes));
    expect(await failureOf(url, { timeoutMs: 100 })).toMatchObject({ class: 'timeout', message: 'TimeoutError' });
  });

  test('times out even if headers keep arriving', async () => {
    const { url } = await serveRaw((socket) => {
      socket.write(OK);
      const timer = setInterval(() => socket.write('X: x\r\n'), 10);
      socket.on('close', () => clearInterval(timer));
    });
    expect(await failureOf(url, { timeoutMs: 200 })).toMatchObject({ class: 'timeout' });
  });

  test('to a port without a listener fails with a refused connection', async () => {
    const server = net.createServer();
    const url = await startListening(server);
    server.close();
    await once(server, 'close');
    expect((await failureOf(url)).class).toBe('connection_refused');
  });

  test('to a name that does not resolve fails with a DNS failure', async () => {
    expect((await failureOf('http://nowhere.invalid/')).class).toBe('dns');
  });

  test.each([
    ['no bytes', ''],
    ['half a status line', 'HTTP/1.1 2'],
    ['half of the headers', `${OK}Content-Le`],
    ['only an interim response', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ])('on a connection that closes after %s fails with a broken connection', async (_name, bytes) => {
    expect(await failureOf(await serveBytes(bytes))).toMatchObject({
      class: 'connection_broken',
      message: 'ECONNRESET',
    });
  });

  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n', 'HPE_INVALID_CONSTANT'],
    ['TLS', Buffer.from([0x15, 3, 3, 0, 2, 2, 0x28]), 'HPE_INVALID_CONSTANT'],
    ['HTTP/0.9', '<html>', 'HPE_INVALID_CONSTANT'],
    [
      'an upgrade that we did not request',
      'HTTP/1.1 101 No\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
      'UNASKED_UPGRADE',
    ],
    ['an invalid status', 'HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n', 'BAD_STATUS_LINE'],
    [
      'two Content-Length headers',
      `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`,
      'HPE_UNEXPECTED_CONTENT_LENGTH',
    ],
    ['a list of lengths', `${OK}Content-Length: 2, 2\r\n\r\nok`, 'HPE_INVALID_CONTENT_LENGTH'],
    ['a length below zero', `${OK}Content-Length: -2\r\n\r\nok`, 'HPE_INVALID_CONTENT_LENGTH'],
    [
      'a length and chunks',
      `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`,
      'HPE_INVALID_TRANSFER_ENCODING',
    ],
    ['a header name with a space', `${OK}Bad Name: 2\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
    ['a header without a colon', `${OK}Bad\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
    ['a NUL in a header', `${OK}X: a\0b\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
    ['bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', 'HPE_CR_EXPECTED'],
    ['70 KB of headers', `${OK}X: ${'x'.repeat(70_000)}\r\n\r\n`, 'HPE_HEADER_OVERFLOW'],
    ['70 KB of small headers', `${OK}${'Name: value\r\n'.repeat(8_000)}\r\n`, 'HPE_HEADER_OVERFLOW'],
  ])("that receives %s fails with bad_answer and Node's error code", async (_name, bytes, code) => {
    const failure = await failureOf(await serveBytes(bytes), { timeoutMs: 2_000 });
    expect(failure).toMatchObject({ class: 'bad_answer', message: code });
    expect(failure.cause).not.toHaveProperty('rawPacket');
  });

  test.each<[string, Partial<HttpRequest>]>([
    ['a header with a line break', { headers: { 'x-key': 'a\nb' } }],
    ['a header in Cyrillic', { headers: { 'x-key': 'ключ' } }],
    ['an invalid header name', { headers: { 'x key': 'a' } }],
    ['user info that does not decode', { url: 'http://user:100%@127.0.0.1:1/' }],
    ['an invalid URL', { url: 'nowhere' }],
    ['an unsupported protocol', { url: 'ftp://127.0.0.1/' }],
  ])('with %s fails before it is sent', async (_name, change) => {
    const { url, connections } = await serveRaw(() => {});
    expect(await failureOf(url, change)).toMatchObject({ class: 'internal' });
    expect(connections()).toBe(0);
  });

  test('reveals neither its address nor a token', async () => {
    const { message } = await failureOf('http://127.0.0.1:1/path?token=secret');
    expect(message).not.toMatch(/127|secret|path/);
  });
});

describe('a kept-alive connection', () => {
  const resetConnection: RawBehaviour = (socket) => socket.resetAndDestroy();
  const respondOnceThen =
    (then: RawBehaviour): RawBehaviour =>
    (socket, counts) =>
      counts.request === 1 ? void socket.write(okResponse(`${counts.connection}`)) : then(socket, counts);

  test('serves consecutive calls', async () => {
    const { url, connections } = await serveRaw((socket) => void socket.write(okResponse('ok')));
    const sendOnNewPool = createNodeHttp();
    for (let call = 0; call < 3; call += 1)
      await sendOnNewPool({ method: 'GET', url, timeoutMs: 5_000, maxBytes: 100 });
    expect(connections()).toBe(1);
  });

  test.each<[string, RawBehaviour]>([
    ['was reset', resetConnection],
    ['was closed', (socket) => socket.end()],
    ['was closed as idle', (socket) => socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n')],
  ])('that %s while idle is replaced, without a failed call', async (_name, behave) => {
    const { url, connections } = await serveRaw(respondOnceThen(behave));
    const sendOnNewPool = createNodeHttp();
    const call = (change: Partial<HttpRequest> = {}) =>
      sendOnNewPool({ method: 'GET', url, timeoutMs: 5_000, maxBytes: 100, ...change });
    await call();
    expect(`${(await call()).body}`).toBe('2');
    await Promise.all([call(), call(), call()]);
    const before = connections();
    const response = await call({ method: 'POST', body: '{}', isRepeatable: true });
    expect(response.statusCode).toBe(200);
    expect(connections()).toBe(before + 1);
  });

  test('that is stale is replaced by a new connection, not by another idle one', async () => {
    const { url } = await serveRaw(respondOnceThen(resetConnection));
    const sendOnNewPool = createNodeHttp();
    const call = async () => sendOnNewPool({ method: 'GET', url, timeoutMs: 5_000, maxBytes: 100 });
    // The client keeps eight connections, and all are stale.
    await Promise.all(Array.from({ length: 8 }, call));
    for (let calls = 0; calls < 8; calls += 1) expect((await call()).statusCode).toBe(200);
  });

  test('that breaks after the response has begun, or on its first call, fails the call', async () => {
    const { url } = await serveRaw(respondOnceThen((socket) => void socket.end('HTTP/1.1 2')));
    const sendOnNewPool = createNodeHttp();
    const call = async (target: string) =>
      sendOnNewPool({ method: 'GET', url: target, timeoutMs: 5_000, maxBytes: 100 });
    await call(url);
    await expect(call(url)).rejects.toMatchObject({ class: 'connection_broken' });
    const { url: other, connections } = await serveRaw(resetConnection);
    await expect(call(other)).rejects.toMatchObject({ class: 'connection_broken', message: 'ECONNRESET' });
    expect(connections()).toBe(1);
  });

  test('that breaks fails a non-repeatable request, which is not sent again', async () => {
    const { url, connections } = await serveRaw(respondOnceThen(resetConnection));
    const sendOnNewPool = createNodeHttp();
    const request = { method: 'POST', url, body: '{}', timeoutMs: 5_000, maxBytes: 100 } as const;
    await sendOnNewPool(request);
    await expect(sendOnNewPool(request)).rejects.toMatchObject({ class: 'connection_broken', message: 'ECONNRESET' });
    expect(connections()).toBe(1);
  });

  test('that was closed before a request is replaced, even if the request is not repeatable', async () => {
    const { url, connections } = await serveRaw((socket) => void socket.end(okResponse('ok')));
    const sendOnNewPool = createNodeHttp();
    for (let call = 1; call <= 5; call += 1) {
      await sendOnNewPool({ method: 'POST', url, body: '{}', timeoutMs: 5_000, maxBytes: 100 });
      expect(connections()).toBe(call);
    }
  });

  test.each([
    ['a response', okResponse('theirs')],
    ['half a response', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['an interim response', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['data other than HTTP', 'theirs'],
  ])('is dropped if %s arrives unsolicited', async (_name, unsolicited) => {
    for (const turns of [0, 1, 5]) {
      const { url, sockets, connections } = await serveRaw((socket) => void socket.write(okResponse('mine')));
      const sendOnNewPool = createNodeHttp();
      const call = async () => sendOnNewPool({ method: 'POST', url, body: '{}', timeoutMs: 5_000, maxBytes: 100 });
      await call();
      for (const socket of sockets) await new Promise<void>((done) => void socket.write(unsolicited, () => done()));
      for (let turn = 0; turn < turns; turn += 1) await setImmediate();
      expect(`${(await call()).body}`).toBe('mine');
      expect(connections()).toBe(2);
    }
  });

  test('is closed by the client before servers close it, usually after 5 s, so that no request is sent on a closing connection', async () => {
    const close = Promise.withResolvers<void>();
    const { url } = await serveRaw((socket) => {
      socket.on('close', close.resolve);
      socket.write(okResponse('ok'));
    });
    await get(url);
    await close.promise;
  }, 15_000);
});
