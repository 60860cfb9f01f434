import { randomBytes } from 'node:crypto';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Job } from '../../packages/client/api-types.ts';
import { apiOf, isOver } from './api.ts';
import type { Deployed } from './requests.ts';
import {
  type Behaviour,
  breaksMidBody,
  delayed,
  hangs,
  inSequence,
  type ProviderLimits,
  respondsWith,
  type ThirdParties,
} from './third-parties.ts';

/** Incompressible text. */
const noise = (bytes: number): string => randomBytes(bytes).toString('base64').slice(0, bytes);

const tens = Array.from({ length: 10 }, (_, index) => `ten-${index}`);
const large = { text: noise(900_000) };
const medium = { text: noise(15_000) };

/** Responds with a body that need not be JSON. */
const respondsWithBody =
  (body: string | Buffer, headers: Record<string, string>, status = 200): Behaviour =>
  (response) =>
    void response.writeHead(status, headers).end(body);

const json = { 'content-type': 'application/json' };

/** Writes raw bytes, and closes the connection. */
const writesRaw =
  (bytes: string): Behaviour =>
  (response) =>
    void response.socket?.end(bytes);

/** Sends headers and half a body, then keeps the connection open. */
const stalls: Behaviour = (response) => {
  response.writeHead(200, { ...json, 'content-length': '1000' }).write('{"half":');
};

/** Accepts only requests with our User-Agent. */
const requiresUserAgent: Behaviour = (response, call) => {
  const isKnown = /^Boomerang\/\d/.test(call.request.headers['user-agent'] ?? '');
  (isKnown ? respondsWith('hello') : respondsWith('who?', 403))(response, call);
};

/** Resets kept-alive connections on their second request. */
const resetsReused =
  (behaviour: Behaviour): Behaviour =>
  (response, call) => {
    const { socket } = call.request;
    if (socket.bytesWritten > 0) socket.resetAndDestroy();
    else behaviour(response, call);
  };

const providers: Record<string, Behaviour> = {
  good: respondsWith([{ amount: 1 }]),
  missing: respondsWith({ no: true }, 404),
  malformed: inSequence(respondsWithBody('{"half":', json), respondsWith('whole')),
  huge: respondsWith(noise(2_000)),
  endless: (response) => {
    response.writeHead(200, json);
    const write = () => {
      while (!response.destroyed && response.write(noise(60_000)));
    };
    response.on('drain', write);
    write();
  },
  bomb: respondsWithBody(gzipSync(Buffer.alloc(50_000_000)), { ...json, 'content-encoding': 'gzip' }),
  large: respondsWith(large),
  digits: respondsWithBody('{"id":12345678901234567890,"rate":1.10}', json),
  nested: respondsWithBody('['.repeat(50_000) + ']'.repeat(50_000), json),
  words: respondsWithBody('all paid', { 'content-type': 'text/plain' }),
  zipped: respondsWithBody(gzipSync('{"zipped":true}'), { ...json, 'content-encoding': 'gzip' }),
  broken: inSequence(breaksMidBody, respondsWith('mended')),
  moved: inSequence(respondsWithBody('', { location: 'http://127.0.0.1/elsewhere' }, 302), respondsWith('back')),
  patient: inSequence(respondsWith('wait', 429, { 'retry-after': '1' }), respondsWith('thanks')),
  silent: hangs,
  stalling: inSequence(stalls, respondsWith('whole')),
  hinted: inSequence(respondsWith('not yet', 403, { 'retry-after': '0.5' }), respondsWith('let in')),
  reserved: inSequence(respondsWith('not yet', 404, { 'ratelimit-reset': '1' }), respondsWith('found')),
  processing: inSequence(respondsWith({ status: 'processing' }, 202, { 'retry-after': '1' }), respondsWith('done')),
  picky: requiresUserAgent,
  paper: respondsWithBody(Buffer.from('%PDF-1.7 \xff', 'latin1'), { 'content-type': 'application/pdf' }),
  legacy: respondsWithBody(Buffer.from('{"é":1}', 'latin1'), {
    'content-type': 'application/json; charset=iso-8859-1',
  }),
  utf16: respondsWithBody(Buffer.from('\uFEFFé', 'utf16le'), { 'content-type': 'text/plain' }),
  deflated: respondsWithBody(gzipSync(deflateRawSync('[1]')), { ...json, 'content-encoding': 'deflate, gzip' }),
  mislabelled: inSequence(respondsWithBody('plain', { ...json, 'content-encoding': 'gzip' }), respondsWith('packed')),
  garbled: inSequence(writesRaw('HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n'), respondsWith('valid')),
  nothing: respondsWithBody('', { 'content-type': 'application/pdf' }),
  restless: resetsReused(respondsWith('here')),
  slow: delayed(respondsWith('late'), 1_500),
  ...Object.fromEntries(tens.map((name) => [name, respondsWith(medium)])),
};

