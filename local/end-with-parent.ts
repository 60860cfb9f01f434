import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

const LOOK_EVERY_MS = 250;

/** npm runs scripts in one of these, which may or may not replace itself by the script. */
const SHELL = /^(?:sh|dash|bash|ash|busybox|zsh|ksh)$/;

/** Name and parent of a process, where the system tells (Linux). */
const look = (pid: number): { name: string; parent: number } | undefined => {
  try {
    // `pid (name) state ppid …`: the name may hold anything, parentheses too.
    const [, name = '', parent] = /^\d+ \((.*)\) \S (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return { name, parent: Number(parent) };
  } catch {
    return undefined;
  }
};

/**
 * Calls back once the process that started this one is gone: one that gave it a channel (`stdio: 'ipc'`), or npm. npm hands some
 * signals to the shell that it runs a script in, and the shell keeps them to itself; killed outright it hands on nothing. Started in
 * another way, nothing is watched: a shell that ends leaves its background jobs running.
 */
export const onParentEnd = (end: () => void): void => {
  if (process.channel) process.once('disconnect', end);
  else if (process.env.npm_lifecycle_event !== undefined) watchNpm(end);
  // A channel that only says when it ends must not keep the process alive.
  process.channel?.unref();
};

const watchNpm = (end: () => void): void => {
  const parent = process.ppid;
  const shell = look(parent);
  const npm = shell && SHELL.test(shell.name) ? shell.parent : undefined;
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === undefined || look(parent)?.parent === npm)) return;
    clearInterval(timer);
    end();
  }, LOOK_EVERY_MS);
  timer.unref();
};

/** Ends this process on signals, and with its parent; instances that it started end with it. */
export const endOnSignals = (): void => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(128 + constants.signals[signal]));
  }
  onParentEnd(() => process.exit(1));
};
