import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runProgram } from '../run-program.ts';

const run = (args: string[], env: Record<string, string> = {}) =>
  runProgram('cli/providers.ts', args, { env: { PATH: process.env.PATH ?? '', ...env } });

const writeCatalogue = (text: string): string => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'boomerang-catalogue-')), 'providers.json');
  writeFileSync(file, text);
  return file;
};

const CATALOGUE = JSON.stringify({
  providers: [
    {
      id: 'gas',
      title: 'Gas bills',
      description: 'Newest first',
      parameters: {
        type: 'object',
        required: ['account'],
        properties: {
          account: { type: 'string', pattern: '^[0-9]{8,12}$', writeOnly: true },
          pin: { type: 'string', writeOnly: true, default: '0000-PIN' },
          size: { type: 'integer', minimum: 1, maximum: 200, default: 100, as: 'page[size]' },
        },
      },
      url: 'https://user:hunter2@gas.example/{account}{?size,pin}',
      pagination: { kind: 'cursor', cursorAt: '/next', parameter: 'cursor', itemsAt: '/data' },
    },
    {
      id: 'report',
      method: 'POST',
      url: '${PROVIDERS_API_URL}/report',
      repeatable: true,
      auth: { kind: 'oauth2', tokenUrl: 'https://id.example/token', clientId: 'boomerang', secret: 'report-secret' },
      polling: { statusUrl: { at: '/links/status' }, intervalSeconds: 60, timeoutSeconds: 30 },
    },
    {
      id: 'orders',
      url: 'https://user:hunter2@orders.example/',
      headers: { 'x-api-key': 'hunter2', accept: 'text/csv' },
      polling: { statusUrl: { template: 'https://user:hunter2@orders.example/{id}', idAt: '/id' } },
    },
    {
      id: 'charges',
      url: 'https://charges.example',
      pagination: { kind: 'cursor', lastItemAt: '/id', parameter: 'starting_after' },
    },
  ],
});

describe('npm run providers -- check', () => {
  test('accepts the shipped catalogue', async () => {
    const { code, stdout } = await run(['check']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok, \d+ providers$/m);
    expect(stdout).not.toMatch(/^(?!.*\(warning\)$).*providers\.json:/m);
  }, 20_000);

  test('prints every error with file, line, column and path, with exit code 1', async () => {
    const file = writeCatalogue(
      '\uFEFF{\n "providers": [\n  {"id": "A", "id": "a",\n   "url": "https://h/{x}", "colour": 1}]}',
    );
    const { code, stdout } = await run(['check', file]);
    expect(code).toBe(1);
    expect(stdout.split('\n')).toEqual([
      `${file}:3:15: providers.0: Duplicate key "id"`,
      `${file}:4:11: providers.0.url: Must declare {x} in parameters`,
      `${file}:4:28: providers.0: Unknown key "colour"`,
      '',
    ]);
  }, 20_000);

  test('reads PROVIDER_CATALOGUE and PROVIDERS_API_URL, and warns without failing', async () => {
    const PROVIDER_CATALOGUE = writeCatalogue(CATALOGUE);
    const { code, stdout } = await run(['check'], { PROVIDER_CATALOGUE, PROVIDERS_API_URL: 'https://mock.example' });
    expect(code).toBe(0);
    expect(stdout).toContain('ok, 4 providers');
    expect(stdout).toMatch(/providers\.1\.auth\.secret: .*REPORT_SECRET.*\(warning\)/);
    expect(stdout).toMatch(/providers\.1\.polling: .*\(warning\)/);
    expect((await run(['check'], { PROVIDER_CATALOGUE, REPORT_SECRET: 's' })).stdout).not.toContain('REPORT_SECRET');
    const invalid = await run(['check'], { PROVIDER_CATALOGUE, PROVIDERS_API_URL: 'mock' });
    expect(invalid.code).toBe(1);
    expect(invalid.stdout).toContain('providers.1.url: Must be an absolute URL');
  }, 20_000);

  test('warns of unused parameters and of unused names in `as`', async () => {
    const properties = { a: { type: 'string' }, b: { type: 'string', default: 'x', as: 'c' } };
    const provider = { id: 'p', url: 'https://h/{b}', parameters: { type: 'object', properties } };
    const { code, stdout } = await run(['check', writeCatalogue(JSON.stringify({ providers: [provider] }))]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/providers\.0\.parameters\.properties\.a: Is not used/);
    expect(stdout).toMatch(/providers\.0\.parameters\.properties\.b\.as: Is not used/);
  }, 20_000);

  test('prints the position of a syntax error without quoting the file', async () => {
    const file = writeCatalogue('{"providers": [\n  {"url": "https://u:hunter2@h" "id": 1}]}');
    const { code, stdout, stderr } = await run(['check', file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/:2:33: catalogue: Must be JSON: /);
    expect(stdout + stderr).not.toContain('hunter2');
  }, 20_000);

  test('exits with 2 for a missing file, and for two files', async () => {
    expect(await run(['check', '/nowhere.json'])).toMatchObject({ code: 2, stdout: '' });
    expect(await run(['check', 'a.json', 'b.json'])).toMatchObject({ code: 2, stdout: '' });
  }, 20_000);
});

describe('npm run providers -- list', () => {
  test('prints each provider with its parameters and settings, without secrets', async () => {
    const { code, stdout } = await run(['list', writeCatalogue(CATALOGUE)]);
    expect(code).toBe(0);
    for (const part of [
      'gas  Gas bills',
      'Newest first',
      'GET https://***@gas.example/{account}{?size,pin}',
      'account: string, required, never shown, matches ^[0-9]{8,12}$',
      'size: integer 1..200, sent as page[size], default 100',
      'cursor at "/next", sent as cursor, items at "/data", at most 10 pages',
      'cursor at "/id" in the last item, sent as starting_after, items at "", at most 10 pages',
      'POST http://127.0.0.1:3001/report',
      'OAuth client credentials of boomerang at https://id.example/token, secret report-secret',
      'status at "/links/status", every 60 s, for 30 s',
      'status at https://***@orders.example/{id}, every 60 s, for 7200 s',
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout).not.toMatch(/hunter2|0000-PIN/);
  }, 20_000);

  test('prints all fields as JSON, without secrets', async () => {
    const { stdout } = await run(['list', '--json', writeCatalogue(CATALOGUE)]);
    expect(JSON.parse(stdout)).toEqual([
      expect.objectContaining({ id: 'gas', url: 'https://***@gas.example/{account}{?size,pin}', method: 'GET' }),
      expect.objectContaining({ id: 'report', repeatable: true }),
      expect.objectContaining({ id: 'orders', headers: { 'x-api-key': '***', accept: 'text/csv' } }),
      expect.objectContaining({ id: 'charges' }),
    ]);
    expect(stdout).not.toMatch(/hunter2|0000-PIN/);
  }, 20_000);

  test('exits with 1 for an invalid catalogue', async () => {
    const { code, stdout, stderr } = await run(['list', writeCatalogue('{"providers":[]}')]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/:1:14: providers: Must have at least 1 item/);
  }, 20_000);
});

test('npm run providers exits with 2 for an unknown command', async () => {
  expect(await run(['constructor'])).toMatchObject({ code: 2, stdout: '' });
}, 20_000);
