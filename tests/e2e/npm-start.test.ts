import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
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
    ['SWEEP_SECONDS', '0'],
    ['PROVIDER_CATALOGUE', '/nowhere.json'],
  ])(
    'ends with one line that names a bad %s',
    async (name, value) => {
      const { code, lines } = await start({ [name]: value });
      expect(code).toBe(1);
      expect(lines).toEqual([expect.stringContaining(name)]);
    },
    20_000,
  );

  test('ends with one line when a port is taken', async () => {
    const { url, close } = await listen(createServer(), 0);
    const { code, lines } = await start({ SERVICE_PORT: new URL(url).port });
    await close();
    expect([code, lines]).toEqual([1, [expect.stringContaining('is in use')]]);
  }, 20_000);

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'ends in order on %s, with nothing to complain of',
    async (signal) => {
      const DATA_DIR = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
      const { code, lines } = await start({ DATA_DIR }, (child) => child.kill(signal));
      expect([code, lines]).toEqual([0, ['']]);
      expect(existsSync(path.join(DATA_DIR, 'stopped-cleanly'))).toBe(true);
    },
    20_000,
  );

  test('keeps its jobs over a stop and a start, and two of them do not share a folder', async () => {
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
