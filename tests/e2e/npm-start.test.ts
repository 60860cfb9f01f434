import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { listen } from '../../local/http-server.ts';
import { startInstance } from '../../local/instance.ts';
import { apiOf } from './api.ts';

describe('npm start', () => {
  const MAIN = fileURLToPath(new URL('../../local/main.ts', import.meta.url));
  const start = async (settings: Record<string, string>, whenUp: (child: ChildProcess) => void = () => {}) => {
    const child = spawn(process.execPath, [MAIN], {
      env: {
        ...process.env,
        SERVICE_PORT: '0',
        PROVIDERS_PORT: '0',
        DATA_DIR: mkdtempSync(path.join(tmpdir(), 'boomerang-')),
        ...settings,
      },
    });
    let stdout = '';
    const untilUp = (chunk: Buffer) => {
      stdout += chunk;
      if (!stdout.includes('Ctrl-C')) return;
      child.stdout.off('data', untilUp).resume();
      whenUp(child);
    };
    child.stdout.on('data', untilUp);
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const [code] = await once(child, 'close');
    return { code, lines: stderr.trim().split('\n') };
  };

  test.each([
    ['FAILURE_RATE', '2'],
    ['LEASE_SECONDS', '10'],
    ['RETRY_SCHEDULE_SECONDS', '1,a'],
    ['FETCH_DEADLINE_SECONDS', '0'],
    ['SERVICE_PORT', 'x'],
    ['CORS_ORIGINS', '*'],
    ['SWEEP_SECONDS', '0'],
    ['PROVIDER_CATALOGUE', '/nowhere.json'],
  ])(
    'exits with one line that names an invalid %s',
    async (name, value) => {
      const { code, lines } = await start({ [name]: value });
      expect(code).toBe(1);
      expect(lines).toEqual([expect.stringContaining(name)]);
    },
    20_000,
  );

  const catalogue = (text: string): string => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'boomerang-catalogue-')), 'providers.json');
    writeFileSync(file, text);
    return file;
  };

  test('names every invalid setting and the rule that it breaks', async () => {
    const PROVIDER_CATALOGUE = catalogue('{"providers": [\n  {"id": "gas"\n   "url": "http://127.0.0.1/"}]}');
    const { code, lines } = await start({
      LEASE_SECONDS: '60',
      FAILURE_RATE: '-1',
      SERVICE_PORT: '65536',
      PAUSED: 'yes',
      RETRY_SCHEDULE_SECONDS: '30,1.5',
      BREAKER_FAILURE_RATE: '0',
      FETCH_DEADLINE_SECONDS: '99999999',
      PROVIDER_CATALOGUE,
    });
    expect(code).toBe(1);
    const position = `PROVIDER_CATALOGUE: ${PROVIDER_CATALOGUE}: it is not JSON: line 3, column 4`;
    expect(lines.map((line) => (line.startsWith(position) ? position : line)).sort()).toEqual(
      [
        'LEASE_SECONDS: must be at least 360',
        'FAILURE_RATE: must be a number, 0 or more',
        'SERVICE_PORT: must be at most 65535',
        'PAUSED: must be one of none, fetch, callbacks, all',
        'RETRY_SCHEDULE_SECONDS: item 2 must be a whole number',
        'BREAKER_FAILURE_RATE: must be more than 0',
        'FETCH_DEADLINE_SECONDS: must be at most 2592000',
        position,
      ].sort(),
    );
  }, 20_000);

  test('names every error in a catalogue with its position', async () => {
    const gas = { id: 'gas', url: 'http://127.0.0.1/', timeoutMs: 0, more: 1 };
    const PROVIDER_CATALOGUE = catalogue(JSON.stringify({ providers: [gas, { id: 'internet', url: '${NOWHERE}/' }] }));
    const { code, lines } = await start({ PROVIDER_CATALOGUE });
    expect(code).toBe(1);
    const [line, ...more] = lines;
    expect(more).toEqual([]);
    for (const part of [
      PROVIDER_CATALOGUE,
      '1:65: providers.0.timeoutMs: ',
      '"more"',
      'providers.1.url: ',
      'NOWHERE is not set',
    ])
      expect(line).toContain(part);
  }, 20_000);

  test('warns of missing credentials with their provider, variable and SSM parameter', async () => {
    const auth = (secret: string) => ({ header: 'x-api-key', secret });
    const providers = ['gas', 'water', 'internet'].map((id) => ({
      id,
      url: 'http://127.0.0.1/',
      auth: auth(`${id}-key`),
    }));
    // The local stage sets this secret itself, for a mock provider.
    const reports = { id: 'reports', url: 'http://127.0.0.1/', auth: auth('reports-client-secret') };
    const PROVIDER_CATALOGUE = catalogue(`\uFEFF${JSON.stringify({ providers: [...providers, reports] })}`);
    const cloud = await startInstance({ PROVIDER_CATALOGUE, GAS_KEY: 'credential', WATER_KEY: ' ' });
    const output = cloud.output();
    await cloud.stop();
    expect(output).not.toMatch(/GAS_KEY|REPORTS_CLIENT_SECRET/);
    for (const id of ['water', 'internet']) {
      const warning = output.split('\n').find((line) => line.includes(`provider ${id} `));
      expect(warning).toContain(`${id.toUpperCase()}_KEY`);
      expect(warning).toContain(`/<stack name>/providers/${id}-key`);
    }
  }, 20_000);

  test('prints a job that the catalogue in use accepts', async () => {
    const base = { type: 'string', examples: ["it's"] };
    const parameters = { type: 'object', required: ['base'], properties: { base } };
    const rates = { id: 'rates', url: '${PROVIDERS_API_URL}/providers/internet/bills{?base}', parameters };
    const cloud = await startInstance({ PROVIDER_CATALOGUE: catalogue(JSON.stringify({ providers: [rates] })) });
    const [, word = ''] = /-d (.+)\n/.exec(cloud.output()) ?? [];
    const body = execFileSync('sh', ['-c', `printf %s ${word}`], { encoding: 'utf8' });
    const response = await apiOf(cloud).post(body);
    await cloud.stop();
    expect(JSON.parse(body)).toMatchObject({ providers: [{ id: 'rates', parameters: { base: "it's" } }] });
    expect(response.status).toBe(202);
  }, 20_000);

  test.each([
    ['that is a file', '/dev/null'],
    ...(existsSync('/proc/self') ? [['that cannot be created', '/proc/nope']] : []),
  ])(
    'exits with one line for a data folder %s',
    async (_, DATA_DIR) => {
      const { code, lines } = await start({ DATA_DIR: String(DATA_DIR) });
      expect([code, lines]).toEqual([1, [expect.stringContaining(`DATA_DIR: ${DATA_DIR} `)]]);
    },
    20_000,
  );

  test('exits with one line when a port is in use', async () => {
    const { url, close } = await listen(createServer(), 0);
    const { code, lines } = await start({ SERVICE_PORT: new URL(url).port });
    await close();
    expect([code, lines]).toEqual([1, [expect.stringContaining('is in use')]]);
  }, 20_000);

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'stops cleanly on %s, without error output',
    async (signal) => {
      const DATA_DIR = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
      const { code, lines } = await start({ DATA_DIR }, (child) => child.kill(signal));
      expect([code, lines]).toEqual([0, ['']]);
    },
    20_000,
  );

  test('keeps its jobs across restarts, and refuses a data folder that is in use', async () => {
    const DATA_DIR = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
    const first = await startInstance({ DATA_DIR });
    const jobId = await apiOf(first).submit(['gas'], 'http://127.0.0.1:9/complete');
    const { code, lines } = await start({ DATA_DIR });
    expect([code, lines]).toEqual([1, [expect.stringContaining('DATA_DIR')]]);
    await first.stop();
    const second = await startInstance({ DATA_DIR });
    expect((await apiOf(second).getJob(jobId)).jobId).toBe(jobId);
    await second.stop();
  }, 30_000);
});
