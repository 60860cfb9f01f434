import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../local/instance.ts';
import { FAILED_BEFORE } from '../engines/retrying-fetch.ts';
import { FUNCTION_SETTINGS } from '../function-settings.ts';
import { apiOf } from './api.ts';
import { contractOf } from './contract.ts';

/** A deployment, local or remote. */
export type Deployed = Pick<Instance, 'serviceUrl' | 'providersUrl' | 'apiKey'> & {
  /** Sends the requests; defaults to the global fetch. */
  fetch?: typeof globalThis.fetch;
};

const valid = { providers: ['gas'], callbackUrl: 'https://example.com/complete' };
const JSON_TYPE = { 'content-type': 'application/json' };

type Case = [name: string, status: number, path: string, request: RequestInit];
const post = (body: string | Uint8Array, headers: Record<string, string> = JSON_TYPE): RequestInit => ({
  method: 'POST',
  body: body as string,
  headers,
});
const withBody = (change: object): RequestInit => post(JSON.stringify({ ...valid, ...change }));

const cases: Case[] = [
  ['invalid JSON', 400, '/webhook', post('{')],
  ['an empty body', 400, '/webhook', post('')],
  ['broken UTF-8', 400, '/webhook', post(Uint8Array.from([0x7b, 0xff, 0x7d]))],
  ['JSON nested too deeply', 400, '/webhook', post('['.repeat(8_000))],
  ['another content type', 415, '/webhook', post('a=b', { 'content-type': 'application/x-www-form-urlencoded' })],
  ['a body of 17 KiB', 413, '/webhook', post(JSON.stringify({ ...valid, more: 'x'.repeat(17 * 1024) }))],
  ['a body of 17 KiB that is not JSON', 413, '/webhook', post('x'.repeat(17 * 1024))],
  ['an encoded body', 415, '/webhook', post('{}', { ...JSON_TYPE, 'content-encoding': 'gzip' })],
  ['an empty idempotency key', 422, '/webhook', post(JSON.stringify(valid), { ...JSON_TYPE, 'idempotency-key': '' })],
  [
    'an idempotency key of 256 characters',
    422,
    '/webhook',
    post(JSON.stringify(valid), { ...JSON_TYPE, 'idempotency-key': 'x'.repeat(256) }),
  ],
  [
    'the address of the EC2 metadata service',
    422,
    '/webhook',
    withBody({ callbackUrl: 'http://169.254.169.254/latest' }),
  ],
  ['that address as an integer', 422, '/webhook', withBody({ callbackUrl: 'http://2852039166/latest' })],
  ['that address in IPv6', 422, '/webhook', withBody({ callbackUrl: 'http://[::ffff:169.254.169.254]/latest' })],
  ['a private address', 422, '/webhook', withBody({ callbackUrl: 'https://10.0.0.1/' })],
  ['a .local name', 422, '/webhook', withBody({ callbackUrl: 'https://printer.local/' })],
  [
    'an unknown API key',
    401,
    '/webhook',
    { ...withBody({}), headers: { ...JSON_TYPE, authorization: 'Bearer bmr_x' } },
  ],
  ['Basic authentication and invalid JSON', 401, '/webhook', post('{', { authorization: 'Basic x' })],
  ['an empty API key for the list of jobs', 401, '/jobs', { headers: { authorization: 'Bearer' } }],
  ['an unknown API key for a job', 401, '/jobs/1', { headers: { authorization: 'Bearer x' } }],
  ['an array', 422, '/webhook', post('[]')],
  ['null', 422, '/webhook', post('null')],
  ['a __proto__ property', 422, '/webhook', post('{"__proto__":{}}')],
  ['an unknown property', 422, '/webhook', withBody({ more: 1 })],
  ['no provider', 422, '/webhook', withBody({ providers: [] })],
  ['eleven providers', 422, '/webhook', withBody({ providers: Array(11).fill('gas') })],
  ['a provider twice', 422, '/webhook', withBody({ providers: ['gas', 'gas'] })],
  ['an unknown provider', 422, '/webhook', withBody({ providers: ['constructor'] })],
  ['a relative URL', 422, '/webhook', withBody({ callbackUrl: '/complete' })],
  ['another scheme', 422, '/webhook', withBody({ callbackUrl: 'ftp://example.com' })],
  ['credentials in the URL', 422, '/webhook', withBody({ callbackUrl: 'https://a:b@example.com' })],
  ['a fragment', 422, '/webhook', withBody({ callbackUrl: 'https://example.com/#' })],
  ['a URL that is too long', 422, '/webhook', withBody({ callbackUrl: `https://example.com/${'x'.repeat(2048)}` })],
  ['a URL that is not a string', 422, '/webhook', withBody({ callbackUrl: 7 })],
  ['an unknown route', 404, '/nowhere', {}],
  ['an invalid percent-encoding in the path', 404, '/jobs/%zz', {}],
  ['an unknown job', 404, '/jobs/01a20b4c-cf47-716b-85d8-5343742576b8', {}],
  ['a limit of 0', 422, '/jobs?limit=0', {}],
  ['a limit of 101', 422, '/jobs?limit=101', {}],
  ['an invalid cursor', 422, '/jobs?cursor=xyz', {}],
  ['an unknown status', 422, '/jobs?status=DONE', {}],
  ['a mistyped parameter', 422, '/jobs?staus=FAILED', {}],
  ['a parameter twice', 422, '/jobs?status=FAILED&status=FAILED', {}],
  ['an empty parameter', 422, '/jobs?status=', {}],
  ['a query on a route without one', 422, '/jobs/01a20b4c-cf47-716b-85d8-5343742576b8?full=1', {}],
  ['a query in addition to a body', 422, '/webhook?dryRun=true', withBody({})],
  ['a query on the documentation page', 422, '/docs?theme=dark', {}],
  ['a query on an unknown route', 404, '/nowhere?a=1', {}],
  ['a time in the year 10000 in UTC', 422, '/redrives', post('{"status":"FAILED","to":"9999-12-31T23:59:59-01:00"}')],
  ['port 0', 422, '/webhook', withBody({ callbackUrl: 'https://example.com:0/' })],
  ['a host name with an empty label', 422, '/webhook', withBody({ callbackUrl: 'https://a..example.com/' })],
  ['an address in the IPv6 dummy prefix', 422, '/webhook', withBody({ callbackUrl: 'https://[100:0:0:1::1]/' })],
  ['a callback that is too large', 413, '/complete', post(`{"jobId":"a","data":["${'x'.repeat(1_048_576)}"]}`)],
  ['a callback with an unknown property', 422, '/complete', post('{"jobId":"a","data":[],"more":1}')],
];

