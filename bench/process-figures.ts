import { readFileSync } from 'node:fs';

/** Clock ticks a second of `/proc/<pid>/stat`: fixed on Linux. */
const TICKS_PER_SECOND = 100;

/** CPU time of a process with all its threads, user and system, milliseconds; NaN where there is no `/proc`. */
export const cpuMs = (pid: number | undefined): number => {
  try {
    // The second field, the name in parentheses, may contain spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
};

/** Proportional set size of a process, MiB; NaN where there is no `/proc`. */
export const pssMiB = (pid: number | undefined): number => {
  try {
    const [, kib] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
    return Number(kib) / 1024;
  } catch {
    return Number.NaN;
  }
};
