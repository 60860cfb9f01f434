import { expect, test } from '@jest/globals';
import { createPatientFetch, FAILED_BEFORE } from '../engines/patient-fetch.ts';

const ours = (status: number): Response => new Response('{}', { status, headers: { 'content-security-policy': 'x' } });
const emulators = (status: number): Response => new Response('{"message":"Internal Server Error"}', { status });

const fetchOf = (answers: Response[]) => {
  const waits: number[] = [];
  const wait = async (ms: number) => waits.push(ms);
  const fetch = createPatientFetch(async () => answers.shift() as Response, wait);
  return { fetch, waits, left: answers };
};

test('retries an emulator error, and reports the number of failures', async () => {
  const { fetch, waits } = fetchOf([emulators(502), emulators(503), ours(202)]);
  const answer = await fetch('http://127.0.0.1/');
  expect([answer.status, answer.headers.get(FAILED_BEFORE), await answer.text()]).toEqual([202, '2', '{}']);
  expect(waits).toEqual([500, 1000]);
});

test('returns any response of our functions at once', async () => {
  for (const status of [200, 404, 429, 500, 502, 503]) {
    const { fetch, left } = fetchOf([ours(status), ours(200)]);
    const answer = await fetch('http://127.0.0.1/');
    expect([answer.status, answer.headers.has(FAILED_BEFORE), left.length]).toEqual([status, false, 1]);
  }
});

test('returns the error of an emulator that keeps failing', async () => {
  const { fetch, left } = fetchOf(Array.from({ length: 9 }, () => emulators(502)));
  expect((await fetch('http://127.0.0.1/')).status).toBe(502);
  expect(left).toHaveLength(4);
});

test('does not retry a route unknown to the emulator', async () => {
  const { fetch, left } = fetchOf([emulators(404), ours(200)]);
  expect((await fetch('http://127.0.0.1/')).status).toBe(404);
  expect(left).toHaveLength(1);
});
