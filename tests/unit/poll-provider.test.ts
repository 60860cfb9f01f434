import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import type { Job } from '@boomerang/core/domain/job.ts';
import type { Ticket } from '@boomerang/core/domain/outcomes.ts';
import { MAX_STATUS_URL_CHARACTERS } from '@boomerang/core/domain/status-url.ts';
import { afterEach, describe, expect, test } from '@jest/globals';
import { aJob, NOW } from '../builders.ts';
import {
  createBreakerSpy,
  type FetchSetting,
  fetchFrom,
  type Respond,
  startServer,
  type TestResponse,
} from '../fetching.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});
const serve = async (respond: Respond) => {
  const server = await startServer(respond);
  stops.push(server.stop);
  return server;
};

type PollingInput = NonNullable<ProviderInput['polling']>;
type Setting = {
  polling?: Partial<PollingInput>;
  provider?: Partial<ProviderInput>;
  /** The stored ticket, whose `url` is a path on the server. */
  ticket?: Partial<Ticket>;
  job?: Partial<Job>;
  round?: number;
  /** User info of the provider's URL, with the "@". */
  userInfo?: string;
  deps?: FetchSetting['deps'];
  request?: FetchSetting['request'];
};

/** One fetch from a provider with polling, for a stored job. */
const poll = async (respond: Respond, setting: Setting = {}) => {
  const { polling, provider, ticket, job = {}, round, userInfo = '', deps = {}, request } = setting;
  const server = await serve(respond);
  const breaker = createBreakerSpy();
  const stored = aJob({
    jobId: 'job',
    results: ticket
      ? [
          {
            providerId: 'gas',
            status: 'UNAVAILABLE',
            error: { class: 'still_working' },
            ticket: { since: NOW, polls: 2, ...ticket, url: new URL(ticket.url ?? '/work/7', server.url).href },
            ...(round !== undefined && { round }),
          },
        ]
      : [],
    ...job,
  });
  const result = await fetchFrom({
    provider: {
      url: `${server.url.replace('//', `//${userInfo}`)}/reports`,
      method: 'POST',
      body: {},
      idempotencyHeader: 'idempotency-key',
      polling: { statusUrl: 'location', ...polling } as PollingInput,
      ...provider,
    },
    deps: { jobs: { getWithData: async () => ({ job: stored, inline: [] }) }, breaker, ...deps },
    ...(request && { request }),
  });
  return {
    ...result,
    server,
    verdicts: breaker.verdicts,
    requestLines: server.requests.map(({ method, url }) => `${method} ${url}`),
  };
};

const json = (body: unknown, change: TestResponse = {}): TestResponse => ({ body, ...change });
const accepted = (location = '/work/7', change: TestResponse = {}): TestResponse => ({
  status: 202,
  body: {},
  ...change,
  headers: { location, ...change.headers },
});
const byStatus: Partial<PollingInput> = {
  statusAt: '/status',
  pending: ['QUEUED', 'RUNNING'],
  succeeded: ['DONE'],
  failed: ['REJECTED'],
};

