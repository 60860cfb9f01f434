import { randomBytes } from 'node:crypto';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Job } from '../../packages/client/api-types.ts';
import { apiOf, isOver } from './api.ts';
import type { Deployed } from './requests.ts';
import {
  type Behaviour,
  diesHalfWay,
  gives,
  hangs,
  inTurn,
  type ProviderLimits,
  slowly,
  type ThirdParties,
} from './third-parties.ts';

/** Text a byte of which costs a byte, however it is compressed. */
const noise = (bytes: number): string => randomBytes(bytes).toString('base64').slice(0, bytes);

const tens = Array.from({ length: 10 }, (_, index) => `ten-${index}`);
const large = { text: noise(900_000) };
const medium = { text: noise(15_000) };

const sends =
  (body: string | Buffer, headers: Record<string, string>, status = 200): Behaviour =>
  (response) =>
    void response.writeHead(status, headers).end(body);

const json = { 'content-type': 'application/json' };

/** Writes bytes as they are, and closes. */
const sendsBytes =
  (bytes: string): Behaviour =>
  (response) =>
    void response.socket?.end(bytes);

/** Sends headers and half a body, and nothing more. */
const stalls: Behaviour = (response) => {
  response.writeHead(200, { ...json, 'content-length': '1000' }).write('{"half":');
};

/** Gives to those who say who they are. */
const asksWho: Behaviour = (response, call) => {
  const isKnown = /^Boomerang\/\d/.test(call.request.headers['user-agent'] ?? '');
  (isKnown ? gives('hello') : gives('who?', 403))(response, call);
};

/** Resets connections on which something was answered before. */
const resetsKept =
  (behaviour: Behaviour): Behaviour =>
  (response, call) => {
    const { socket } = call.request;
    if (socket.bytesWritten > 0) socket.resetAndDestroy();
    else behaviour(response, call);
  };

const providers: Record<string, Behaviour> = {
  good: gives([{ amount: 1 }]),
  missing: gives({ no: true }, 404),
  malformed: inTurn(sends('{"half":', json), gives('whole')),
  huge: gives(noise(2_000)),
  endless: (response) => {
    response.writeHead(200, json);
    const write = () => {
      while (!response.destroyed && response.write(noise(60_000)));
    };
    response.on('drain', write);
    write();
  },
  bomb: sends(gzipSync(Buffer.alloc(50_000_000)), { ...json, 'content-encoding': 'gzip' }),
  large: gives(large),
  digits: sends('{"id":12345678901234567890,"rate":1.10}', json),
  nested: sends('['.repeat(50_000) + ']'.repeat(50_000), json),
  words: sends('all paid', { 'content-type': 'text/plain' }),
  zipped: sends(gzipSync('{"zipped":true}'), { ...json, 'content-encoding': 'gzip' }),
  broken: inTurn(diesHalfWay, gives('mended')),
  moved: inTurn(sends('', { location: 'http://127.0.0.1/elsewhere' }, 302), gives('back')),
  patient: inTurn(gives('wait', 429, { 'retry-after': '1' }), gives('thanks')),
  silent: hangs,
  stalling: inTurn(stalls, gives('whole')),
  hinted: inTurn(gives('not yet', 403, { 'retry-after': '0.5' }), gives('let in')),
  reserved: inTurn(gives('not yet', 404, { 'ratelimit-reset': '1' }), gives('found')),
  processing: inTurn(gives({ status: 'processing' }, 202, { 'retry-after': '1' }), gives('done')),
  picky: asksWho,
  paper: sends(Buffer.from('%PDF-1.7 \xff', 'latin1'), { 'content-type': 'application/pdf' }),
  legacy: sends(Buffer.from('{"é":1}', 'latin1'), { 'content-type': 'application/json; charset=iso-8859-1' }),
  utf16: sends(Buffer.from('\uFEFFé', 'utf16le'), { 'content-type': 'text/plain' }),
  deflated: sends(gzipSync(deflateRawSync('[1]')), { ...json, 'content-encoding': 'deflate, gzip' }),
  mislabelled: inTurn(sends('plain', { ...json, 'content-encoding': 'gzip' }), gives('packed')),
  garbled: inTurn(sendsBytes('HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n'), gives('sober')),
  nothing: sends('', { 'content-type': 'application/pdf' }),
  restless: resetsKept(gives('here')),
  slow: slowly(gives('late'), 1_500),
  ...Object.fromEntries(tens.map((name) => [name, gives(medium)])),
};

