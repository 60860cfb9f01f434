import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { apiOf, isOver } from './api.ts';
import {
  type Behaviour,
  diesHalfWay,
  gives,
  hangs,
  inTurn,
  slowly,
  startThirdParties,
  writeCatalogue,
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
  slow: slowly(gives('late'), 1_500),
};

const receivers: Record<string, Behaviour> = {
  fine: gives('ok'),
  flaky: inTurn(gives('no', 500), gives('no', 500), gives('ok')),
  gone: gives('no', 410),
  aborting: gives('no', 500, { 'webhook-delivery': 'abort-message' }),
  busy: inTurn(gives('later', 429, { 'retry-after': '1' }), gives('ok')),
  moving: sends('', { location: '/receiver/fine' }, 302),
  dying: inTurn((response) => void response.destroy(), gives('ok')),
  halving: inTurn(diesHalfWay, gives('ok')),
  hanging: inTurn(hangs, gives('ok')),
};

let cloud: Instance;
let parties: Awaited<ReturnType<typeof startThirdParties>>;

beforeAll(async () => {
  parties = await startThirdParties();
  for (const [name, behaviour] of Object.entries(providers)) parties.set(`/provider/${name}`, behaviour);
  for (const name of tens) parties.set(`/provider/${name}`, gives(medium));
  cloud = await startInstance({
    RETRY_SCHEDULE_SECONDS: '1,1,1',
    SWEEP_SECONDS: '1',
    FETCH_DEADLINE_SECONDS: '6',
    PROVIDER_CATALOGUE: writeCatalogue(parties.url, {
      ...Object.fromEntries([...Object.keys(providers), ...tens].map((id) => [id, {}])),
      huge: { maxBytes: 1_000 },
      silent: { timeoutMs: 500 },
    }),
  });
}, 30_000);

afterAll(async () => {
  await cloud.stop();
  await parties.close();
}, 30_000);

/** A receiver of its own for each job, so that its calls can be told apart. */
let receiverCount = 0;
const run = async (providerIds: string[], behaviour: Behaviour = receivers.fine as Behaviour) => {
  const path = `/receiver/${receiverCount++}`;
  parties.set(path, behaviour);
  const { submit, waitFor } = apiOf(cloud);
  const jobId = await submit(providerIds, `${parties.url}${path}?token=secret`);
  parties.set(`${path}?token=secret`, behaviour);
  const job = await waitFor(jobId, isOver, 60_000);
  const calls = parties.callsTo(`${path}?token=secret`);
  return { job, bodies: calls.map(({ body }) => body), times: calls.map(({ at }) => at) };
};

describe('whatever a provider does', () => {
  test.each<[string, string, string]>([
    ['digits', '{"id":12345678901234567890,"rate":1.10}', 'large numbers arrive digit by digit'],
    ['words', '"all paid"', 'text arrives as a string'],
    ['zipped', '{"zipped":true}', 'a compressed answer is read'],
    ['malformed', '"whole"', 'JSON that does not parse is asked for again'],
    ['broken', '"mended"', 'a connection that breaks is tried again'],
    ['moved', '"back"', 'a redirect is not followed, but tried again'],
    ['patient', '"thanks"', 'a provider that asks to wait is asked again'],
    ['slow', '"late"', 'a slow answer is waited for'],
    ['nested', '['.repeat(50_000) + ']'.repeat(50_000), 'deep nesting is passed on'],
    ['large', JSON.stringify(large), 'a large result arrives byte by byte'],
  ])(
    '%s: %s',
    async (id, expected) => {
      const { job, bodies } = await run([id]);
      expect(job.status).toBe('COMPLETE');
      expect(bodies).toHaveLength(1);
      expect(bodies[0]?.endsWith(`"data":${expected}}]}`)).toBe(true);
    },
    60_000,
  );

  test.each(['missing', 'huge', 'endless', 'bomb'])(
    '%s is refused, and the rest is delivered',
    async (id) => {
      const { job, bodies } = await run([id, 'good']);
      expect(job.status).toBe('PARTIAL');
      expect(JSON.parse(bodies[0] ?? '')).toMatchObject({
        data: [
          { providerId: id, error: { code: 'PROVIDER_REFUSED' } },
          { providerId: 'good', data: [{ amount: 1 }] },
        ],
      });
    },
    60_000,
  );

  test('one that never answers is given up at the deadline, and the rest is delivered', async () => {
    const { job, bodies } = await run(['silent', 'good']);
    expect(job.status).toBe('PARTIAL');
    expect(JSON.parse(bodies[0] ?? '').data[0]).toMatchObject({ error: { code: 'PROVIDER_UNAVAILABLE' } });
    expect(job.providers[0]).toMatchObject({ status: 'UNAVAILABLE', error: { class: 'timeout' } });
  }, 60_000);

  test('ten results of 15 KB travel together', async () => {
    const { job, bodies } = await run(tens);
    expect(job.status).toBe('COMPLETE');
    expect(JSON.parse(bodies[0] ?? '').data).toEqual(
      tens.map((providerId) => expect.objectContaining({ providerId, data: medium })),
    );
  }, 60_000);
});

describe('whatever a receiver does', () => {
  test.each(['flaky', 'busy', 'dying', 'halving'])(
    '%s gets its callback in the end',
    async (name) => {
      const { job, bodies } = await run(['good'], receivers[name]);
      expect(job.status).toBe('COMPLETE');
      expect(new Set(bodies).size).toBe(1);
    },
    60_000,
  );

  test('quick tries are told in the log of the attempt', async () => {
    const { job } = await run(['good'], receivers.flaky);
    expect(job.attempts).toMatchObject([{ fetches: [{ providerId: 'good', tries: 1 }], callback: { tries: 3 } }]);
  }, 60_000);

  test('one that asks to wait gets no quick try', async () => {
    const { times } = await run(['good'], receivers.busy);
    expect(times).toHaveLength(2);
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(1_000);
  }, 60_000);

  test.each(['gone', 'aborting'])(
    '%s ends the job at once',
    async (name) => {
      const { job, bodies } = await run(['good'], receivers[name]);
      expect(job).toMatchObject({ status: 'FAILED', failure: { code: 'CALLBACK_GONE' } });
      expect(bodies).toHaveLength(1);
    },
    60_000,
  );

  test('a redirect is never followed, and the job fails when the schedule is used up', async () => {
    const { job, bodies } = await run(['good'], receivers.moving);
    expect(job).toMatchObject({ status: 'FAILED', failure: { code: 'CALLBACK_EXHAUSTED' } });
    expect(bodies).toHaveLength(4);
    expect(parties.count('/receiver/fine')).toBe(0);
  }, 60_000);

  test('one that hangs holds up no other job, and its own is not lost', async () => {
    const { submit, waitFor, getJob } = apiOf(cloud);
    parties.set('/receiver/hanging', receivers.hanging as Behaviour);
    const hanging = await submit(['good'], `${parties.url}/receiver/hanging`);
    await parties.until(() => parties.count('/receiver/hanging') === 1);
    const others = await Promise.all(Array.from({ length: 20 }, () => run(['good'])));
    expect(others.map(({ job }) => job.status)).toEqual(Array(20).fill('COMPLETE'));
    expect((await getJob(hanging)).status).toBe('PENDING');
    expect((await waitFor(hanging, isOver, 60_000)).status).toBe('COMPLETE');
  }, 90_000);

  test('the query of its address is masked, and never logged', async () => {
    const { job } = await run(['good']);
    expect(job.callbackUrl).toMatch(/\?\*\*\*$/);
    expect(cloud.output()).not.toContain('token=secret');
  }, 60_000);
});
