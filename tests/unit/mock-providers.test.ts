import './function-environment.ts';
import { ROUTES } from '@boomerang/core/http/routes.ts';
import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import fc from 'fast-check';
import { bills, billsOfAccount, DEFAULT_GAS_ACCOUNT } from '../../functions/providers/bills.ts';
import { type CursorPage, pageByCursor, pageByNumber } from '../../functions/providers/pages.ts';
import { newReportId, REJECTED_TAX_ID, readReportId, reportAt } from '../../functions/providers/reports.ts';
import { sealText, unsealText } from '../../functions/providers/sealed-text.ts';
import { findTokenError } from '../../functions/providers/token-request.ts';
import { issueToken, TOKEN_SECONDS } from '../../functions/providers/tokens.ts';
import { aLog, NOW } from '../builders.ts';

const { createHandler } = await import('../../functions/providers/handler.ts');

const SECRET = 'secret of the client';
const FORM = 'application/x-www-form-urlencoded';

const account = fc.stringMatching(/^[0-9]{8,12}$/);

describe('the bills of a gas account', () => {
  test('are the documented ones for the default account', () => {
    expect(billsOfAccount(DEFAULT_GAS_ACCOUNT)).toEqual(bills.get('gas'));
  });

  test('depend only on the account number, are two or three, and are sorted by date', () => {
    fc.assert(
      fc.property(account, (number) => {
        const all = billsOfAccount(number) ?? [];
        expect(billsOfAccount(number)).toEqual(all);
        expect([2, 3]).toContain(all.length);
        expect(all).toEqual(all.toSorted((a, b) => a.billedOn.localeCompare(b.billedOn)));
        for (const { billedOn, amount } of all) {
          expect(new Date(billedOn).toISOString()).toBe(billedOn);
          expect(amount).toBeGreaterThan(0);
          expect(Number(amount.toFixed(2))).toBe(amount);
        }
      }),
    );
  });

  test('differ between accounts', () => {
    const all = Array.from({ length: 100 }, (_, index) => JSON.stringify(billsOfAccount(String(20_000_000 + index))));
    expect(new Set(all).size).toBe(100);
  });

  test.each(['', '1234567', '1234567890123', '1234567a', '12345678\n', '１２３４５６７８', '-12345678', 'gas'])(
    'are not found for %j',
    (number) => {
      expect(billsOfAccount(number)).toBeUndefined();
    },
  );
});

/** All pages of an account, each read with the cursor of the previous page. */
const pagesOf = (number: string, size: number, from?: string): CursorPage[] => {
  const pages: CursorPage[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = pageByCursor(billsOfAccount(number) ?? [], { cursor, size, from });
    if (!page) throw new Error('an issued cursor was rejected');
    pages.push(page);
    cursor = page.meta.next;
  }
  return pages;
};

describe('pages by cursor', () => {
  test('have every bill once, in order, and no more per page than requested', () => {
    fc.assert(
      fc.property(account, fc.integer({ min: 1, max: 200 }), (number, size) => {
        const pages = pagesOf(number, size);
        expect(pages.flatMap(({ data }) => data)).toEqual(billsOfAccount(number));
        for (const { data, meta } of pages) {
          expect(data.length).toBeLessThanOrEqual(size);
          if (meta.next !== null) expect(data).toHaveLength(size);
        }
      }),
    );
  });

  test('start with the bills of the requested date', () => {
    const number = '12345678';
    const all = billsOfAccount(number) ?? [];
    for (const [index, { billedOn }] of all.entries()) {
      expect(pagesOf(number, 1, billedOn.slice(0, 10)).flatMap(({ data }) => data)).toEqual(all.slice(index));
    }
    expect(pagesOf(number, 1, '2999-01-01')).toEqual([{ data: [], meta: { next: null } }]);
  });

  test('divide the bills of the default account in two', () => {
    expect(pagesOf(DEFAULT_GAS_ACCOUNT, 1)).toHaveLength(2);
  });

  test('are not found with an unknown cursor', () => {
    const all = billsOfAccount(DEFAULT_GAS_ACCOUNT) ?? [];
    const next = pageByCursor(all, { size: 1 })?.meta.next;
    const base64 = (text: string) => Buffer.from(text).toString('base64url');
    const badCursors = [
      '',
      'x',
      '1',
      `${next}=`,
      `${next} `,
      ...['bill 0', 'bill 2', 'bill 01', 'bill -1', 'bill'].map(base64),
    ];
    for (const cursor of badCursors)
      expect([cursor, pageByCursor(all, { cursor, size: 1 })]).toEqual([cursor, undefined]);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (cursor) => {
        fc.pre(cursor !== next);
        expect(pageByCursor(all, { cursor, size: 1 })).toBeUndefined();
      }),
    );
  });
});