/** Tests of both APIs for any deployment that allows callbacks to loopback, as the local stage does. */
export const describeRequests = (cloud: () => Deployed): void => {
  const service = () => contractOf('service', cloud().serviceUrl, cloud().fetch);
  const providers = () => contractOf('providers', cloud().providersUrl, cloud().fetch);

  describe('an invalid request', () => {
    test.each(cases)('with %s gets a problem of status %i', async (_name, status, path, request) => {
      const headers = { authorization: `Bearer ${cloud().apiKey}`, ...request.headers };
      const response = await service()(path, { ...request, headers });
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({
        type: 'about:blank',
        status,
        instance: expect.stringMatching(/.+/),
      });
    });

    test('gets an error for each invalid field', async () => {
      const response = await apiOf(cloud()).post({ providers: ['gas', 'no-such-provider'], callbackUrl: 'x', more: 1 });
      const { errors } = (await response.json()) as { errors: { pointer: string; message: string }[] };
      expect(errors.map((error) => error.pointer).sort()).toEqual(['/callbackUrl', '/more', '/providers/1']);
      expect(errors.find((error) => error.pointer === '/providers/1')?.message).toContain('no-such-provider');
    });

    test('with an unsupported method gets 405 and Allow', async () => {
      const response = await service()('/webhook');
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
      const other = await providers()('/providers', { method: 'POST' });
      expect([other.status, other.headers.get('allow')]).toEqual([405, 'GET']);
      for (const path of ['/providers/token', '/providers/reports']) {
        for (const method of ['GET', 'PUT']) {
          const { status, headers } = await providers()(path, { method });
          expect([method, path, status, headers.get('allow')]).toEqual([method, path, 405, 'POST']);
        }
      }
    });

    test('for a route of the other API gets 404', async () => {
      expect((await providers()('/webhook')).status).toBe(404);
    });
  });

  describe('a valid request', () => {
    /** Its callback goes to /complete of the same API. */
    const validBody = () => ({ providers: ['gas'], callbackUrl: `${cloud().serviceUrl}/complete` });

    test('to POST /webhook gets 202 and the job in Location', async () => {
      const response = await apiOf(cloud()).post(validBody());
      const body = (await response.json()) as { jobId: string };
      expect(response.status).toBe(202);
      expect(response.headers.get('location')).toBe(`/jobs/${body.jobId}`);
      expect(body).toMatchObject({
        status: 'PENDING',
        createdAt: expect.stringMatching(/Z$/),
        links: { self: `/jobs/${body.jobId}` },
      });
      expect(await apiOf(cloud()).getJob(body.jobId)).toMatchObject({
        jobId: body.jobId,
        providers: [{ providerId: 'gas' }],
      });
    });

    test('sent fifty times at once with one idempotency key creates one job; another body with that key is refused', async () => {
      const { post, listAll } = apiOf(cloud());
      const before = (await listAll()).length;
      const key = { 'idempotency-key': 'fifty at once' };
      const responses = await Promise.all(Array.from({ length: 50 }, () => post(validBody(), key)));
      expect(new Set(responses.map((response) => response.status))).toEqual(new Set([202]));
      const notReplayed = responses.filter((response) => response.headers.get('idempotent-replayed') !== 'true');
      // An emulator may have lost the response to the request that created the job.
      const isAnyLost = responses.some((response) => response.headers.has(FAILED_BEFORE));
      expect(notReplayed.length).toBeLessThanOrEqual(1);
      if (!isAnyLost) expect(notReplayed).toHaveLength(1);
      expect(new Set(await Promise.all(responses.map((response) => response.text()))).size).toBe(1);
      expect((await listAll()).length).toBe(before + 1);
      expect((await post({ ...validBody(), providers: ['internet'] }, key)).status).toBe(422);
      expect((await listAll()).length).toBe(before + 1);
    });

    test.each(['service', 'providers'] as const)(
      'gets the OpenAPI document of the %s API, and its documentation page',
      async (api) => {
        const call = api === 'service' ? service() : providers();
        const document = (await (await call('/openapi.json')).json()) as { info: { title: string } };
        expect(document.info.title).toBe(`Boomerang ${api} API`);
        const page = await call('/docs');
        expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self' 'sha256-");
        const html = await page.text();
        expect(html).toContain(`<h1>Boomerang ${api} API</h1>`);
        const [, asset] = /src="(docs\/[^"]+)"/.exec(html) ?? [];
        const script = await call(`/${asset}`);
        expect(script.headers.get('cache-control')).toContain('immutable');
        expect(await script.text()).toMatch(/^\/\*!.*\nrapidoc \d/s);
        const unchanged = await call('/docs', { headers: { 'if-none-match': page.headers.get('etag') ?? '' } });
        expect(unchanged.status).toBe(304);
        expect((await call('/docs/other.js')).status).toBe(404);
        expect((await call('/health')).status).toBe(api === 'service' ? 200 : 404);
      },
    );

    test('to GET /providers lists the providers, for any origin', async () => {
      const response = await providers()('/providers', {
        headers: { origin: 'https://example.com' },
      });
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(await response.json()).toEqual(expect.arrayContaining(['gas', 'internet', 'reports']));
      expect((await providers()('/providers/no-such-provider')).status).toBe(404);
    });

    test('for bills reads all pages, by cursor and by Link', async () => {
      const all = async (id: string) => (await providers()(`/providers/${id}`)).json();
      const byCursor: unknown[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const response = await providers()(`/providers/gas/accounts/10000001/bills${cursor && `?cursor=${cursor}`}`);
        const { data, meta } = (await response.json()) as { data: unknown[]; meta: { next: string | null } };
        byCursor.push(...data);
        cursor = meta.next;
      }
      expect(byCursor).toEqual(await all('gas'));
      const byLink: unknown[] = [];
      for (let query: string | undefined = ''; query !== undefined; ) {
        const response = await providers()(`/providers/internet/bills${query}`);
        byLink.push(...((await response.json()) as unknown[]));
        query = /^<(\?.+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
      }
      expect(byLink).toEqual(await all('internet'));
    });

    test('with a token orders a report, and reads it when it is done', async () => {
      const credentials = { client_id: 'boomerang', client_secret: FUNCTION_SETTINGS.REPORTS_CLIENT_SECRET };
      const body = new URLSearchParams({ grant_type: 'client_credentials', ...credentials });
      const granted = await providers()('/providers/token', { method: 'POST', body });
      const { access_token: token } = (await granted.json()) as { access_token: string };
      const authorization = `Bearer ${token}`;
      const headers = { ...JSON_TYPE, authorization, 'idempotency-key': 'order-1' };
      const ordered = await providers()('/providers/reports', post('{"taxId":"1"}', headers));
      expect(ordered.status).toBe(202);
      const { id } = (await ordered.json()) as { id: string };
      expect(ordered.headers.get('location')).toBe(`/providers/reports/${id}`);
      const read = async () => {
        const response = await providers()(`/providers/reports/${id}`, { headers: { authorization } });
        return { retryAfter: response.headers.get('retry-after'), ...((await response.json()) as { status: string }) };
      };
      const deadline = Date.now() + 10_000;
      let report = await read();
      while (report.retryAfter !== null && Date.now() < deadline) {
        await sleep(Number(report.retryAfter) * 200);
        report = await read();
      }
      expect(report).toMatchObject({ id, status: 'DONE', report: { creditScore: expect.any(Number) } });
    });

    test('to POST /complete gets its body back unchanged', async () => {
      const callback = '{"jobId":"a","data":[{"n":12345678901234567890}]}';
      const response = await service()('/complete', post(callback));
      expect([response.status, await response.text()]).toEqual([200, `{"message":${callback}}`]);
    });

    test('to GET /jobs lists jobs newest first, page by page', async () => {
      const { submit, listAll } = apiOf(cloud());
      for (let count = 0; count < 7; count += 1) await submit(['gas'], validBody().callbackUrl);
      const all = (await listAll()).map((job) => job.jobId);
      const paged: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = await service()(`/jobs?limit=2${cursor && `&cursor=${cursor}`}`, {
          headers: { authorization: `Bearer ${cloud().apiKey}` },
        });
        const body = (await page.json()) as { jobs: { jobId: string }[]; cursor: string | null };
        paged.push(...body.jobs.map((job) => job.jobId));
        cursor = body.cursor;
      }
      expect(paged).toEqual(all);
      // UUIDv7 ids sort by creation time. Ids derived from idempotency keys are not UUIDv7.
      const v7Ids = all.filter((jobId) => jobId[14] === '7');
      expect(v7Ids).toEqual([...v7Ids].sort().reverse());
      expect(all.length).toBeGreaterThanOrEqual(7);
    });
  });
};