const receivers: Record<string, Behaviour> = {
  flaky: inTurn(gives('no', 500), gives('no', 500), gives('ok')),
  gone: gives('no', 410),
  aborting: gives('no', 500, { 'webhook-delivery': 'abort-message' }),
  busy: inTurn(gives('later', 429, { 'retry-after': '1' }), gives('ok')),
  moving: sends('', { location: '/receiver/fine' }, 302),
  dying: inTurn((response) => void response.destroy(), gives('ok')),
  halving: inTurn(diesHalfWay, gives('ok')),
  talkative: gives('ok', 200, { 'x-filling': 'x'.repeat(20_000) }),
  garbling: inTurn(sendsBytes('HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n'), gives('ok')),
  echoing: (response, call) => gives(`Cannot POST ${call.request.url}`, 404)(response, call),
};

/** The providers that misbehave, as a catalogue has them. */
export const MISBEHAVING: Record<string, ProviderLimits> = {
  ...Object.fromEntries(Object.keys(providers).map((id) => [id, {}])),
  huge: { maxBytes: 1_000 },
  silent: { timeoutMs: 500 },
  stalling: { timeoutMs: 500 },
};

/** What each third party does to its jobs needs few attempts, and little patience. */
export const IMPATIENT = { RETRY_SCHEDULE_SECONDS: '1,1,1', FETCH_DEADLINE_SECONDS: '6' };

export const makeMisbehave = (parties: ThirdParties): void => {
  for (const [name, behaviour] of Object.entries(providers)) parties.set(`/provider/${name}`, behaviour);
};

/** A job, over, and what its receiver was sent. */
type Outcome = { job: Job; bodies: string[]; times: number[] };

/**
 * What becomes of jobs whose third parties misbehave, however the system is deployed: with `MISBEHAVING` in its catalogue, and as
 * `IMPATIENT` says. All jobs are posted at the start.
 * @param withinMs how long a few sweeps take
 */