test('pages by number have every bill once, in order; later pages are empty', () => {
  const all = bills.get('internet') ?? [];
  const pages = [1, 2, 3, 100_000].map((page) => pageByNumber(all, page));
  expect(pages.flatMap(({ data }) => data)).toEqual(all);
  expect(pages.map(({ data, hasNext }) => [data.length, hasNext])).toEqual([
    [1, true],
    [1, false],
    [0, false],
    [0, false],
  ]);
});

describe('a sealed text', () => {
  const anyText = fc.string({ unit: 'grapheme' });

  test('can be read only with its own secret and purpose', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (secret, purpose, text) => {
        const sealed = sealText(secret, purpose, text);
        expect(unsealText(secret, purpose, sealed)).toBe(text);
        expect(unsealText(`${secret}x`, purpose, sealed)).toBeUndefined();
        expect(unsealText(secret, `${purpose}x`, sealed)).toBeUndefined();
      }),
    );
  });

  test('fails verification if a character is changed, missing or added', () => {
    const sealed = sealText(SECRET, 'test', '1800000000000');
    for (let index = 0; index <= sealed.length; index += 1) {
      const [head, tail] = [sealed.slice(0, index), sealed.slice(index)];
      const wrongCharacter = tail[0] === 'A' ? 'B' : 'A';
      for (const forged of [head + wrongCharacter + tail.slice(1), head + wrongCharacter + tail, head + tail.slice(1)])
        if (forged !== sealed) expect([forged, unsealText(SECRET, 'test', forged)]).toEqual([forged, undefined]);
    }
  });
});

describe('a request for a token', () => {
  const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  const validBasic = basic('boomerang', encodeURIComponent(SECRET));
  const grant = 'grant_type=client_credentials';

  test.each<[string, string | undefined, string]>([
    ['by HTTP Basic', validBasic, grant],
    ['by HTTP Basic, with the scheme in another case', validBasic.replace('Basic', 'bAsIc'), grant],
    ['by HTTP Basic, with plus for a space', basic('boomerang', SECRET.replaceAll(' ', '+')), grant],
    ['in the form', undefined, `${grant}&client_id=boomerang&client_secret=${SECRET.replaceAll(' ', '+')}`],
    ['with the scope', validBasic, `${grant}&scope=reports`],
    ['with an empty scope', validBasic, `${grant}&scope=`],
    ['with its id in both places', validBasic, `${grant}&client_id=boomerang`],
    ['with an unknown parameter', validBasic, `${grant}&audience=x`],
  ])('is granted %s', (_name, authorization, form) => {
    expect(findTokenError(SECRET, { authorization, form: new URLSearchParams(form) })).toBeUndefined();
  });

  test.each<[string, string, string | undefined, string]>([
    ['no client', 'invalid_client', undefined, grant],
    ['an empty secret', 'invalid_client', undefined, `${grant}&client_id=boomerang&client_secret=`],
    ['another secret', 'invalid_client', basic('boomerang', 'secret'), grant],
    ['another client', 'invalid_client', basic('other', encodeURIComponent(SECRET)), grant],
    ['another scheme', 'invalid_client', 'Bearer x', grant],
    ['broken base64', 'invalid_client', 'Basic !', grant],
    ['no colon', 'invalid_client', `Basic ${Buffer.from('boomerang').toString('base64')}`, grant],
    ['a broken escape', 'invalid_client', basic('boomerang', '%'), grant],
    ['a secret in both places', 'invalid_request', validBasic, `${grant}&client_secret=x`],
    ['another id in the form', 'invalid_request', validBasic, `${grant}&client_id=other`],
    ['a parameter twice', 'invalid_request', validBasic, `${grant}&${grant}`],
    ['no grant', 'invalid_request', validBasic, ''],
    ['an empty grant', 'invalid_request', validBasic, 'grant_type='],
    ['another grant', 'unsupported_grant_type', validBasic, 'grant_type=password'],
    ['another scope', 'invalid_scope', validBasic, `${grant}&scope=reports+bills`],
  ])('with %s is refused: %s', (_name, error, authorization, form) => {
    expect(findTokenError(SECRET, { authorization, form: new URLSearchParams(form) })).toBe(error);
  });
});

