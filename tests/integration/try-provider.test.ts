import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Respond, startServer, type TestServer } from '../fetching.ts';
import { runProgram } from '../run-program.ts';

/** Runs `npm run providers -- try` as a process. */

const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-try-'));
const SECRET = 's3cret-of-gas';
let server: TestServer;
let catalogue: string;

const respond: Respond = ({ path: pathname, query, headers, method, body }) => {
  switch (pathname) {
    case '/accounts/12345678/bills': {
      if (headers.authorization !== `Bearer ${SECRET}`) return { status: 401, body: 'no' };
      const isFirst = !query.has('cursor');
      const items = isFirst ? '[{"id":12345678901234567890}]' : `[${JSON.stringify('x'.repeat(3_000))}]`;
      const text = `{"data":${items},"next":${isFirst ? '"b"' : 'null'}}`;
      return { headers: { 'content-type': 'application/json' }, body: text };
    }
    case '/token':
      return { body: { access_token: 'the-access-token', token_type: 'bearer', expires_in: 60 } };
    case '/reports':
      if (headers.authorization !== 'Bearer the-access-token') return { status: 401 };
      if (method !== 'POST') return { status: 404 };
      return { status: 202, headers: { location: `/reports/${JSON.parse(body).taxId === 'T' ? 7 : 8}` } };
    case '/reports/8':
      return { body: { status: server.requests.length % 2 ? 'RUNNING' : 'DONE', report: { score: 1.0 } } };
    case '/empty':
      return { status: 204 };
    default:
      return { status: 404, body: { error: `no such account ${query.get('pin')}` } };
  }
};

const providersAt = (url: string): ProviderInput[] => [
  {
    id: 'gas',
    url: `${url}/accounts/{account}/bills{?size,stage}`,
    parameters: {
      type: 'object',
      required: ['account'],
      properties: {
        account: { type: 'string', pattern: '^[0-9]{8}$', writeOnly: true, title: 'Account number' },
        size: { type: 'integer', default: 100 },
        stage: { type: 'string' },
      },
    },
    auth: { kind: 'header', header: 'authorization', prefix: 'Bearer ', secret: 'gas-key' },
    pagination: { kind: 'cursor', cursorAt: '/next', parameter: 'cursor', itemsAt: '/data' },
  },
  {
    id: 'reports',
    method: 'POST',
    url: `${url}/reports`,
    parameters: {
      type: 'object',
      properties: { taxId: { type: 'string', writeOnly: true }, paid: { type: 'boolean' }, rate: { type: 'number' } },
    },
    body: { taxId: '{taxId}', paid: '{paid}', rate: '{rate}' },
    idempotencyHeader: 'idempotency-key',
    auth: { kind: 'oauth2', tokenUrl: `${url}/token`, clientId: 'boomerang', secret: 'gas-key', clientAuth: 'post' },
    polling: {
      statusUrl: 'location',
      statusAt: '/status',
      pending: ['RUNNING'],
      succeeded: ['DONE'],
      intervalSeconds: 1,
    },
    dataAt: '/report',
  },
  { id: 'empty', url: `${url}/empty` },
  {
    id: 'broken',
    url: `${url}/nothing{?pin}`,
    parameters: { type: 'object', properties: { pin: { type: 'string', writeOnly: true } } },
  },
  { id: 'down', url: 'http://127.0.0.1:1/' },
];

beforeAll(async () => {
  server = await startServer(respond);
  catalogue = path.join(folder, 'providers.json');
  writeFileSync(catalogue, JSON.stringify({ providers: providersAt(server.url) }));
});
afterAll(() => server.stop());

const run = (args: string[], env: Record<string, string> = { GAS_KEY: SECRET }) =>
  runProgram('cli/providers.ts', ['try', ...args], {
    env: { PATH: process.env.PATH ?? '', DATA_DIR: folder, PROVIDER_CATALOGUE: catalogue, ...env },
  });

