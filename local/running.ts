import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import type { Access } from './access.ts';
import { writePrivateFile } from './data-folder.ts';

/**
 * The content of `running.json` in a data folder: how other processes of the same user reach the embedded cloud that runs on
 * it. The file is readable by its owner only, because it contains the credentials for the endpoints and the API key of the
 * local client.
 */
export type Running = {
  outputs: Record<string, string>;
  endpoints: { dynamodb: string; stepFunctions: string };
  /** Credentials for the endpoints; new at each start. */
  access: Access;
  apiKey: string;
  /** The schedule: its start (ISO 8601), and the seconds between sweeps. */
  sweeps: { since: string; everySeconds: number };
};

const fileOf = (folder: string): string => path.join(folder, 'running.json');

/**
 * Writes `running.json`.
 * @returns a function that removes it
 */
export const announceRunning = (folder: string, running: Running): (() => void) => {
  writePrivateFile(fileOf(folder), `${JSON.stringify(running, null, 2)}\n`);
  return () => rmSync(fileOf(folder), { force: true });
};

/**
 * Finds the embedded cloud running on a data folder; undefined if none is, even if a stale `running.json` exists. A test call
 * with its credentials rules out another program on the same port.
 */
export const findRunning = async (folder: string): Promise<Running | undefined> => {
  let client: DynamoDBClient | undefined;
  try {
    const running = JSON.parse(readFileSync(fileOf(folder), 'utf8')) as Running;
    client = clientOf(running.endpoints.dynamodb, running.access);
    await client.send(new ListTablesCommand({}), { abortSignal: AbortSignal.timeout(5_000) });
    return running;
  } catch {
    return undefined;
  } finally {
    client?.destroy();
  }
};

/** Creates a client of an embedded database. */
export const clientOf = (endpoint: string, access: Access): DynamoDBClient =>
  new DynamoDBClient({ region: 'us-east-1', endpoint, credentials: access });