describe('a report', () => {
  const anOrder = (taxId: string) => ({ taxId, idempotencyKey: 'order-1' });
  const stateOf = (taxId: string, ageMs: number) => {
    const order = readReportId(SECRET, newReportId(SECRET, anOrder(taxId), NOW));
    if (!order) throw new Error('an issued report id was rejected');
    return reportAt(order, NOW + ageMs);
  };

  test.each([
    [-1_000, 'QUEUED'],
    [0, 'QUEUED'],
    [999, 'QUEUED'],
    [1_000, 'RUNNING'],
    [1_999, 'RUNNING'],
    [2_000, 'DONE'],
    [86_400_000, 'DONE'],
  ])('that is %i ms old is %s', (ageMs, status) => {
    const state = stateOf('1', ageMs);
    expect(state.status).toBe(status);
    expect('report' in state).toBe(status === 'DONE');
  });

  test.each([
    [1_999, 'RUNNING'],
    [2_000, 'REJECTED'],
  ])('on the rejected tax id that is %i ms old is %s, without further details', (ageMs, status) => {
    expect(stateOf(REJECTED_TAX_ID, ageMs)).toEqual({ id: expect.any(String), status });
  });

  test('is the same for every order of a tax id', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 20 }), fc.string(), fc.nat(), (taxId, idempotencyKey, later) => {
        fc.pre(taxId !== REJECTED_TAX_ID);
        const id = newReportId(SECRET, { taxId, idempotencyKey }, NOW + later);
        const { id: _id, ...state } = reportAt(readReportId(SECRET, id) as never, NOW + later + 2_000);
        expect(state).toEqual({ ...stateOf(taxId, 2_000), id: undefined });
      }),
    );
  });

  test('has an id that reveals no tax id and differs between orders', () => {
    const taxId = '12345678901';
    const id = newReportId(SECRET, anOrder(taxId), NOW);
    for (const text of [id, Buffer.from(id, 'base64url').toString('latin1')]) expect(text).not.toContain(taxId);
    const others = [
      newReportId(SECRET, anOrder('2'), NOW),
      newReportId(SECRET, { taxId, idempotencyKey: 'order-2' }, NOW),
      newReportId(SECRET, anOrder(taxId), NOW + 1),
    ];
    expect(new Set([id, ...others]).size).toBe(4);
    // Moving a character from the tax id to the key results in another order.
    expect(newReportId(SECRET, { taxId: '1', idempotencyKey: 'a1' }, NOW)).not.toBe(
      newReportId(SECRET, { taxId: '11', idempotencyKey: 'a' }, NOW),
    );
  });

  test('is not found by an id that was not issued, such as a token', () => {
    for (const id of ['', 'x', issueToken(SECRET, NOW), newReportId('other', anOrder('1'), NOW)])
      expect([id, readReportId(SECRET, id)]).toEqual([id, undefined]);
  });
});

type Request = {
  route: string;
  path?: Record<string, string>;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string;
};

const anEvent = ({ route, path = {}, query, headers = {}, body }: Request): APIGatewayProxyEventV2 =>
  ({
    routeKey: route,
    rawPath: (route.split(' ')[1] ?? '').replace(/\{(\w+)\}/g, (_, name: string) => path[name] ?? ''),
    rawQueryString: new URLSearchParams(query).toString(),
    ...(query && { queryStringParameters: query }),
    pathParameters: path,
    headers,
    requestContext: { requestId: 'request-1' },
    isBase64Encoded: false,
    ...(body !== undefined && { body }),
  }) as unknown as APIGatewayProxyEventV2;

