import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** How others on this machine reach the embedded cloud that runs over a data folder. It holds no secret. */
export type Running = {
  outputs: Record<string, string>;
  endpoints: { dynamodb: string; stepFunctions: string };
};

const fileOf = (folder: string): string => path.join(folder, 'running.json');

/** Tells where it runs, until the function that it gives is called. */
export const announceRunning = (folder: string, running: Running): (() => void) => {
  writeFileSync(fileOf(folder), `${JSON.stringify(running, null, 2)}\n`);
  return () => rmSync(fileOf(folder), { force: true });
};

/** The embedded cloud that runs over a data folder; undefined when none answers, whatever the last one has left there. */
export const findRunning = async (folder: string): Promise<Running | undefined> => {
  try {
    const running = JSON.parse(readFileSync(fileOf(folder), 'utf8')) as Running;
    await fetch(running.endpoints.dynamodb);
    return running;
  } catch {
    return undefined;
  }
};
