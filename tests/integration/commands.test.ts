import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

/** The scripts that are programs of this project; the others are tools with a `--help` of their own. */
const ours = Object.entries(scripts).flatMap(([name, command]): [string, string][] => {
  const [, file] = /^node (\S+\.ts)$/.exec(command) ?? [];
  return file === undefined ? [] : [[name === 'start' ? 'npm start' : `npm run ${name}`, file]];
});

const run = (file: string, args: string[], folder: string) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const env = {
      ...process.env,
      // Whatever it would write or install goes here, and nothing may.
      DATA_DIR: path.join(folder, 'data'),
      TMPDIR: folder,
      SERVICE_PORT: '0',
      PROVIDERS_PORT: '0',
      PATH: '/nowhere',
    };
    execFile(process.execPath, [path.resolve(file), ...args], { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });

test('every program of this project that is a script is asked below', () => {
  expect(ours.map(([name]) => name)).toEqual(
    expect.arrayContaining(['npm start', 'npm run demo', 'npm run bench', 'npm run test:deploy', 'npm run openapi']),
  );
  expect(Object.values(scripts).filter((command) => /\.ts\b/.test(command))).toHaveLength(ours.length);
});

describe.each(ours)('%s', (name, file) => {
  test('with --help says what it does and what it takes, and does nothing else', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
    const before = readFileSync('docs/openapi/service.json', 'utf8');
    const { code, stdout, stderr } = await run(file, ['--help'], folder);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(name);
    expect(stdout).toMatch(/exit codes/i);
    expect(readdirSync(folder)).toEqual([]);
    expect(readFileSync('docs/openapi/service.json', 'utf8')).toBe(before);
  }, 60_000);

  test('with an option that it does not have ends with 2, and says so and its usage on stderr', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
    const { code, stdout, stderr } = await run(file, ['--nonsense'], folder);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain("'--nonsense'");
    expect(stderr).toContain(name);
    expect(readdirSync(folder)).toEqual([]);
  }, 60_000);
});
