import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Log } from '@boomerang/core/observability/logger.ts';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { newAccess } from '../../local/access.ts';
import { DataFolderError, makeFolder, prepareDataFolder, writePrivateFile } from '../../local/data-folder.ts';
import { ensureTables, startDatabase } from '../../local/dynamodb.ts';
import { announceRunning, clientOf } from '../../local/running.ts';
import { readTemplate } from '../../local/template.ts';

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
});

/** Every file and folder that other users could read. */
const openToOthers = (folder: string): string[] =>
  ['', ...(readdirSync(folder, { recursive: true }) as string[])].filter(
    (name) => (statSync(path.join(folder, name)).mode & 0o077) !== 0,
  );

/** A folder as written by an older version, which kept nothing private. */
const oldFolder = (): string => {
  const folder = path.join(parent, 'old');
  mkdirSync(path.join(folder, 'dynamodb'), { recursive: true });
  for (const name of ['running.json', 'stopped-cleanly', 'dynamodb/000001.log']) {
    writeFileSync(path.join(folder, name), '');
    chmodSync(path.join(folder, name), 0o644);
  }
  for (const name of ['', 'dynamodb']) chmodSync(path.join(folder, name), 0o755);
  return folder;
};

describe('the data folder', () => {
  test('is readable only by its owner, with everything the database writes', async () => {
    const umask = process.umask(0o000);
    const folder = path.join(parent, 'deep', 'data');
    const access = newAccess();
    const { url, close } = await startDatabase(folder, access, quiet);
    const client = clientOf(url, access);
    await ensureTables(client, readTemplate('template.yaml'));
    announceRunning(folder, { access, apiKey: 'key' } as never);
    expect(openToOthers(folder)).toEqual([]);
    client.destroy();
    await close();
    expect(openToOthers(folder)).toEqual([]);
    process.umask(umask);
  });

  test('of an older version becomes private, with everything in it', () => {
    const folder = oldFolder();
    expect(openToOthers(folder)).toHaveLength(5);
    prepareDataFolder(folder);
    expect(openToOthers(folder)).toEqual([]);
  });

  test.each([0o755, 0o777, 0o1777, 0o750])('may be an empty folder of mode %o, which becomes private', (mode) => {
    chmodSync(parent, mode);
    prepareDataFolder(parent);
    expect(openToOthers(parent)).toEqual([]);
  });

  test('is refused, unchanged, if it has other files and other users can read it', () => {
    writeFileSync(path.join(parent, 'thesis.txt'), '');
    chmodSync(parent, 0o755);
    expect(() => prepareDataFolder(parent)).toThrow(/DATA_DIR: .* has other files \(thesis\.txt\).*0755/);
    expect(statSync(parent).mode & 0o777).toBe(0o755);
    chmodSync(parent, 0o700);
    prepareDataFolder(parent);
  });

  test('keeps the mode of a file that a symbolic link in it points to', () => {
    const folder = oldFolder();
    const other = path.join(parent, 'other');
    writeFileSync(other, '');
    chmodSync(other, 0o644);
    symlinkSync(other, path.join(folder, 'dynamodb', 'link'));
    prepareDataFolder(folder);
    expect(statSync(other).mode & 0o777).toBe(0o644);
  });

  const file = () => {
    writeFileSync(path.join(parent, 'file'), '');
    return path.join(parent, 'file');
  };
  const loop = () => {
    symlinkSync('loop', path.join(parent, 'loop'));
    return path.join(parent, 'loop');
  };
  test.each<[string, () => string, RegExp]>([
    ['a file', file, /is not a folder/],
    ['a path under a file', () => path.join(file(), 'data'), /is not a folder/],
    ['a link to itself', loop, /symbolic link/],
    ['a name that is too long', () => path.join(parent, 'x'.repeat(300)), /too long/],
  ])('must not be %s: preparing it throws', (_, folder, message) => {
    const invalid = folder();
    expect(() => prepareDataFolder(invalid)).toThrow(message);
    expect(() => prepareDataFolder(invalid)).toThrow(DataFolderError);
  });

  // Node's recursive mkdir never returns there.
  (existsSync('/proc/self') ? test : test.skip)('must not be in /proc: preparing it throws at once', () => {
    for (const folder of ['/proc/nope', '/proc/nope/deeper']) {
      expect(() => prepareDataFolder(folder)).toThrow(/DATA_DIR: \/proc\/nope.* can't be created there/);
      expect(() => makeFolder(folder)).toThrow();
    }
  });

  test('whose database cannot be opened throws a different error from one in use', async () => {
    writeFileSync(path.join(parent, 'dynamodb'), '');
    await expect(startDatabase(parent, newAccess(), quiet)).rejects.toThrow(/can't be opened: .*EEXIST/);
    const folder = path.join(parent, 'used');
    const { close } = await startDatabase(folder, newAccess(), quiet);
    await expect(startDatabase(folder, newAccess(), quiet)).rejects.toThrow(/in use by another process/);
    await close();
  });
});

test('a failed write of a private file keeps the previous file and leaves no draft', () => {
  const folder = path.join(parent, 'folder');
  mkdirSync(folder);
  expect(() => writePrivateFile(folder, 'text')).toThrow();
  expect(readdirSync(parent)).toEqual(['folder']);
});