describe('without a ticket', () => {
  test('the request that starts the work has the round in its idempotency key', async () => {
    const { working, server } = await poll(() => accepted(), { job: { round: 3 }, provider: { body: { a: 1 } } });
    expect(server.requests).toMatchObject([
      { method: 'POST', url: '/reports', body: '{"a":1}', headers: { 'idempotency-key': 'job:gas:3' } },
    ]);
    expect(working).toStrictEqual({
      providerId: 'gas',
      status: 'UNAVAILABLE',
      ticket: { url: `${server.url}/work/7`, since: NOW, polls: 0 },
      retryAfterMs: 60_000,
    });
  });

  test('after a lost ticket, the provider is called in the next round', async () => {
    const results = [{ providerId: 'gas', status: 'UNAVAILABLE', error: { class: 'ticket_lost' }, round: 5 }] as const;
    const { server } = await poll(() => accepted(), { job: { round: 3, results: [...results] } });
    expect(server.requests[0]?.headers['idempotency-key']).toBe('job:gas:5');
  });

  test('a GET may start the work', async () => {
    const { working, requestLines } = await poll(() => accepted(), {
      provider: { method: 'GET', body: undefined } as never,
    });
    expect(requestLines).toEqual(['GET /reports']);
    expect(working?.ticket.polls).toBe(0);
  });

  test('the response of finished work is the data', async () => {
    const done = await poll(() => json({ status: 'DONE', report: 1.0 }), {
      polling: byStatus,
      provider: { dataAt: '/report' },
    });
    expect(done.json).toBe('1');
    expect((await poll(() => json([1]))).json).toBe('[1]');
    expect((await poll(() => ({ status: 204 }))).json).toBe('null');
    const reportWithDigits = {
      status: 202,
      headers: { 'content-type': 'application/json' },
      body: '{"status":"DONE","report":1.50}',
    };
    expect((await poll(() => reportWithDigits, { polling: byStatus, provider: { dataAt: '/report' } })).json).toBe(
      '1.50',
    );
  });

  test('the data is fetched from the result URL of the response', async () => {
    const { json: data, requestLines } = await poll(
      ({ path }) => (path === '/reports' ? json({ status: 'DONE', url: '/files/7' }) : json({ bills: [] })),
      { polling: { ...byStatus, resultUrlAt: '/url' }, provider: { dataAt: '/bills' } },
    );
    expect([data, requestLines]).toEqual(['[]', ['POST /reports', 'GET /files/7']]);
  });

  test('the next poll is after the longest of the interval, the Retry-After and the minimum', async () => {
    const retryAfter = async (setting: Setting, headers: Record<string, string> = {}) =>
      (await poll(() => accepted('/work/7', { headers }), setting)).working?.retryAfterMs;
    expect(await retryAfter({ polling: { intervalSeconds: 5 } })).toBe(5_000);
    expect(await retryAfter({ polling: { intervalSeconds: 5 }, deps: { minPollMs: 30_000 } })).toBe(30_000);
    expect(await retryAfter({ polling: { intervalSeconds: 5 } }, { 'retry-after': '90' })).toBe(90_000);
    expect(await retryAfter({ polling: { intervalSeconds: 5 } }, { 'retry-after': '1' })).toBe(5_000);
    expect(await retryAfter({ polling: { intervalSeconds: 5 } }, { 'retry-after': '86400' })).toBe(86_400_000);
    const provider = { rateLimitReset: { header: 'x-reset', unit: 'seconds' } } as const;
    expect(await retryAfter({ polling: { intervalSeconds: 5 }, provider }, { 'x-reset': '70' })).toBe(70_000);
  });

  test.each<[string, TestResponse, Partial<PollingInput>, RegExp]>([
    ['no Location', { status: 202, body: { note: 'come back' } }, {}, /no Location.*come back/],
    [
      'a Location of another origin',
      accepted('https://evil.example/work/7'),
      {},
      /another origin, https:\/\/evil\.example/,
    ],
    ['a Location that is too long', accepted(`/${'x'.repeat(MAX_STATUS_URL_CHARACTERS)}`), {}, /2048 characters/],
    ['a Location with user info', accepted('http://user:secret-word@127.0.0.1:1/'), {}, /another origin/],
    [
      'no status URL in its body',
      { status: 202, body: { links: {} } },
      { statusUrl: { at: '/links/status' } },
      /nothing at/,
    ],
    [
      'a status URL of another origin',
      json({ url: 'https://evil.example/7?token=hunter2hunter2' }),
      { statusUrl: { at: '/url' } },
      /evil/,
    ],
    [
      'an id with a slash',
      json({ id: '../admin' }),
      { statusUrl: { template: 'x', idAt: '/id' } },
      /Must not have "\/"/,
    ],
    ['a status but no status URL', json({ status: 'QUEUED' }), byStatus, /no Location/],
    ['neither a status nor a status URL', json({ hello: 1 }), byStatus, /no Location.*hello/],
  ])(
    'a response with %s fails as bad_polling with an excerpt, and counts as a failure for the circuit',
    async (_case, response, polling, words) => {
      const respond: Respond = () => response;
      const server = await serve(respond);
      const statusUrl = polling.statusUrl as PollingInput['statusUrl'];
      const statusUrlOnServer =
        typeof statusUrl === 'object' && 'template' in statusUrl
          ? { ...statusUrl, template: `${server.url}/work/{id}` }
          : statusUrl;
      const {
        name,
        failure,
        verdicts,
        server: polled,
      } = await poll(respond, {
        polling: { ...polling, ...(statusUrlOnServer && { statusUrl: statusUrlOnServer }) },
      });
      expect([name, failure.class]).toEqual(['ProviderThrottled', 'bad_polling']);
      expect(failure.excerpt).toMatch(words);
      expect(failure.excerpt).not.toMatch(/hunter2|secret-word/);
      expect(verdicts).toMatchObject([{ class: 'bad_polling' }]);
      expect(polled.requests).toHaveLength(1);
    },
  );

  test.each<[string, TestResponse]>([
    [
      'has no readable body',
      { status: 202, headers: { location: '/work/7', 'content-type': 'application/json' }, body: '{oops' },
    ],
    ['is larger than maxBytes', accepted('/work/7', { body: 'x'.repeat(2_000) })],
    ['is a 201', accepted('/work/7', { status: 201 })],
    ['is a 201 that is not JSON', accepted('/work/7', { status: 201, body: '<p>Created</p>' })],
    ['is a 303 that is not JSON', accepted('/work/7', { status: 303, body: '<p>See other</p>' })],
    ['is a 303', accepted('/work/7', { status: 303 })],
  ])('accepted work is kept although its response %s', async (_case, response) => {
    const { working, server } = await poll(() => response, { polling: byStatus, provider: { maxBytes: 1_000 } });
    expect(working?.ticket.url).toBe(`${server.url}/work/7`);
  });

  test.each<[TestResponse, string, string]>([
    [{ status: 400, body: 'no' }, 'ProviderRefused', 'bad_status'],
    [{ status: 404, body: 'no' }, 'ProviderRefused', 'bad_status'],
    [{ status: 500, body: 'no' }, 'ProviderUnavailable', 'bad_status'],
    [{ status: 503, body: 'no' }, 'ProviderThrottled', 'bad_status'],
    [{ status: 302, headers: { location: '/work/7' } }, 'ProviderUnavailable', 'bad_status'],
    [{ status: 206, body: {} }, 'ProviderUnavailable', 'not_ready'],
    [
      { status: 200, headers: { 'content-type': 'application/json' }, body: '{oops' },
      'ProviderUnavailable',
      'bad_body',
    ],
    [accepted('/work/7', { body: { error: 'RATE' } }), 'ProviderThrottled', 'error_in_body'],
    [json({ status: 'REJECTED', why: 'no such id' }), 'ProviderRefused', 'work_failed'],
  ])('%j is handled as for a provider without polling: %s, %s', async (response, name, failureClass) => {
    const provider = { bodyErrors: [{ at: '/error', means: 'throttled' }] } as const;
    const polled = await poll(() => response, { polling: byStatus, provider: provider as never });
    expect([polled.name, polled.failure.class]).toEqual([name, failureClass]);
  });

  test('declared responses take precedence over polling rules', async () => {
    const pollWith = async (responses: ProviderInput['responses'], response: TestResponse) =>
      poll(() => response, { provider: { responses } as never });
    expect((await pollWith({ 202: 'refused' }, accepted())).name).toBe('ProviderRefused');
    expect((await pollWith({ '2xx': 'empty' }, accepted())).json).toBe('null');
    expect((await pollWith({ 302: 'data' }, accepted('/work/7', { status: 302 }))).name).toBe('working');
  });
});

