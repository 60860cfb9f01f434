import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';

/** The data folder can't be used. The message is one line and says why. */
export class DataFolderError extends Error {
  override name = 'DataFolderError';
}

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
const OTHERS = 0o077;

/** What the embedded cloud keeps in a data folder. */
const OURS = /^(?:(?:dynamodb|local-api-key|running\.json|stopped-cleanly)(?:\.\d+)?|lost\+found)$/;

/**
 * Makes a data folder that only its owner can read, or tightens the permissions of one that exists: it holds signing secrets.
 * Files that are made in this process from then on are private, too.
 * @throws DataFolderError when it can't be made or written, is somebody else's, or is shared with other things
 */
export const prepareDataFolder = (folder: string): void => {
  process.umask(OTHERS);
  try {
    makeFolder(folder);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    tighten(folder);
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    throw new DataFolderError(`DATA_DIR: ${folder} ${explain(error as NodeJS.ErrnoException)}`, { cause: error });
  }
};

/** Makes a folder and those above it. (`mkdir` with `recursive` never returns for some paths in /proc.) */
export const makeFolder = (folder: string): void => {
  const absolute = path.resolve(folder);
  if (statSync(absolute, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = path.dirname(absolute);
  if (parent !== absolute && lstatSync(parent, { throwIfNoEntry: false }) === undefined) makeFolder(parent);
  mkdirSync(absolute);
};

const tighten = (folder: string): void => {
  // Windows has no such permissions.
  if (process.getuid === undefined) return;
  const { mode, uid } = statSync(folder);
  const entries = readdirSync(folder);
  const me = process.getuid();
  if (uid !== me && me !== 0) throw new DataFolderError(`DATA_DIR: ${folder} belongs to another user`);
  const others = entries.filter((name) => !OURS.test(name));
  if ((mode & OTHERS) !== 0) {
    const isCommon = ['/', tmpdir(), homedir()].includes(path.resolve(folder));
    if (others.length > 0 || isCommon) {
      const what = others.length > 0 ? `holds other files (${others.slice(0, 3).join(', ')})` : 'is used by others';
      const permissions = (mode & 0o7777).toString(8).padStart(4, '0');
      throw new DataFolderError(
        `DATA_DIR: ${folder} ${what} and is open to other users (${permissions}): choose a folder of its own, or chmod 700 it`,
      );
    }
    chmodSync(folder, PRIVATE_FOLDER);
  }
  for (const name of entries) if (OURS.test(name)) tightenAll(path.join(folder, name));
};

const tightenAll = (file: string): void => {
  const entry = lstatSync(file);
  if (entry.isSymbolicLink()) return;
  const wanted = entry.isDirectory() ? PRIVATE_FOLDER : PRIVATE_FILE;
  if ((entry.mode & OTHERS) !== 0) chmodSync(file, wanted);
  if (entry.isDirectory()) for (const name of readdirSync(file)) tightenAll(path.join(file, name));
};

/**
 * Writes a file that only its owner can read, whole or not at all: a full disk leaves the one that was there.
 * @throws Error of the file system
 */
export const writePrivateFile = (file: string, text: string): void => {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, text, { mode: PRIVATE_FILE });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
};

const REASONS: Record<string, string> = {
  EROFS: 'is on a read-only file system',
  EACCES: "can't be written: permission denied",
  EPERM: "can't be written: operation not permitted",
  ENOSPC: "can't be written: the disk is full",
  EDQUOT: "can't be written: the quota is used up",
  ENOENT: "can't be made there",
  EEXIST: 'is no folder',
  ENOTDIR: 'lies under something that is no folder',
  ELOOP: 'is a symbolic link to itself',
  ENAMETOOLONG: 'has too long a name',
};

/** Why the file system refused, in words. */
export const explain = (error: NodeJS.ErrnoException): string =>
  REASONS[error.code ?? ''] ?? `can't be used: ${error.message}`;