export const describeMisbehaviour = (
  deployed: () => { cloud: Deployed; parties: ThirdParties },
  withinMs: number,
): void => {
  const jobIds = new Map<string, string>();

  /** Each job has a receiver of its own, so that calls can be told apart. */
  const receiverOf = (name: string): string => `/receiver/${name}?token=secret`;

  const outcomeOf = async (name: string): Promise<Outcome> => {
    const { cloud, parties } = deployed();
    const job = await apiOf(cloud).waitFor(jobIds.get(name) ?? '', isOver, withinMs);
    const calls = parties.callsTo(receiverOf(name));
    return { job, bodies: calls.map(({ body }) => body), times: calls.map(({ at }) => at) };
  };

  const given: [id: string, what: string, expected: string][] = [
    ['digits', 'large numbers arrive digit by digit', '{"id":12345678901234567890,"rate":1.10}'],
    ['words', 'text arrives as a string', '"all paid"'],
    ['zipped', 'a compressed answer is read', '{"zipped":true}'],
    ['malformed', 'JSON that does not parse is asked for again', '"whole"'],
    ['broken', 'a connection that breaks is tried again', '"mended"'],
    ['moved', 'a redirect is not followed, but tried again', '"back"'],
    ['patient', 'a provider that asks to wait is asked again', '"thanks"'],
    ['slow', 'a slow answer is waited for', '"late"'],
    ['stalling', 'a body that stalls is asked for again', '"whole"'],
    ['hinted', 'whoever says when is asked then, whatever the status', '"let in"'],
    ['reserved', 'a rate limit says when, too', '"found"'],
    ['processing', 'what is not ready is asked for again', '"done"'],
    ['picky', 'we say who we are', '"hello"'],
    ['paper', 'a PDF arrives in base64', '{"contentType":"application/pdf","base64":"JVBERi0xLjcg/w=="}'],
    ['legacy', 'JSON is read in its charset', '{"é":1}'],
    ['utf16', 'text is read by its byte order mark', '"é"'],
    ['deflated', 'codings are undone in order', '[1]'],
    ['mislabelled', 'what can not be undone is asked for again', '"packed"'],
    ['garbled', 'what is no HTTP is asked for again', '"sober"'],
    ['nothing', 'nothing is null', 'null'],
    ['restless', 'connections that are gone cost no try', '"here"'],
    ['nested', 'deep nesting is passed on', '['.repeat(50_000) + ']'.repeat(50_000)],
    ['large', 'a large result arrives byte by byte', JSON.stringify(large)],
  ];
  const refused = ['missing', 'huge', 'endless', 'bomb'];

  beforeAll(async () => {
    const { cloud, parties } = deployed();
    const start = async (name: string, providerIds: string[], behaviour: Behaviour = gives('ok')): Promise<void> => {
      parties.set(receiverOf(name), behaviour);
      jobIds.set(name, await apiOf(cloud).submit(providerIds, `${parties.url}${receiverOf(name)}`));
    };
    for (const [id] of given) await start(id, [id]);
    for (const id of [...refused, 'silent']) await start(id, [id, 'good']);
    await start('tens', tens);
    for (const [name, behaviour] of Object.entries(receivers)) await start(name, ['good'], behaviour);
  }, 60_000);

  describe('whatever a provider does', () => {
    test.each(given)(
      '%s: %s',
      async (id, _what, expected) => {
        const { job, bodies } = await outcomeOf(id);
        expect(job.status).toBe('COMPLETE');
        expect(bodies).toHaveLength(1);
        expect(bodies[0]?.endsWith(`"data":${expected}}]}`)).toBe(true);
      },
      withinMs,
    );

    test(
      'a kept connection that is gone costs no try',
      async () => {
        const { job } = await outcomeOf('restless');
        expect(job.attempts).toMatchObject([{ fetches: [{ status: 'OK', tries: 1 }] }]);
      },
      withinMs,
    );

    test.each(refused)(
      '%s is refused, and the rest is delivered',
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
      'one that never answers is given up at the deadline, and the rest is delivered',
      async () => {
        const { job, bodies } = await outcomeOf('silent');
        expect(job.status).toBe('PARTIAL');
        expect(JSON.parse(bodies[0] ?? '').data[0]).toMatchObject({ error: { code: 'PROVIDER_UNAVAILABLE' } });
        expect(job.providers[0]).toMatchObject({ status: 'UNAVAILABLE', error: { class: 'timeout' } });
      },
      withinMs,
    );

    test(
      'ten results of 15 KB travel together',
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

  describe('whatever a receiver does', () => {
    test.each(['flaky', 'busy', 'dying', 'halving'])(
      '%s gets its callback in the end',
      async (name) => {
        const { job, bodies } = await outcomeOf(name);
        expect(job.status).toBe('COMPLETE');
        expect(new Set(bodies).size).toBe(1);
      },
      withinMs,
    );

    test(
      'quick tries are told in the log of the attempt',
      async () => {
        const { job } = await outcomeOf('flaky');
        expect(job.attempts).toMatchObject([{ fetches: [{ providerId: 'good', tries: 1 }], callback: { tries: 3 } }]);
      },
      withinMs,
    );

    test(
      'one that asks to wait gets no quick try',
      async () => {
        const { times } = await outcomeOf('busy');
        expect(times).toHaveLength(2);
        expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(1_000);
      },
      withinMs,
    );

    test(
      'headers of 20 KB are no reason to call again',
      async () => {
        const { job, bodies } = await outcomeOf('talkative');
        expect([job.status, bodies.length]).toEqual(['COMPLETE', 1]);
      },
      withinMs,
    );

    test(
      'an answer that is no HTTP is told as such, and gets no quick try',
      async () => {
        const { job, bodies } = await outcomeOf('garbling');
        expect([job.status, bodies.length]).toEqual(['COMPLETE', 2]);
        expect(job.attempts).toMatchObject([{ callback: { class: 'bad_answer', tries: 1 } }, {}]);
      },
      withinMs,
    );

    test(
      'a token of its address that it repeats is masked',
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
      '%s ends the job at once',
      async (name) => {
        const { job, bodies } = await outcomeOf(name);
        expect(job).toMatchObject({ status: 'FAILED', failure: { code: 'CALLBACK_GONE' } });
        expect(bodies).toHaveLength(1);
      },
      withinMs,
    );

    test(
      'a redirect is never followed, and the job fails when the schedule is used up',
      async () => {
        const { job, bodies } = await outcomeOf('moving');
        expect(job).toMatchObject({ status: 'FAILED', failure: { code: 'CALLBACK_EXHAUSTED' } });
        expect(bodies).toHaveLength(4);
        expect(deployed().parties.count('/receiver/fine')).toBe(0);
      },
      withinMs,
    );

    test(
      'the query of its address is masked',
      async () => {
        const { job } = await outcomeOf('digits');
        expect(job.callbackUrl).toMatch(/\?\*\*\*$/);
      },
      withinMs,
    );
  });
};
