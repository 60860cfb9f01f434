import type { LookupAddress } from 'node:dns';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import { parseAddressExceptions } from '@boomerang/core/domain/address-rules.ts';
import type { HttpResponse } from '@boomerang/core/ports/http.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

const BOMB_BYTES = 64 * 1024 * 1024;
const bomb = gzipSync(Buffer.alloc(BOMB_BYTES));

let port: number;
let calls = 0;
const server = createServer((request, response) => {
  calls += 1;
  if (request.url === '/moved') response.writeHead(302, { location: `http://127.0.0.1:${port}/secret` }).end();
  else if (request.url === '/bomb') response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
  else response.end('here');
});

beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => void server.close());
beforeEach(() => {
  calls = 0;
});

/** Calls a host. Each DNS lookup returns the next answer; after the last one, the last again. */
const call = (host: string, allow: string, answers: string[][] = [], path = '/'): Promise<HttpResponse> => {
  let lookups = 0;
  const send = createNodeHttp({
    exceptions: parseAddressExceptions(allow),
    lookup: (_hostname, _options, callback) => {
      const addresses = answers[Math.min(lookups, answers.length - 1)] ?? [];
      lookups += 1;
      callback(
        null,
        addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    },
  });
  return send({ method: 'GET', url: `http://${host}:${port}${path}`, timeoutMs: 2_000, maxBytes: 1_000 });
};

const BLOCKED = { name: 'HttpFailure', class: 'blocked_address' };

describe('a call to a caller-supplied host', () => {
  test.each([
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '017700000001',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::]',
    'localhost',
    '0',
  ])('is not sent to %s', async (host) => {
    await expect(call(host, 'none', [['127.0.0.1']])).rejects.toMatchObject(BLOCKED);
    expect(calls).toBe(0);
  });

  test('is not sent if any of the addresses is forbidden', async () => {
    await expect(call('two.example', '127.0.0.0/8', [['127.0.0.1', '10.0.0.1']])).rejects.toMatchObject(BLOCKED);
    await expect(call('two.example', '127.0.0.0/8', [['169.254.169.254', '127.0.0.1']])).rejects.toMatchObject(BLOCKED);
    expect(calls).toBe(0);
  });

  test('dials the address that was checked, even if the name resolves differently a moment later', async () => {
    const response = await call('rebinding.example', '127.0.0.0/8', [['127.0.0.1'], ['10.0.0.1']]);
    expect([response.statusCode, calls]).toEqual([200, 1]);
  });

  test('is sent if an exception allows the network or the name', async () => {
    expect((await call('127.0.0.1', '127.0.0.0/8')).statusCode).toBe(200);
    expect((await call('inside.example', 'inside.example', [['127.0.0.1']])).statusCode).toBe(200);
    await expect(call('other.example', 'inside.example', [['127.0.0.1']])).rejects.toMatchObject(BLOCKED);
  });

  test('follows no redirect', async () => {
    expect((await call('127.0.0.1', '127.0.0.1', [], '/moved')).statusCode).toBe(302);
    expect(calls).toBe(1);
  });

  test('fails as a DNS failure if the name has no address', async () => {
    await expect(call('nowhere.example', 'none', [[]])).rejects.toMatchObject({ class: 'dns' });
  });

  test('ends at the deadline if the name server never responds', async () => {
    const send = createNodeHttp({ exceptions: parseAddressExceptions('none'), lookup: () => {} });
    const url = 'http://silent.example/';
    await expect(send({ method: 'GET', url, timeoutMs: 50, maxBytes: 1 })).rejects.toMatchObject({ class: 'timeout' });
  });
});

test('a compressed response is decompressed only up to the limit on its decompressed size', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const response = await call('127.0.0.1', '127.0.0.1', [], '/bomb');
  expect(response.body).toHaveLength(1_000);
  expect(response.bodyFailure?.class).toBe('too_large');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(BOMB_BYTES / 8);
});
