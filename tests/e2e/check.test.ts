import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { runProgram } from '../run-program.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-check-'));
let cloud: Instance;

beforeAll(async () => {
  cloud = await startInstance({ DATA_DIR: folder, FAILURE_RATE: '0' });
}, 60_000);
afterAll(async () => {
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});

const check = (...options: string[]) =>
  runProgram('cli/check.ts', options, { env: { ...process.env, DATA_DIR: folder } });

test('npm run check passes when a job is delivered', async () => {
  const { code, stdout } = await check();
  expect(stdout).toMatch(/the API is healthy\n.*accepted job .*the job is COMPLETE.*check passed\n$/s);
  expect(code).toBe(0);
}, 60_000);

test('npm run check fails with a reason when the job is refused', async () => {
  expect(await check('--provider', 'no-such-provider')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^The job was not accepted: 422 .*no-such-provider/),
  });
  expect(await check('--timeout-seconds', 'x')).toMatchObject({ code: 2 });
}, 60_000);

test('GET /health?deep=1 reports that the embedded cloud and its sweeps are healthy', async () => {
  const response = await fetch(`${cloud.serviceUrl}/health?deep=1`);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ status: 'ok', checks: { sweep: { status: 'ok' } } });
});