describe('with a ticket', () => {
  test('its status URL is polled by GET with the credential and the constant headers, without a body or an idempotency key', async () => {
    const { working, server } = await poll(() => ({ status: 202, body: {} }), {
      ticket: { url: '/work/7?part=2', since: NOW - 5 },
      provider: { auth: { header: 'x-key', secret: 'key' }, headers: { 'accept-language': 'en' } },
    });
    const [{ method, url, headers, body } = { headers: {} }] = server.requests;
    expect([method, url, body]).toEqual(['GET', '/work/7?part=2', '']);
    expect(headers).toMatchObject({ 'x-key': 's3cret-value', 'accept-language': 'en' });
    expect(headers).not.toHaveProperty('idempotency-key');
    expect(headers).not.toHaveProperty('content-type');
    expect(working).toMatchObject({ ticket: { url: `${server.url}/work/7?part=2`, since: NOW - 5, polls: 3 } });
  });

  test('a provider that is still working counts as a success for the circuit', async () => {
    const { verdicts, countedMetrics } = await poll(() => ({ status: 202 }), { ticket: {} });
    expect([verdicts, countedMetrics]).toEqual([['succeeded'], []]);
  });

  test('finished work returns its data, with every digit', async () => {
    const body = '{"status":"DONE","report":{"amount":12345678901234567890.10}}';
    const { json: data } = await poll(() => ({ headers: { 'content-type': 'application/json' }, body }), {
      ticket: {},
      polling: byStatus,
      provider: { dataAt: '/report' },
    });
    expect(data).toBe('{"amount":12345678901234567890.10}');
  });

  test.each<[string, Partial<PollingInput>, TestResponse]>([
    ['a 303', {}, { status: 303, headers: { location: '/files/7' } }],
    ['a result URL in the body', { ...byStatus, resultUrlAt: '/url' }, json({ status: 'DONE', url: '/files/7' })],
  ])('finished work with %s returns the data at that URL', async (_case, polling, response) => {
    const {
      json: data,
      requestLines,
      server,
    } = await poll(({ path }) => (path === '/work/7' ? response : json({ bills: [7] })), {
      ticket: {},
      polling,
      provider: { dataAt: '/bills', auth: { header: 'x-key', secret: 'key' } },
    });
    expect([data, requestLines]).toEqual(['[7]', ['GET /work/7', 'GET /files/7']]);
    expect(server.requests[1]?.headers['x-key']).toBe('s3cret-value');
  });

  test.each<[string, Partial<PollingInput>, TestResponse]>([
    ['by a 303', {}, { status: 303, headers: { location: 'https://evil.example/files/7' } }],
    [
      'by its result URL',
      { ...byStatus, resultUrlAt: '/url' },
      json({ status: 'DONE', url: 'https://evil.example/7' }),
    ],
    ['by a 202 with another Location', {}, accepted('https://evil.example/work/7')],
  ])('a response that points to another origin %s fails as bad_polling', async (_case, polling, response) => {
    const { failure, name, server } = await poll(() => response, { ticket: {}, polling });
    expect([name, failure.class]).toEqual(['ProviderThrottled', 'bad_polling']);
    expect(failure.excerpt).toMatch(/another origin, https:\/\/evil\.example/);
    expect(server.requests).toHaveLength(1);
  });

  test('a 303 is followed to the data even if its body is not JSON', async () => {
    const { json: data } = await poll(
      ({ path }) =>
        path === '/work/7' ? { status: 303, headers: { location: '/files/7' }, body: '<p>See other</p>' } : json([7]),
      { ticket: {}, polling: { ...byStatus, statusUrl: { at: '/url' } } },
    );
    expect(data).toBe('[7]');
  });

  test('a body declared as empty ends the work with null, whatever the HTTP status', async () => {
    const provider = { bodyErrors: [{ at: '/code', in: ['NONE'], means: 'empty' }] } as never;
    for (const status of [200, 202]) {
      expect((await poll(() => json({ code: 'NONE' }, { status }), { ticket: {}, provider })).json).toBe('null');
    }
  });

  test('a 303 to a 303 is not followed', async () => {
    const { name, failure, server } = await poll(() => ({ status: 303, headers: { location: '/work/7' } }), {
      ticket: {},
    });
    expect([name, failure.class, failure.statusCode]).toEqual(['ProviderUnavailable', 'bad_status', 303]);
    expect(server.requests).toHaveLength(2);
  });

  test('a result that is not available yet is polled again', async () => {
    const respond: Respond = ({ path }) =>
      path === '/work/7' ? { status: 303, headers: { location: '/files/7' } } : { status: 202, body: {} };
    expect((await poll(respond, { ticket: {} })).failure.class).toBe('not_ready');
  });

  test('failed work is refused permanently, with an excerpt, despite a Retry-After', async () => {
    const response = json({ status: 'REJECTED', why: 'no such tax id' }, { headers: { 'retry-after': '60' } });
    const { name, failure, verdicts } = await poll(() => response, { ticket: {}, polling: byStatus });
    expect([name, failure.class]).toEqual(['ProviderRefused', 'work_failed']);
    expect(failure.excerpt).toContain('no such tax id');
    expect(verdicts).toEqual(['succeeded']);
  });

  test.each([{ status: 'PAUSED' }, { status: { code: 'DONE' } }, { status: ['DONE'] }, {}, { status: 7 }])(
    'an unlisted status fails as bad_polling: %j',
    async (body) => {
      const { name, failure } = await poll(() => json(body), { ticket: {}, polling: byStatus });
      expect([name, failure.class, failure.statusCode]).toEqual(['ProviderThrottled', 'bad_polling', 200]);
      expect(failure.excerpt).toContain(JSON.stringify(body).slice(0, 30));
    },
  );

  test.each([404, 410])('%i loses the ticket, without a failure for the circuit', async (status) => {
    const { name, failure, verdicts } = await poll(() => ({ status, body: 'what work?' }), { ticket: {} });
    expect([name, failure.class, failure.statusCode]).toEqual(['ProviderThrottled', 'ticket_lost', status]);
    expect(failure.excerpt).toContain('what work?');
    expect(verdicts).toEqual(['succeeded']);
  });

  test('a result URL that answers 410 loses the ticket', async () => {
    const respond: Respond = ({ path }) =>
      path === '/work/7' ? { status: 303, headers: { location: '/files/7' } } : { status: 410 };
    expect((await poll(respond, { ticket: {} })).failure.class).toBe('ticket_lost');
  });

  test('404 keeps the ticket if the catalogue declares it unavailable or the response has a Retry-After', async () => {
    const responses = { 404: 'unavailable' } as const;
    const withResponses = await poll(() => ({ status: 404 }), { ticket: {}, provider: { responses } });
    expect([withResponses.name, withResponses.failure.class]).toEqual(['ProviderUnavailable', 'bad_status']);
    const withRetryAfter = await poll(() => ({ status: 404, headers: { 'retry-after': '9' } }), { ticket: {} });
    expect([withRetryAfter.name, withRetryAfter.failure.class]).toEqual(['ProviderThrottled', 'bad_status']);
  });

  test.each([
    [404, 0],
    [202, 7_200_000],
  ])('a request that may not be repeated is refused when its work is lost or overdue (%i)', async (status, ageMs) => {
    const ticket = { since: NOW - ageMs };
    const { name } = await poll(() => ({ status }), {
      ticket,
      // New catalogues must have an idempotency header or "repeatable"; a deployed catalogue may have neither.
      provider: { idempotencyHeader: undefined } as never,
    });
    expect(name).toBe('ProviderRefused');
    const repeatable = { idempotencyHeader: undefined, repeatable: true } as never;
    expect((await poll(() => ({ status }), { ticket, provider: repeatable })).name).toBe('ProviderThrottled');
  });

  test.each<[string, TestResponse, string, string]>([
    ['500', { status: 500 }, 'ProviderUnavailable', 'bad_status'],
    ['503', { status: 503 }, 'ProviderThrottled', 'bad_status'],
    ['429', { status: 429 }, 'ProviderThrottled', 'bad_status'],
    ['403', { status: 403 }, 'ProviderRefused', 'bad_status'],
    ['a body that is not JSON', { body: 'hello' }, 'ProviderUnavailable', 'bad_body'],
    ['an error in its body', json({ status: 'DONE', error: 1 }), 'ProviderRefused', 'error_in_body'],
  ])('%s is handled as for a provider without polling', async (_case, response, name, failureClass) => {
    const provider = { bodyErrors: [{ at: '/error', means: 'refused' }] } as never;
    const polled = await poll(() => response, { ticket: {}, polling: byStatus, provider });
    expect([polled.name, polled.failure.class]).toEqual([name, failureClass]);
  });

  test('a rejected credential fails as credential_refused, and keeps the ticket of overdue work', async () => {
    const auth = { header: 'x-key', secret: 'key' } as const;
    const { name, failure } = await poll(() => ({ status: 401 }), { ticket: { since: 0 }, provider: { auth } });
    expect([name, failure.class]).toEqual(['CredentialRefused', 'credential_refused']);
  });

  test('a Location in UTF-8 is decoded as UTF-8', async () => {
    const { working, server } = await poll(() => accepted(Buffer.from('/work/ü').toString('latin1')));
    expect(working?.ticket.url).toBe(`${server.url}/work/%C3%BC`);
  });

  test('another Location with a 202 replaces the status URL, and keeps the start time and the poll count', async () => {
    const { working, server } = await poll(() => accepted('/work/8'), { ticket: { since: NOW - 9, polls: 4 } });
    expect(working?.ticket).toEqual({ url: `${server.url}/work/8`, since: NOW - 9, polls: 5 });
  });
});

