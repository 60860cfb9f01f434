import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runProgram } from '../run-program.ts';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

/** The scripts that run this project's programs. The other scripts run third-party tools. */
const programs = Object.entries(scripts).flatMap(([name, command]): [string, string][] => {
  const [, file] = /^node (?:--\S+ )*(\S+\.ts)$/.exec(command) ?? [];
  return file === undefined ? [] : [[name === 'start' ? 'npm start' : `npm run ${name}`, file]];
});

const run = (file: string, args: string[], folder: string) =>
  runProgram(path.resolve(file), args, {
    env: {
      ...process.env,
      // Whatever the program writes or installs lands in this folder, which must stay empty.
      DATA_DIR: path.join(folder, 'data'),
      TMPDIR: folder,
      SERVICE_PORT: '0',
      PROVIDERS_PORT: '0',
      PATH: '/nowhere',
    },
  });

test('the tests below cover every script that runs a program of this project', () => {
  expect(programs.map(([name]) => name)).toEqual(
    expect.arrayContaining(['npm start', 'npm run demo', 'npm run bench', 'npm run test:deploy', 'npm run openapi']),
  );
  expect(Object.values(scripts).filter((command) => /\.ts\b/.test(command))).toHaveLength(programs.length);
});

describe.each(programs)('%s', (name, file) => {
  test('prints its purpose, options and exit codes with --help, and does nothing else', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
    const before = readFileSync('docs/openapi/service.json', 'utf8');
    const { code, stdout, stderr } = await run(file, ['--help'], folder);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(name);
    expect(stdout).toMatch(/exit codes/i);
    expect(readdirSync(folder)).toEqual([]);
    expect(readFileSync('docs/openapi/service.json', 'utf8')).toBe(before);
  }, 60_000);

  test('refuses an unknown option with exit code 2, and prints the option and the usage on stderr', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
    const { code, stdout, stderr } = await run(file, ['--nonsense'], folder);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain("'--nonsense'");
    expect(stderr).toContain(name);
    expect(readdirSync(folder)).toEqual([]);
  }, 60_000);
});