const bearer = (at = NOW) => ({ authorization: `Bearer ${issueToken(SECRET, at)}` });
const JSON_TYPE = { 'content-type': 'application/json' };
const REPORT_ID = newReportId(SECRET, { taxId: '1', idempotencyKey: 'order-1' }, NOW);

/** A valid request to every route with simulated failures. */
const VALID_REQUESTS: Request[] = [
  { route: 'GET /providers/{providerId}', path: { providerId: 'gas' } },
  { route: 'GET /providers/gas/accounts/{account}/bills', path: { account: DEFAULT_GAS_ACCOUNT } },
  { route: 'GET /providers/internet/bills' },
  {
    route: 'POST /providers/token',
    headers: { 'content-type': FORM },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'boomerang',
      client_secret: SECRET,
    }).toString(),
  },
  {
    route: 'POST /providers/reports',
    headers: { ...JSON_TYPE, ...bearer(), 'idempotency-key': 'order-1' },
    body: '{"taxId":"1"}',
  },
  { route: 'GET /providers/reports/{reportId}', path: { reportId: REPORT_ID }, headers: bearer() },
];

const createWorld = (change: Partial<Parameters<typeof createHandler>[0]> = {}) => {
  const draws: number[] = [];
  const sleeps: number[] = [];
  let time = NOW;
  const log = aLog();
  const handler = createHandler({
    log,
    random: () => {
      draws.push(0.5);
      return 0.5;
    },
    now: () => time,
    sleep: async (ms) => {
      sleeps.push(ms);
      time += ms;
    },
    failureRate: 0,
    latencyMs: 0,
    maintenance: undefined,
    clientSecret: SECRET,
    ...change,
  });
  const send = async (request: Request) => {
    const { statusCode, headers = {}, body = '' } = await handler(anEvent(request), {} as Context);
    const json = headers['content-type'] === 'text/plain' ? undefined : (JSON.parse(body) as Record<string, unknown>);
    return { statusCode, headers, body, json };
  };
  return { send, draws, sleeps, log };
};

describe('every mock provider route except the list of providers', () => {
  test('has a valid request in this file', () => {
    const failingRoutes = ROUTES.providers.filter((route) => route.includes('/providers/'));
    expect(VALID_REQUESTS.map(({ route }) => route).sort()).toEqual(failingRoutes.sort());
  });

  test.each(VALID_REQUESTS)('$route responds, and draws one random number', async (request) => {
    const { send, draws } = createWorld();
    const { statusCode, headers } = await send(request);
    expect([statusCode, headers['cache-control']]).toEqual([
      request.route.endsWith('/reports') ? 202 : 200,
      'no-store',
    ]);
    expect(draws).toHaveLength(1);
  });

  test.each(VALID_REQUESTS)('$route fails with the configured probability', async (request) => {
    expect(await createWorld({ failureRate: 0.6 }).send(request)).toMatchObject({
      statusCode: 500,
      headers: { 'content-type': 'text/plain' },
      body: '#fail',
    });
    expect((await createWorld({ failureRate: 0.5 }).send(request)).statusCode).toBeLessThan(300);
  });

  test.each(VALID_REQUESTS)('$route responds after its latency, with the data of that time', async (request) => {
    const { send, sleeps } = createWorld({ latencyMs: 2_000 });
    const { json } = await send(request);
    expect(sleeps).toEqual([2_000]);
    if (request.route.startsWith('GET /providers/reports')) expect(json).toMatchObject({ status: 'DONE' });
    if (request.route.endsWith('token')) expect(json?.access_token).toBe(issueToken(SECRET, NOW + 2_000));
    if (request.route.endsWith('reports')) {
      expect(readReportId(SECRET, String(json?.id))).toMatchObject({ orderedAt: NOW + 2_000 });
    }
  });

  test.each(VALID_REQUESTS)('$route is down in the maintenance window, and draws no random number', async (request) => {
    const { send, draws } = createWorld({ maintenance: { from: NOW, to: NOW + 1_500 } });
    expect(await send(request)).toMatchObject({ statusCode: 503, headers: { 'retry-after': '2' } });
    expect(draws).toEqual([]);
    for (const maintenance of [
      { from: NOW + 1, to: NOW + 2 },
      { from: NOW - 1, to: NOW },
    ])
      expect((await createWorld({ maintenance }).send(request)).statusCode).toBeLessThan(300);
  });
});

