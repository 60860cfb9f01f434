import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

const POLL_INTERVAL_MS = 250;

/** Shells that npm runs scripts in. Some replace themselves with the script's process (exec). */
const SHELL = /^(?:sh|dash|bash|ash|busybox|zsh|ksh)$/;

/** Name and parent of a process (Linux only). */
const readProcess = (pid: number): { name: string; parent: number } | undefined => {
  try {
    // `pid (name) state ppid …`: the name may contain anything, even parentheses.
    const [, name = '', parent] = /^\d+ \((.*)\) \S (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return { name, parent: Number(parent) };
  } catch {
    return undefined;
  }
};

/**
 * Calls `end` once the parent has ended: a process that opened an IPC channel (`stdio: 'ipc'`), or npm. npm forwards some signals
 * only to the shell that runs the script, which ignores them; if npm is killed, it forwards nothing. Other parents are not
 * watched: background jobs of a shell keep running after it ends.
 */
export const onParentEnd = (end: () => void): void => {
  if (process.channel) process.once('disconnect', end);
  else if (process.env.npm_lifecycle_event !== undefined) watchNpm(end);
  // The channel is only used to detect disconnection, so it must not keep the process alive.
  process.channel?.unref();
};

const watchNpm = (end: () => void): void => {
  const parent = process.ppid;
  const shell = readProcess(parent);
  const npm = shell && SHELL.test(shell.name) ? shell.parent : undefined;
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === undefined || readProcess(parent)?.parent === npm)) return;
    clearInterval(timer);
    end();
  }, POLL_INTERVAL_MS);
  timer.unref();
};

/** Exits on signals, and when the parent ends. Instances started by this process end too. */
export const endOnSignals = (): void => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(128 + constants.signals[signal]));
  }
  onParentEnd(() => process.exit(1));
};