describe('overdue work', () => {
  const overdue = { ticket: { since: NOW - 7_200_000 }, polling: byStatus };

  test('is polled once more, and returned if it is done', async () => {
    expect((await poll(() => json({ status: 'DONE' }), overdue)).name).toBe('fetched');
    expect((await poll(() => json({ status: 'REJECTED' }), overdue)).failure.class).toBe('work_failed');
    expect((await poll(() => ({ status: 404 }), overdue)).failure.class).toBe('ticket_lost');
  });

  test.each<[string, TestResponse]>([
    ['reports it as running', json({ status: 'RUNNING' })],
    ['answers 500', { status: 500, body: 'oops' }],
    ['reports an unlisted status', json({ status: 'PAUSED' })],
  ])('is abandoned if its provider %s', async (_case, response) => {
    const { name, failure } = await poll(() => response, overdue);
    expect([name, failure.class]).toEqual(['ProviderThrottled', 'polling_timeout']);
    expect(failure.excerpt).not.toBe('');
  });

  test('is not abandoned a millisecond early, nor while its provider is deferred', async () => {
    const notYetOverdue = { ...overdue, ticket: { since: NOW - 7_199_999 } };
    expect((await poll(() => json({ status: 'RUNNING' }), notYetOverdue)).name).toBe('working');
    const breaker = createBreakerSpy(true);
    expect((await poll(() => json({ status: 'RUNNING' }), { ...overdue, deps: { breaker } })).name).toBe(
      'ProviderCircuitOpen',
    );
  });

  test('does not count as a failure for the circuit of a provider that responds', async () => {
    expect((await poll(() => json({ status: 'RUNNING' }), overdue)).verdicts).toEqual(['succeeded']);
  });
});

