import { once } from 'node:events';
import { rmSync } from 'node:fs';
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
import { DataFolderError, prepareDataFolder } from './data-folder.ts';
import { connect, unreachable } from './dynamodb-channel.ts';
import type { IndexDefinitions } from './dynamodb-indexes.ts';
import type { Service } from './service.ts';
import { readTemplate, resourcesOf, type Template } from './template.ts';

export type Database = {
  /** The endpoint for SDK clients. */
  url: string;
  /** Calls the database without the endpoint. While it is down, calls fail like a refused connection. */
  service: Service;
  /** False while it is down and being restarted. */
  isReachable: () => boolean;
  /** Registers a listener for restarts after a crash. */
  onRecovered: (listener: () => void) => void;
  close: () => Promise<void>;
};

const FIRST_RESTART_DELAY_MS = 100;
const MAX_RESTART_DELAY_MS = 5_000;
/** A database that ran this long before it crashed is restarted without delay. */
const STABLE_MS = 30_000;

/**
 * Starts DynamoDB on the data in a folder, for requests signed with these credentials. Rebuilds the indexes first, if they
 * differ from the template or were written by an earlier version. If the database crashes (a full disk, for example), it is restarted on the same port, with backoff.
 * @throws DataFolderError if another process uses the folder, or it can't be written
 */
export const startDatabase = async (folder: string, access: Access, log: Log): Promise<Database> => {
  const databasePath = path.resolve(folder, 'dynamodb');
  prepareDataFolder(folder);
  // Where this file exists, an earlier version of this program does not rebuild the indexes.
  rmSync(path.resolve(folder, 'stopped-cleanly'), { force: true });

  const launch = async (port: number): Promise<{ worker: Worker; url: string }> => {
    const worker = new Worker(new URL('./dynamodb-worker.ts', import.meta.url), {
      workerData: { path: databasePath, port, access, indexes: indexDefinitions(readTemplate(TEMPLATE)) },
    });
    try {
      const [message] = await Promise.race([
        once(worker, 'message') as Promise<[{ url: string }]>,
        once(worker, 'exit').then(([code]) => Promise.reject(new Error(`exited with ${code}`))),
      ]);
      return { worker, url: message.url };
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  };

  const closing = new AbortController();
  const recoveryListeners: (() => void)[] = [];
  let running: Worker | undefined;
  let service = unreachable;
  let recovery: Promise<void> | undefined;
  let delayMs = 0;

  const watch = (worker: Worker): void => {
    running = worker;
    service = connect(worker);
    const startedAt = performance.now();
    worker.on('error', (error) => log.error('Database crashed', { error }));
    worker.once('exit', () => {
      running = undefined;
      service = unreachable;
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
        log.warn('Database restarting');
        const { worker } = await launch(port);
        log.info('Database restarted');
        watch(worker);
        for (const listener of recoveryListeners) listener();
        return;
      } catch (error) {
        log.error('Database restart failed', { reason: rootCause(error).message, retryAfterMs: delayMs });
      }
    }
  };

  const first = await launch(0).catch((cause: unknown) => {
    const reason = isLocked(cause) ? 'is in use by another process' : `can't be opened: ${rootCause(cause).message}`;
    throw new DataFolderError(`DATA_DIR: ${folder} ${reason}`, { cause });
  });
  const port = Number(new URL(first.url).port);
  watch(first.worker);
  return {
    url: first.url,
    service: (operation, body) => service(operation, body),
    isReachable: () => running !== undefined,
    onRecovered: (listener) => void recoveryListeners.push(listener),
    close: async () => {
      closing.abort();
      await recovery;
      if (!running) return;
      const ended = once(running, 'exit');
      running.postMessage('close');
      await ended;
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

/** Follows `cause` to the first error. (Errors of the worker thread may not be instances of this thread's Error.) */
const rootCause = (error: unknown): Error & { code?: string } => {
  const { cause } = error as Error;
  return cause === undefined ? (error as Error) : rootCause(cause);
};

const isLocked = (error: unknown): boolean => `${rootCause(error).code}`.includes('LOCKED');

/** A table's properties in the template, including those that CreateTable does not accept. */
type Table = CreateTableCommandInput & Record<(typeof NOT_IN_CREATE_TABLE)[number], unknown>;
const NOT_IN_CREATE_TABLE = [
  'PointInTimeRecoverySpecification',
  'TimeToLiveSpecification',
  'SSESpecification',
  'DeletionProtectionEnabled',
] as const;

/**
 * Creates the template's tables that don't exist yet, named by their logical ids.
 * @throws DataFolderError if an existing table has different indexes
 */
export const ensureTables = async (client: DynamoDBClient, template: Template): Promise<void> => {
  for (const [logicalId, { Properties }] of resourcesOf(template, 'AWS::DynamoDB::Table')) {
    await ensureTable(client, { ...(Properties as Table), TableName: logicalId });
  }
};

const ensureTable = async (client: DynamoDBClient, properties: Table): Promise<void> => {
  const table = { ...properties };
  for (const name of NOT_IN_CREATE_TABLE) delete table[name];
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table.TableName }));
    const existing = indexNames(Table?.GlobalSecondaryIndexes ?? []);
    if (existing !== indexNames(table.GlobalSecondaryIndexes ?? [])) {
      throw new DataFolderError(
        `DATA_DIR: the indexes of ${table.TableName} differ from the template: remove the folder`,
      );
    }
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    await client.send(new CreateTableCommand(table));
    // Until the table is active, operations fail with ResourceNotFoundException.
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
