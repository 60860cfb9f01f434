import { execFile } from 'node:child_process';

/** What an ended program left. `code` is null if a signal ended it. */
export type ProgramResult = { code: number | null; stdout: string; stderr: string };

const TIMEOUT_MS = 60_000;

/** Runs a program of this project, and resolves when it ends, whatever its exit code. */
export const runProgram = (
  file: string,
  args: string[],
  { env, stdin = '' }: { env: NodeJS.ProcessEnv; stdin?: string },
): Promise<ProgramResult> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [file, ...args], { env, timeout: TIMEOUT_MS }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
    // The write fails if the program ends without reading stdin.
    child.stdin?.on('error', () => {}).end(stdin);
  });