describe('npm run providers -- try', () => {
  test('prints each call, the verdict and the data to deliver, without secrets', async () => {
    const { code, stdout, stderr } = await run(['gas', '--account', '12345678', '--size', '5']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`1  GET ${server.url}/accounts/***/bills?size=5\n`);
    expect(stdout).toContain(`2  GET ${server.url}/accounts/***/bills?size=5&cursor=b\n`);
    expect(stdout).toContain('   authorization: Bearer ***\n');
    expect(stdout).toMatch(/^ {3}200 {2}\d+ bytes {2}\d+ ms$/m);
    expect(stdout).toMatch(/^FETCHED: 2 calls, \d+ bytes of JSON, \d+ ms$/m);
    expect(stdout).toContain('[{"id":12345678901234567890},"xxx');
    expect(stdout).toMatch(/… \d+ more characters, shown with --full/);
    expect(stdout).not.toMatch(/s3cret|accounts\/1/);
  }, 20_000);

  test('prints the complete data with --full, and a JSON document with --json', async () => {
    const all = await run(['gas', '--account=12345678', '--full']);
    expect(all.stdout).toContain(`"${'x'.repeat(3_000)}"]`);
    const { code, stdout } = await run([
      'gas',
      '--parameter',
      'account=12345678',
      '--json',
      '--parameter',
      'stage=a=b',
    ]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      provider: 'gas',
      parameters: { account: '***', size: 100, stage: 'a=b' },
      calls: [{ method: 'GET', statusCode: 200 }, { statusCode: 200 }],
      verdict: { status: 'FETCHED', statusCode: 200 },
    });
    expect(report.data).toHaveLength(2);
    expect(stdout).toContain('12345678901234567890');
    expect(JSON.stringify(report.calls)).not.toMatch(/s3cret|12345678/);
  }, 20_000);

  test('fetches a token and polls until the work is done', async () => {
    const { code, stdout } = await run(['reports', '--taxId', 'TAX-4711', '--paid', 'true', '--rate', '1.5']);
    expect(code).toBe(0);
    expect(stdout).toContain(`POST ${server.url}/token\n`);
    expect(stdout).toContain('client_secret=***');
    expect(stdout).toContain('{"taxId":"***","paid":true,"rate":1.5}');
    expect(stdout).toContain('still working: next poll in 1 s');
    expect(stdout).toMatch(/^FETCHED: \d calls/m);
    expect(stdout).toContain('{"score":1}');
    expect(stdout).not.toMatch(/s3cret|the-access|4711/);
  }, 20_000);

  test('exits with 1 if the work is not done by --timeout', async () => {
    const { code, stdout } = await run(['reports', '--timeout', '0']);
    expect(code).toBe(1);
    expect(stdout).toContain('WORKING: not done after 0 polls; raise --timeout to wait longer');
  }, 20_000);

  test('exits with 0 if the data is null', async () => {
    const { code, stdout } = await run(['empty']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^null$/m);
  }, 20_000);

  test.each([
    [
      'refuses',
      ['broken', '--pin', '0815-sesame'],
      /^REFUSED \(ProviderRefused\): bad_status, 404\n\{"error":"no such account \*\*\*"\}$/m,
    ],
    [
      'refuses a short secret value',
      ['broken', '--pin', 'Qz'],
      /^REFUSED \(ProviderRefused\): bad_status, 404\n\(not shown/m,
    ],
    ['is down', ['down'], /^UNAVAILABLE \(ProviderUnavailable\): connection_refused\nECONNREFUSED$/m],
  ])(
    'exits with 1 and prints the verdict if a provider %s',
    async (_case, args, expected) => {
      const { code, stdout } = await run(args);
      expect(code).toBe(1);
      expect(stdout).toMatch(expected);
      expect(stdout).not.toMatch(/sesame|Qz/);
      const json = await run([...args, '--json']);
      expect(JSON.parse(json.stdout).verdict.status).toMatch(/REFUSED|UNAVAILABLE/);
      expect(json.code).toBe(1);
    },
    20_000,
  );

  test.each<[string, string[], RegExp]>([
    ['no provider', [], /^A provider is required\./],
    [
      'an unknown provider',
      ['no-such-provider'],
      /^No such provider: no-such-provider\. The catalogue has gas, reports, empty, broken, down\./,
    ],
    ['a missing parameter', ['gas'], /^--account: Is required/],
    ['a wrong value, which is not shown', ['gas', '--account', 'sesame'], /^--account: Must match the pattern/],
    ['a string for an integer', ['gas', '--account', '12345678', '--size', 'many'], /^--size: Must be an integer/],
    ['an unknown parameter', ['empty', '--parameter', 'a=1'], /^--a: Not a known parameter/],
    ['a --parameter without a value', ['empty', '--parameter', 'a'], /^--parameter must be name=value/],
    ['an unknown option', ['empty', '--colour', 'red'], /colour/],
    ['an unknown stage', ['empty', '--stage', 'moon'], /^--stage must be one of local, dev, prod/],
    ['an invalid timeout', ['empty', '--timeout', 'soon'], /^--timeout must be a whole number/],
    ['a missing file', ['empty', '--catalogue', '/no/such.json'], /can't be read/],
    ['a secret that is not set', ['gas', '--account', '12345678'], /^the secret gas-key is not set: set GAS_KEY/],
  ])(
    'exits with 2 for %s',
    async (name, args, expected) => {
      const { code, stderr } = await run(args, name === 'a secret that is not set' ? {} : { GAS_KEY: SECRET });
      expect(code).toBe(2);
      expect(stderr).toMatch(expected);
      expect(stderr).not.toContain('sesame');
    },
    20_000,
  );

  test('lists the parameters of a provider as options with --help', async () => {
    const { code, stdout } = await run(['gas', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/--account <string> +Account number/);
  }, 20_000);
});
