import { expect, test } from '@jest/globals';
import { createRetryingFetch, FAILED_BEFORE } from '../engines/retrying-fetch.ts';

const fromFunction = (status: number): Response =>
  new Response('{}', { status, headers: { 'content-security-policy': 'x' } });
const fromEmulator = (status: number): Response => new Response('{"message":"Internal Server Error"}', { status });

/** A retrying fetch from a server that sends these responses in order. */
const createFetch = (responses: Response[]) => {
  const waits: number[] = [];
  const wait = async (ms: number) => waits.push(ms);
  const fetch = createRetryingFetch(async () => responses.shift() as Response, wait);
  return { fetch, waits, unused: responses };
};

test('retries an emulator error, and reports the number of failures', async () => {
  const { fetch, waits } = createFetch([fromEmulator(502), fromEmulator(503), fromFunction(202)]);
  const response = await fetch('http://127.0.0.1/');
  expect([response.status, response.headers.get(FAILED_BEFORE), await response.text()]).toEqual([202, '2', '{}']);
  expect(waits).toEqual([500, 1000]);
});

test('returns any response of our functions at once', async () => {
  for (const status of [200, 404, 429, 500, 502, 503]) {
    const { fetch, unused } = createFetch([fromFunction(status), fromFunction(200)]);
    const response = await fetch('http://127.0.0.1/');
    expect([response.status, response.headers.has(FAILED_BEFORE), unused.length]).toEqual([status, false, 1]);
  }
});

test('returns the error of an emulator that keeps failing', async () => {
  const { fetch, unused } = createFetch(Array.from({ length: 9 }, () => fromEmulator(502)));
  expect((await fetch('http://127.0.0.1/')).status).toBe(502);
  expect(unused).toHaveLength(4);
});

test('does not retry a route unknown to the emulator', async () => {
  const { fetch, unused } = createFetch([fromEmulator(404), fromFunction(200)]);
  expect((await fetch('http://127.0.0.1/')).status).toBe(404);
  expect(unused).toHaveLength(1);
});