describe('a job', () => {
  test.each<[string, Partial<Job> | undefined]>([
    ['is gone', undefined],
    ['has another claim', { claims: 2 }],
    ['is settled', { leasedUntil: undefined } as never],
  ])('that %s is not polled', async (_case, change) => {
    const job = change && aJob({ jobId: 'job', ...change });
    const { name, server } = await poll(() => accepted(), {
      deps: { jobs: { getWithData: async () => job && { job, inline: [] } } },
    });
    expect([name, server.requests]).toEqual(['LeaseLost', []]);
  });

  test('is not read for a provider without polling', async () => {
    const readJobIds: string[] = [];
    const jobs = {
      getWithData: async (jobId: string) => {
        readJobIds.push(jobId);
        return undefined;
      },
    };
    await poll(() => json([]), { provider: { polling: undefined } as never, deps: { jobs } });
    expect(readJobIds).toEqual([]);
  });

  test('that cannot be read causes an internal fault, and no request is sent', async () => {
    const getWithData = async () => {
      throw new Error('table');
    };
    const { name, server } = await poll(() => accepted(), { deps: { jobs: { getWithData } } });
    expect([name, server.requests]).toEqual(['Error', []]);
  });
});

describe('a catalogue change', () => {
  test('to another origin abandons the ticket, and sends nothing to either origin', async () => {
    const otherServer = await serve(() => accepted());
    const { name, failure, server } = await poll(() => accepted(), {
      ticket: {},
      provider: { url: `${otherServer.url}/reports`, auth: { header: 'x-key', secret: 'key' } },
    });
    expect([name, failure.class]).toEqual(['ProviderThrottled', 'ticket_lost']);
    expect([server.requests, otherServer.requests]).toEqual([[], []]);
  });

  test('of its parameters does not stop polling for work in progress', async () => {
    const properties = { account: { type: 'string', pattern: '^x' } } as const;
    const provider = { parameters: { type: 'object', properties } } as never;
    const parameters = { gas: { account: '7' } };
    const setting = { provider, job: { parameters }, request: { job: { parameters } } };
    expect((await poll(() => json([]), { ...setting, ticket: {} })).name).toBe('fetched');
    const { job: _job, ...withoutTicket } = setting;
    expect((await poll(() => json([]), { ...withoutTicket, job: { parameters } })).failure.class).toBe('bad_parameter');
  });

  test('that removes polling sends the request again', async () => {
    const { requestLines } = await poll(() => json([]), { ticket: {}, provider: { polling: undefined } as never });
    expect(requestLines).toEqual(['POST /reports']);
  });
});