const receivers: Record<string, Behaviour> = {
  flaky: inSequence(respondsWith('no', 500), respondsWith('no', 500), respondsWith('ok')),
  gone: respondsWith('no', 410),
  aborting: respondsWith('no', 500, { 'webhook-delivery': 'abort-message' }),
  busy: inSequence(respondsWith('later', 429, { 'retry-after': '1' }), respondsWith('ok')),
  moving: respondsWithBody('', { location: '/receiver/fine' }, 302),
  dying: inSequence((response) => void response.destroy(), respondsWith('ok')),
  truncating: inSequence(breaksMidBody, respondsWith('ok')),
  talkative: respondsWith('ok', 200, { 'x-filling': 'x'.repeat(20_000) }),
  garbling: inSequence(writesRaw('HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n'), respondsWith('ok')),
  echoing: (response, call) => respondsWith(`Cannot POST ${call.request.url}`, 404)(response, call),
};

/** The catalogue settings of the misbehaving providers. */
export const MISBEHAVING: Record<string, ProviderLimits> = {
  ...Object.fromEntries(Object.keys(providers).map((id) => [id, {}])),
  huge: { maxBytes: 1_000 },
  silent: { timeoutMs: 500 },
  stalling: { timeoutMs: 500 },
};

/** Settings under which every job below ends after a few attempts. */
export const IMPATIENT = { RETRY_SCHEDULE_SECONDS: '1,1,1', FETCH_DEADLINE_SECONDS: '6' };

export const makeMisbehave = (parties: ThirdParties): void => {
  for (const [name, behaviour] of Object.entries(providers)) parties.set(`/provider/${name}`, behaviour);
};

/** A job that has ended, and the requests to its receiver. */
type Outcome = { job: Job; bodies: string[]; times: number[] };

/**
 * Tests of jobs whose third parties misbehave, for any deployment with the providers `MISBEHAVING` and the settings `IMPATIENT`.
 * All jobs are posted at the start.
 * @param withinMs the duration of a few sweeps
 */