describe('a request to the mock providers', () => {
  test('for the list of providers is answered at once, without simulated faults', async () => {
    const { send, draws } = createWorld({ failureRate: 1, latencyMs: 1, maintenance: { from: 0, to: 2 * NOW } });
    expect((await send({ route: 'GET /providers' })).json).toEqual([...bills.keys(), 'reports']);
    expect(draws).toEqual([]);
  });

  const provider = 'GET /providers/{providerId}';
  const gas = 'GET /providers/gas/accounts/{account}/bills';
  const internet = 'GET /providers/internet/bills';
  const order = VALID_REQUESTS.find(({ route }) => route === 'POST /providers/reports') as Request;
  const withHeaders = (headers: Record<string, string>): Request => ({ ...order, headers });

  test.each<[string, number, Request]>([
    ['for an unknown provider', 404, { route: provider, path: { providerId: 'no-such-provider' } }],
    ['for a provider named like an inherited property', 404, { route: provider, path: { providerId: 'constructor' } }],
    ['for the reports', 405, { route: provider, path: { providerId: 'reports' } }],
    ['for the token', 405, { route: provider, path: { providerId: 'token' } }],
    ['for an unknown account', 404, { route: gas, path: { account: '1' } }],
    ['with a bad cursor', 400, { route: gas, path: { account: DEFAULT_GAS_ACCOUNT }, query: { cursor: 'x' } }],
    [
      'with a cursor of 9,000 characters',
      400,
      { route: gas, path: { account: '12345678' }, query: { cursor: 'x'.repeat(9_000) } },
    ],
    ['with the size 0', 422, { route: gas, path: { account: '12345678' }, query: { size: '0' } }],
    ['with the size 201', 422, { route: gas, path: { account: '12345678' }, query: { size: '201' } }],
    ['with a fractional size', 422, { route: gas, path: { account: '12345678' }, query: { size: '1.5' } }],
    ['with an invalid date', 422, { route: gas, path: { account: '12345678' }, query: { from: '2026-02-30' } }],
    ['with an unknown parameter', 422, { route: gas, path: { account: '12345678' }, query: { page: '2' } }],
    ['for page 0', 422, { route: internet, query: { page: '0' } }],
    ['for the page x', 422, { route: internet, query: { page: 'x' } }],
    ['with JSON for a form', 415, { route: 'POST /providers/token', headers: JSON_TYPE, body: '{}' }],
    ['with no token', 401, withHeaders({ ...JSON_TYPE, 'idempotency-key': 'a' })],
    [
      'with an expired token',
      401,
      withHeaders({ ...JSON_TYPE, ...bearer(NOW - TOKEN_SECONDS * 1000), 'idempotency-key': 'a' }),
    ],
    ['without an idempotency key', 400, withHeaders({ ...JSON_TYPE, ...bearer() })],
    ['with an empty idempotency key', 400, withHeaders({ ...JSON_TYPE, ...bearer(), 'idempotency-key': '' })],
    ['with too long an idempotency key', 422, withHeaders({ ...order.headers, 'idempotency-key': 'x'.repeat(256) })],
    ['without a tax id', 422, { ...order, body: '{}' }],
    ['with a number for a tax id', 422, { ...order, body: '{"taxId":1}' }],
    ['with an empty tax id', 422, { ...order, body: '{"taxId":""}' }],
    ['with an unknown property', 422, { ...order, body: '{"taxId":"1","more":1}' }],
    ['for a report with no token', 401, { route: 'GET /providers/reports/{reportId}', path: { reportId: REPORT_ID } }],
    [
      'for an unknown report',
      404,
      { route: 'GET /providers/reports/{reportId}', path: { reportId: 'x' }, headers: bearer() },
    ],
  ])('%s gets %i, at once and without a random number', async (_name, status, request) => {
    const { send, draws, sleeps, log } = createWorld({ failureRate: 1, latencyMs: 1 });
    const { statusCode, headers, json } = await send(request);
    expect([statusCode, headers['content-type']]).toEqual([status, 'application/problem+json']);
    expect(json).toMatchObject({ status });
    if (status === 405) expect(headers.allow).toBe('POST');
    expect([draws, sleeps, log.lines]).toEqual([[], [], []]);
  });

  test.each([
    ['no Authorization header', undefined, 'Bearer realm="reports"'],
    ['another scheme', 'Basic x', 'Bearer realm="reports"'],
    ['a token that was not issued', 'Bearer x', 'Bearer realm="reports", error="invalid_token"'],
    ['the id of a report', `Bearer ${REPORT_ID}`, 'Bearer realm="reports", error="invalid_token"'],
    ['a token of another secret', `Bearer ${issueToken('x', NOW)}`, 'Bearer realm="reports", error="invalid_token"'],
  ])('with %s gets a challenge', async (_name, authorization, challenge) => {
    const headers = { ...JSON_TYPE, 'idempotency-key': 'a', ...(authorization !== undefined && { authorization }) };
    const { statusCode, headers: responseHeaders } = await createWorld().send(withHeaders(headers));
    expect([statusCode, responseHeaders['www-authenticate']]).toEqual([401, challenge]);
  });

  test("with a token is accepted to the token's last millisecond", async () => {
    const lifetimeMs = TOKEN_SECONDS * 1000;
    for (const [ageMs, status] of [
      [lifetimeMs - 1, 202],
      [lifetimeMs, 401],
    ] as const) {
      const { statusCode } = await createWorld().send(withHeaders({ ...order.headers, ...bearer(NOW - ageMs) }));
      expect([ageMs, statusCode]).toEqual([ageMs, status]);
    }
  });

  test('for a token gets an RFC 6749 response', async () => {
    const { send, draws } = createWorld();
    const tokenRequest = VALID_REQUESTS.find(({ route }) => route === 'POST /providers/token') as Request;
    expect(await send(tokenRequest)).toMatchObject({
      statusCode: 200,
      headers: { 'cache-control': 'no-store', pragma: 'no-cache', 'content-type': 'application/json' },
      json: { access_token: issueToken(SECRET, NOW), token_type: 'Bearer', expires_in: 60, scope: 'reports' },
    });
    draws.length = 0;
    const invalidRequests = [
      [tokenRequest.body?.replace('secret', 'guess'), 401, 'invalid_client'],
      [tokenRequest.body?.replace('client_credentials', 'password'), 400, 'unsupported_grant_type'],
      ['', 401, 'invalid_client'],
    ] as const;
    for (const [body = '', status, error] of invalidRequests) {
      const { statusCode, headers, json } = await send({ ...tokenRequest, body });
      expect([statusCode, json]).toEqual([status, { error }]);
      expect(headers['content-type']).toBe('application/json');
      expect(headers['www-authenticate']).toBe(status === 401 ? 'Basic realm="reports"' : undefined);
    }
    expect(draws).toEqual([]);
  });

  test('for a report gets its URL, and the time until the next poll', async () => {
    const { send } = createWorld();
    const { headers, json } = await send(order);
    expect(json).toEqual({ id: REPORT_ID, status: 'QUEUED' });
    expect(headers).toMatchObject({ location: `/providers/reports/${REPORT_ID}`, 'retry-after': '1' });
    const read = VALID_REQUESTS.find(({ route }) => route.startsWith('GET /providers/reports')) as Request;
    const responses = await Promise.all([0, 1_000, 2_000].map((latencyMs) => createWorld({ latencyMs }).send(read)));
    expect(responses.map((response) => [response.json?.status, response.headers['retry-after']])).toEqual([
      ['QUEUED', '1'],
      ['RUNNING', '1'],
      ['DONE', undefined],
    ]);
  });

  test('for a page has a relative Link to the next page', async () => {
    const { send } = createWorld();
    const linkOf = async (page: string) => (await send({ route: internet, query: { page } })).headers.link;
    expect(await Promise.all(['1', '2', '3'].map(linkOf))).toEqual(['<?page=2>; rel="next"', undefined, undefined]);
  });
});
