import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceNotFoundException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { Access } from './access.ts';
import { DataFolderError, prepareDataFolder, writePrivateFile } from './data-folder.ts';
import type { IndexDefinitions } from './dynamodb-indexes.ts';
import { readTemplate, resourcesOf, type Template } from './template.ts';

export type Database = {
  /** The address that the SDK is sent to. */
  url: string;
  /** False while it is down and being restarted. */
  isReachable: () => boolean;
  /** Calls back each time that it is up again after it broke. */
  onRecovered: (listener: () => void) => void;
  close: () => Promise<void>;
};

const FIRST_RESTART_DELAY_MS = 100;
const MAX_RESTART_DELAY_MS = 5_000;
/** A database that ran this long before it broke is restarted without delay. */
const STABLE_MS = 30_000;

/**
 * Starts DynamoDB over the data in a folder, for callers with these credentials only. Unless the last stop was clean and its
 * indexes are the template's, they are rebuilt first. If it breaks (a full disk, for example) it is restarted at the same
 * address, with back-off, until it is up again.
 * @throws DataFolderError when another process has the folder, or it can't be written
 */
export const startDatabase = async (folder: string, access: Access, log: Log): Promise<Database> => {
  const databasePath = path.resolve(folder, 'dynamodb');
  const cleanMark = path.resolve(folder, 'stopped-cleanly');
  prepareDataFolder(folder);

  const launch = async (port: number): Promise<{ worker: Worker; url: string }> => {
    const wasClean = !existsSync(databasePath) || existsSync(cleanMark);
    const worker = new Worker(new URL('./dynamodb-worker.ts', import.meta.url), {
      workerData: { path: databasePath, port, wasClean, access, indexes: indexDefinitions(readTemplate(TEMPLATE)) },
    });
    try {
      const [message] = await Promise.race([
        once(worker, 'message') as Promise<[{ url: string }]>,
        once(worker, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`))),
      ]);
      if (!wasClean) log.warn('The last stop was not clean: rebuilt the indexes', { folder });
      rmSync(cleanMark, { force: true });
      return { worker, url: message.url };
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  };

  const closing = new AbortController();
  const recoveryListeners: (() => void)[] = [];
  let running: Worker | undefined;
  let recovery: Promise<void> | undefined;
  let delayMs = 0;

  const watch = (worker: Worker): void => {
    running = worker;
    const startedAt = performance.now();
    worker.on('error', (error) => log.error('The database broke', { error }));
    worker.once('exit', () => {
      running = undefined;
      if (closing.signal.aborted) return;
      if (performance.now() - startedAt > STABLE_MS) delayMs = 0;
      recovery = recover();
    });
  };
  const recover = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await sleep(delayMs, undefined, { signal: closing.signal }).catch(() => {});
      delayMs = Math.min(Math.max(FIRST_RESTART_DELAY_MS, delayMs * 2), MAX_RESTART_DELAY_MS);
      try {
        log.warn('Starting the database again');
        const { worker } = await launch(port);
        log.info('The database is up again');
        watch(worker);
        for (const listener of recoveryListeners) listener();
        return;
      } catch (error) {
        log.error('The database did not start', { reason: innermost(error).message, retryAfterMs: delayMs });
      }
    }
  };

  const first = await launch(0).catch((cause: unknown) => {
    const why = isLocked(cause) ? 'is in use by another process' : `can't be opened: ${innermost(cause).message}`;
    throw new DataFolderError(`DATA_DIR: ${folder} ${why}`, { cause });
  });
  const port = Number(new URL(first.url).port);
  watch(first.worker);
  return {
    url: first.url,
    isReachable: () => running !== undefined,
    onRecovered: (listener) => void recoveryListeners.push(listener),
    close: async () => {
      closing.abort();
      await recovery;
      // While it is down there is nothing to close, and the next start rebuilds the indexes.
      if (!running) return;
      const ended = once(running, 'exit');
      running.postMessage('close');
      const [code] = await ended;
      if (code !== 0) return;
      try {
        writePrivateFile(cleanMark, '');
      } catch (error) {
        log.warn('The stop could not be marked as clean: the next start rebuilds the indexes', { error });
      }
    },
  };
};

const TEMPLATE = fileURLToPath(new URL('../template.yaml', import.meta.url));

const indexDefinitions = (template: Template): IndexDefinitions =>
  Object.fromEntries(
    resourcesOf(template, 'AWS::DynamoDB::Table').map(([logicalId, { Properties }]) => {
      const { AttributeDefinitions, GlobalSecondaryIndexes } = Properties as IndexDefinitions[string];
      return [
        logicalId,
        {
          ...(AttributeDefinitions && { AttributeDefinitions }),
          ...(GlobalSecondaryIndexes && { GlobalSecondaryIndexes }),
        },
      ];
    }),
  );

/** The error that all others came from. (It crossed a thread: it may not be an instance of this one's Error.) */
const innermost = (error: unknown): Error & { code?: string } => {
  const { cause } = error as Error;
  return cause === undefined ? (error as Error) : innermost(cause);
};

const isLocked = (error: unknown): boolean => `${innermost(error).code}`.includes('LOCKED');

/** The properties of a table that CreateTable does not take. */
type Table = CreateTableCommandInput & Record<(typeof NOT_OF_CREATE_TABLE)[number], unknown>;
const NOT_OF_CREATE_TABLE = [
  'PointInTimeRecoverySpecification',
  'TimeToLiveSpecification',
  'SSESpecification',
  'DeletionProtectionEnabled',
] as const;

/**
 * Makes those of the template's tables that are not there yet, under their logical ids.
 * @throws DataFolderError when one is there, with other indexes
 */
export const ensureTables = async (client: DynamoDBClient, template: Template): Promise<void> => {
  for (const [logicalId, { Properties }] of resourcesOf(template, 'AWS::DynamoDB::Table')) {
    await ensureTable(client, { ...(Properties as Table), TableName: logicalId });
  }
};

const ensureTable = async (client: DynamoDBClient, properties: Table): Promise<void> => {
  const table = { ...properties };
  for (const name of NOT_OF_CREATE_TABLE) delete table[name];
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table.TableName }));
    const has = indexNames(Table?.GlobalSecondaryIndexes ?? []);
    if (has !== indexNames(table.GlobalSecondaryIndexes ?? [])) {
      throw new DataFolderError(`DATA_DIR: its table has other indexes than the template: remove the folder`);
    }
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    await client.send(new CreateTableCommand(table));
    // Until it is active, it takes no items, and says that it is not there.
    await waitUntilTableExists(
      { client, maxWaitTime: 30, minDelay: 0.01, maxDelay: 0.2 },
      { TableName: table.TableName },
    );
  }
};

const indexNames = (indexes: { IndexName?: string | undefined }[]): string =>
  indexes
    .map((index) => index.IndexName)
    .sort()
    .join();
