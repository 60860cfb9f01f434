import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { nextTickMs } from '../../local/schedule.ts';
import { useTemporaryFolder } from '../../tools/temporary-folder.ts';

describe('a program under end-with-parent', () => {
  const start = (script: string): ChildProcess =>
    spawn(process.execPath, ['tools/engines/end-with-parent.cjs', process.execPath, '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  /** Runs until SIGTERM, and prints when it starts and ends. */
  const UNTIL_SIGTERM =
    "process.on('SIGTERM', () => { console.log('ended'); process.exit(7); }); setInterval(() => {}, 1000); console.log('up')";

  test.each<[string, (child: ChildProcess) => void]>([
    ['its input ends', (child) => child.stdin?.end()],
    ['its wrapper gets SIGTERM', (child) => child.kill('SIGTERM')],
  ])('ends when %s', async (_, end) => {
    const child = start(UNTIL_SIGTERM);
    let printed = '';
    child.stdout?.on('data', (chunk) => {
      if (printed === '') end(child);
      printed += chunk;
    });
    expect(await once(child, 'close')).toEqual([7, null]);
    expect(printed).toBe('up\nended\n');
  });

  test('determines the exit code of its wrapper', async () => {
    expect(await once(start('process.exit(3)'), 'close')).toEqual([3, null]);
  });
});

describe('the temporary folder of a run', () => {
  const { TMPDIR } = process.env;
  let parent: string;
  beforeEach(() => {
    parent = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
  });
  afterEach(() => {
    process.env.TMPDIR = TMPDIR;
  });

  test('is TMPDIR until it is removed with its files', () => {
    const remove = useTemporaryFolder('run', parent);
    const { TMPDIR: folder = '' } = process.env;
    expect(path.dirname(folder)).toBe(parent);
    mkdtempSync(path.join(folder, 'boomerang-'));
    remove();
    expect([process.env.TMPDIR, readdirSync(parent)]).toEqual([parent, []]);
  });

  test('is removed by the next run if its process was killed, but not while its process runs', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'close');
    const [dead, alive, other] = [`run-${child.pid}`, `run-${process.ppid}`, 'run-mine'];
    for (const name of [dead, alive, other]) {
      mkdirSync(path.join(parent, name));
      writeFileSync(path.join(parent, name, 'file'), '');
    }
    useTemporaryFolder('run', parent)();
    expect(readdirSync(parent).sort()).toEqual([alive, other].sort());
  });
});

test('the next tick of a schedule is at or after the given time and never before its start', () => {
  expect(nextTickMs(1_000, 5, 0)).toBe(1_000);
  expect(nextTickMs(1_000, 5, 1_000)).toBe(1_000);
  expect(nextTickMs(1_000, 5, 1_001)).toBe(6_000);
  expect(nextTickMs(1_000, 5, 6_000)).toBe(6_000);
});