describe('the status URL', () => {
  const TOKEN = 'tok-3f9a8b7c6d5e';

  test.each<[string, TestResponse, Partial<PollingInput>]>([
    ['answers 500', { status: 500, body: `no work at /work/${TOKEN}` }, {}],
    ['answers 404', { status: 404, body: `no work at /work/7?token=${TOKEN}` }, {}],
    ['reports failed work', json({ status: 'REJECTED', self: `/work/7?token=${TOKEN}` }), byStatus],
    ['reports an unlisted status', json({ status: 'ODD', self: `/work/7?token=${TOKEN}` }), byStatus],
    ['moves to another origin', accepted(`https://evil.example/?token=${TOKEN}`, { body: { at: TOKEN } }), {}],
  ])('is in no excerpt and no log when it %s', async (_case, response, polling) => {
    for (const url of [`/work/7?token=${TOKEN}`, `/work/${TOKEN}`]) {
      const { error, log } = await poll(() => response, { ticket: { url }, polling });
      expect(error?.message).toBeDefined();
      expect(`${error?.message} ${JSON.stringify(log.lines)}`).not.toContain(TOKEN);
    }
  });

  test('is in no excerpt of the response at the result URL', async () => {
    const respond: Respond = ({ path }) =>
      path === '/files' ? { status: 500, body: `made of ${TOKEN}` } : { status: 303, headers: { location: '/files' } };
    const { failure } = await poll(respond, { ticket: { url: `/work/7?token=${TOKEN}` } });
    expect(failure.excerpt).toBe('made of ***');
  });

  test('is in no log line while the provider is working', async () => {
    const { log } = await poll(() => ({ status: 202 }), { ticket: { url: `/work/${TOKEN}` } });
    expect(log.lines).toMatchObject([{ message: 'Provider still working', data: { polls: 3, retryAfterMs: 60_000 } }]);
    expect(JSON.stringify(log.lines)).not.toContain(TOKEN);
  });

  test("is requested with the provider's user info, and stored without it", async () => {
    const authorization = `Basic ${btoa('user:secret-word')}`;
    const started = await poll(() => accepted('work/7'), { userInfo: 'user:secret-word@' });
    expect(started.working?.ticket.url).toBe(`${started.server.url}/work/7`);
    const polled = await poll(() => accepted('/work/8'), { userInfo: 'user:secret-word@', ticket: {} });
    expect(polled.working?.ticket.url).toBe(`${polled.server.url}/work/8`);
    for (const { server } of [started, polled]) expect(server.requests[0]?.headers).toMatchObject({ authorization });
  });
});