export const describeMisbehaviour = (
  deployed: () => { cloud: Deployed; parties: ThirdParties },
  withinMs: number,
): void => {
  const jobIds = new Map<string, string>();

  /** Each job has its own receiver, so that calls can be attributed to jobs. */
  const receiverOf = (name: string): string => `/receiver/${name}?token=secret`;

  const outcomeOf = async (name: string): Promise<Outcome> => {
    const { cloud, parties } = deployed();
    const job = await apiOf(cloud).waitFor(jobIds.get(name) ?? '', isOver, withinMs);
    const calls = parties.callsTo(receiverOf(name));
    return { job, bodies: calls.map(({ body }) => body), times: calls.map(({ at }) => at) };
  };

  const fetched: [id: string, behaviour: string, expected: string][] = [
    ['digits', 'delivers large numbers without loss of precision', '{"id":12345678901234567890,"rate":1.10}'],
    ['words', 'delivers plain text as a JSON string', '"all paid"'],
    ['zipped', 'decompresses a gzip response', '{"zipped":true}'],
    ['malformed', 'retries after malformed JSON', '"whole"'],
    ['broken', 'retries after a broken connection', '"mended"'],
    ['moved', 'retries after a redirect instead of following it', '"back"'],
    ['patient', 'retries after a 429 with Retry-After', '"thanks"'],
    ['slow', 'waits for a slow response', '"late"'],
    ['stalling', 'times out and retries when a body stalls', '"whole"'],
    ['hinted', 'retries any error status that has a Retry-After', '"let in"'],
    ['reserved', 'retries an error status that has a RateLimit-Reset', '"found"'],
    ['processing', 'retries after a 202 response', '"done"'],
    ['picky', 'sends a User-Agent', '"hello"'],
    ['paper', 'delivers a PDF as base64', '{"contentType":"application/pdf","base64":"JVBERi0xLjcg/w=="}'],
    ['legacy', 'decodes JSON in its charset', '{"é":1}'],
    ['utf16', 'decodes text by its byte order mark', '"é"'],
    ['deflated', 'undoes several content codings in order', '[1]'],
    ['mislabelled', 'retries if the body does not match its content coding', '"packed"'],
    ['garbled', 'retries after an invalid HTTP response', '"valid"'],
    ['nothing', 'delivers an empty body as null', 'null'],
    ['restless', 'recovers when a kept-alive connection is reset', '"here"'],
    ['nested', 'delivers deeply nested JSON', '['.repeat(50_000) + ']'.repeat(50_000)],
    ['large', 'delivers a large result unchanged', JSON.stringify(large)],
  ];
  const refused = ['missing', 'huge', 'endless', 'bomb'];

  beforeAll(async () => {
    const { cloud, parties } = deployed();
    const start = async (
      name: string,
      providerIds: string[],
      behaviour: Behaviour = respondsWith('ok'),
    ): Promise<void> => {
      parties.set(receiverOf(name), behaviour);
      jobIds.set(name, await apiOf(cloud).submit(providerIds, `${parties.url}${receiverOf(name)}`));
    };
    for (const [id] of fetched) await start(id, [id]);
    for (const id of [...refused, 'silent']) await start(id, [id, 'good']);
    await start('tens', tens);
    for (const [name, behaviour] of Object.entries(receivers)) await start(name, ['good'], behaviour);
  }, 60_000);

  describe('a job with the provider', () => {
    test.each(fetched)(
      '%s: %s',
      async (id, _behaviour, expected) => {
        const { job, bodies } = await outcomeOf(id);
        expect(job.status).toBe('COMPLETE');
        expect(bodies).toHaveLength(1);
        expect(bodies[0]?.endsWith(`"data":${expected}}]}`)).toBe(true);
      },
      withinMs,
    );

    test(
      'restless: counts a call on a reset kept-alive connection as one try',
      async () => {
        const { job } = await outcomeOf('restless');
        expect(job.attempts).toMatchObject([{ fetches: [{ status: 'OK', tries: 1 }] }]);
      },
      withinMs,
    );

    test.each(refused)(
      '%s: delivers a refusal with the data of the other provider',
      async (id) => {
        const { job, bodies } = await outcomeOf(id);
        expect(job.status).toBe('PARTIAL');
        expect(JSON.parse(bodies[0] ?? '')).toMatchObject({
          data: [
            { providerId: id, error: { code: 'PROVIDER_REFUSED' } },
            { providerId: 'good', data: [{ amount: 1 }] },
          ],
        });
      },
      withinMs,
    );

    test(
      'silent: delivers an error at the fetch deadline with the data of the other provider',
      async () => {
        const { job, bodies } = await outcomeOf('silent');
        expect(job.status).toBe('PARTIAL');
        expect(JSON.parse(bodies[0] ?? '').data[0]).toMatchObject({ error: { code: 'PROVIDER_UNAVAILABLE' } });
        expect(job.providers[0]).toMatchObject({ status: 'UNAVAILABLE', error: { class: 'timeout' } });
      },
      withinMs,
    );

    test(
      'ten-0 to ten-9: delivers ten results of 15 KB in one callback',
      async () => {
        const { job, bodies } = await outcomeOf('tens');
        expect(job.status).toBe('COMPLETE');
        expect(JSON.parse(bodies[0] ?? '').data).toEqual(
          tens.map((providerId) => expect.objectContaining({ providerId, data: medium })),
        );
      },
      withinMs,
    );
  });

  describe('a job with the receiver', () => {
    test.each([
      ['flaky', '500'],
      ['busy', '429'],
      ['dying', 'a closed connection'],
      ['truncating', 'a connection that broke during the response'],
    ])(
      '%s: retries the same callback after %s until it is accepted',
      async (name) => {
        const { job, bodies } = await outcomeOf(name);
        expect(job.status).toBe('COMPLETE');
        expect(new Set(bodies).size).toBe(1);
      },
      withinMs,
    );

    test(
      'flaky: logs the immediate retries as tries of one attempt',
      async () => {
        const { job } = await outcomeOf('flaky');
        expect(job.attempts).toMatchObject([{ fetches: [{ providerId: 'good', tries: 1 }], callback: { tries: 3 } }]);
      },
      withinMs,
    );

    test(
      'busy: does not retry before the Retry-After',
      async () => {
        const { times } = await outcomeOf('busy');
        expect(times).toHaveLength(2);
        expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(1_000);
      },
      withinMs,
    );

    test(
      'talkative: accepts response headers of 20 KB',
      async () => {
        const { job, bodies } = await outcomeOf('talkative');
        expect([job.status, bodies.length]).toEqual(['COMPLETE', 1]);
      },
      withinMs,
    );

    test(
      'garbling: logs an invalid HTTP response as bad_answer, without an immediate retry',
      async () => {
        const { job, bodies } = await outcomeOf('garbling');
        expect([job.status, bodies.length]).toEqual(['COMPLETE', 2]);
        expect(job.attempts).toMatchObject([{ callback: { class: 'bad_answer', tries: 1 } }, {}]);
      },
      withinMs,
    );

    test(
      'echoing: masks a token of the callback URL in the logged response',
      async () => {
        const { job } = await outcomeOf('echoing');
        expect(job.status).toBe('FAILED');
        const callback = { excerpt: expect.stringMatching(/Cannot POST .*\?token=\*{3}/) };
        expect(job.attempts).toMatchObject(Array(4).fill({ callback }));
        expect(JSON.stringify(job)).not.toContain('secret');
      },
      withinMs,
    );

    test.each(['gone', 'aborting'])(
      '%s: fails at once',
      async (name) => {
        const { job, bodies } = await outcomeOf(name);
        expect(job).toMatchObject({ status: 'FAILED', failure: { code: 'CALLBACK_GONE' } });
        expect(bodies).toHaveLength(1);
      },
      withinMs,
    );

    test(
      'moving: does not follow redirects, and fails at the end of its retry schedule',
      async () => {
        const { job, bodies } = await outcomeOf('moving');
        expect(job).toMatchObject({ status: 'FAILED', failure: { code: 'CALLBACK_EXHAUSTED' } });
        expect(bodies).toHaveLength(4);
        expect(deployed().parties.count('/receiver/fine')).toBe(0);
      },
      withinMs,
    );

    test(
      'digits: masks the query of the callback URL',
      async () => {
        const { job } = await outcomeOf('digits');
        expect(job.callbackUrl).toMatch(/\?\*\*\*$/);
      },
      withinMs,
    );
  });
};
