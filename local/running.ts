import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import type { Access } from './access.ts';
import { writePrivateFile } from './data-folder.ts';

/**
 * How other processes of the same user reach the embedded cloud that runs over a data folder. It holds the credentials of its
 * endpoints and the API key of the local client: the file is readable by its owner only.
 */
export type Running = {
  outputs: Record<string, string>;
  endpoints: { dynamodb: string; stepFunctions: string };
  /** Credentials that the endpoints take; made anew at each start. */
  access: Access;
  apiKey: string;
  /** The schedule: ISO 8601, and seconds between two sweeps. */
  sweeps: { since: string; everySeconds: number };
};

const fileOf = (folder: string): string => path.join(folder, 'running.json');

/**
 * Tells where it runs.
 * @returns withdraws that
 */
export const announceRunning = (folder: string, running: Running): (() => void) => {
  writePrivateFile(fileOf(folder), `${JSON.stringify(running, null, 2)}\n`);
  return () => rmSync(fileOf(folder), { force: true });
};

/**
 * The embedded cloud that runs over a data folder; undefined when none runs, whatever the last one left there. Another program
 * that has taken its port is told from it by its refusal of the credentials.
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

/** A client of an embedded database. */
export const clientOf = (endpoint: string, access: Access): DynamoDBClient =>
  new DynamoDBClient({ region: 'us-east-1', endpoint, credentials: access });
