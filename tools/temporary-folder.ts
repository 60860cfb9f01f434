import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Creates a folder for the temporary files of this process and its children, and sets TMPDIR to it. Also removes the folders of
 * processes that were killed.
 * @returns a function that removes the folder
 */
export const useTemporaryFolder = (prefix: string, parent = tmpdir()): (() => void) => {
  for (const name of readdirSync(parent)) {
    const [, pid] = new RegExp(`^${prefix}-(\\d+)$`).exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) remove(path.join(parent, name));
  }
  const folder = path.join(parent, `${prefix}-${process.pid}`);
  remove(folder);
  mkdirSync(folder, { mode: 0o700 });
  process.env.TMPDIR = folder;
  return () => {
    process.env.TMPDIR = parent;
    remove(folder);
  };
};

const remove = (folder: string): void => {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // Another user's, or still in use: the next run tries again.
  }
};

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
