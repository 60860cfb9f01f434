import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { nextTickMs } from '../../local/schedule.ts';
import { useTemporaryFolder } from '../../tools/temporary-folder.ts';

describe('a program that runs under another', () => {
  const start = (script: string): ChildProcess =>
    spawn(process.execPath, ['tools/engines/end-with-parent.cjs', process.execPath, '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  /** Stays until it is told to end; says so. */
  const STAYS =
    "process.on('SIGTERM', () => { console.log('ended'); process.exit(7); }); setInterval(() => {}, 1000); console.log('up')";

  test.each<[string, (child: ChildProcess) => void]>([
    ['the input ends', (child) => child.stdin?.end()],
    ['the other is told to', (child) => child.kill('SIGTERM')],
  ])('ends when %s', async (_, end) => {
    const child = start(STAYS);
    let printed = '';
    child.stdout?.on('data', (chunk) => {
      if (printed === '') end(child);
      printed += chunk;
    });
    expect(await once(child, 'close')).toEqual([7, null]);
    expect(printed).toBe('up\nended\n');
  });

  test('hands on how it ended', async () => {
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

  test('takes what is written, and is removed with it', () => {
    const remove = useTemporaryFolder('run', parent);
    const { TMPDIR: folder = '' } = process.env;
    expect(path.dirname(folder)).toBe(parent);
    mkdtempSync(path.join(folder, 'boomerang-'));
    remove();
    expect([process.env.TMPDIR, readdirSync(parent)]).toEqual([parent, []]);
  });

  test('of a run that was killed is removed by the next, that of one that goes on is not', async () => {
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

test('a schedule fires next at or after a time, and never before it began', () => {
  expect(nextTickMs(1_000, 5, 0)).toBe(1_000);
  expect(nextTickMs(1_000, 5, 1_000)).toBe(1_000);
  expect(nextTickMs(1_000, 5, 1_001)).toBe(6_000);
  expect(nextTickMs(1_000, 5, 6_000)).toBe(6_000);
});
