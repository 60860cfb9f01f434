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

/** The data folder can't be used. The message says why, in one line. */
export class DataFolderError extends Error {
  override name = 'DataFolderError';
}

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
const GROUP_AND_OTHERS = 0o077;

/** Files of the embedded cloud in a data folder. Earlier versions wrote `stopped-cleanly`. */
const OWN_FILES = /^(?:(?:dynamodb|local-api-key|running\.json|stopped-cleanly)(?:\.\d+)?|lost\+found)$/;

/**
 * Creates a data folder, or tightens the permissions of an existing one, so that only its owner can read it: it contains signing
 * secrets. Also sets the umask, so that files created later are private.
 * @throws DataFolderError if it can't be created or written, belongs to another user, or is open to others and has other files
 */
export const prepareDataFolder = (folder: string): void => {
  process.umask(GROUP_AND_OTHERS);
  try {
    makeFolder(folder);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    tighten(folder);
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    throw new DataFolderError(`DATA_DIR: ${folder} ${explainFileError(error as NodeJS.ErrnoException)}`, {
      cause: error,
    });
  }
};

/** Creates a folder and its parents. (`mkdir` with `recursive` never returns for some paths in /proc.) */
export const makeFolder = (folder: string): void => {
  const absolute = path.resolve(folder);
  if (statSync(absolute, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = path.dirname(absolute);
  if (parent !== absolute && lstatSync(parent, { throwIfNoEntry: false }) === undefined) makeFolder(parent);
  mkdirSync(absolute);
};

const tighten = (folder: string): void => {
  // Windows has no POSIX permissions.
  if (process.getuid === undefined) return;
  const { mode, uid } = statSync(folder);
  const entries = readdirSync(folder);
  const ownUid = process.getuid();
  if (uid !== ownUid && ownUid !== 0) throw new DataFolderError(`DATA_DIR: ${folder} belongs to another user`);
  const others = entries.filter((name) => !OWN_FILES.test(name));
  if ((mode & GROUP_AND_OTHERS) !== 0) {
    const isShared = ['/', tmpdir(), homedir()].includes(path.resolve(folder));
    if (others.length > 0 || isShared) {
      const reason = others.length > 0 ? `has other files (${others.slice(0, 3).join(', ')})` : 'is a shared folder';
      const permissions = (mode & 0o7777).toString(8).padStart(4, '0');
      throw new DataFolderError(
        `DATA_DIR: ${folder} ${reason} and is open to other users (${permissions}): choose an empty folder, or run chmod 700 on it`,
      );
    }
    chmodSync(folder, PRIVATE_FOLDER);
  }
  for (const name of entries) if (OWN_FILES.test(name)) tightenAll(path.join(folder, name));
};

const tightenAll = (file: string): void => {
  const entry = lstatSync(file);
  if (entry.isSymbolicLink()) return;
  const mode = entry.isDirectory() ? PRIVATE_FOLDER : PRIVATE_FILE;
  if ((entry.mode & GROUP_AND_OTHERS) !== 0) chmodSync(file, mode);
  if (entry.isDirectory()) for (const name of readdirSync(file)) tightenAll(path.join(file, name));
};

/**
 * Atomically writes a file that only its owner can read. If the disk is full, the previous file stays.
 * @throws the file system's error
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
  ENOENT: "can't be created there",
  EEXIST: 'is not a folder',
  ENOTDIR: 'is below something that is not a folder',
  ELOOP: 'is a symbolic link to itself',
  ENAMETOOLONG: 'has a name that is too long',
};

/** Explains a file system error: the rest of a sentence that begins with the path. */
export const explainFileError = (error: NodeJS.ErrnoException): string =>
  REASONS[error.code ?? ''] ?? `can't be used: ${error.message}`;
