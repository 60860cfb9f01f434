import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { IndexDefinitions } from './dynamodb-indexes.ts';
import { readTemplate, resourcesOf, type Template } from './template.ts';

export type Database = {
  /** The address that the SDK is sent to. */
  url: string;
  close: () => Promise<void>;
};

/** The data folder can't be used. The message says why. */
export class DataFolderError extends Error {
  override name = 'DataFolderError';
}

/**
 * Starts DynamoDB over the data in a folder. Unless the last stop was clean and its indexes are the template's, they are
 * rebuilt first. Should it break, it is started again at the same address.
 * @throws DataFolderError when another process has the folder, or it can't be written
 */
export const startDatabase = async (folder: string, log: Log): Promise<Database> => {
  const databasePath = path.resolve(folder, 'dynamodb');
  const cleanMark = path.resolve(folder, 'stopped-cleanly');
  let isClosing = false;
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new DataFolderError(`DATA_DIR: ${folder} can't be made`, { cause });
  }

  const launch = (port: number): Promise<{ worker: Worker; url: string }> => {
    const wasClean = !existsSync(databasePath) || existsSync(cleanMark);
    const worker = new Worker(new URL('./dynamodb-worker.ts', import.meta.url), {
      workerData: { path: databasePath, port, wasClean, indexes: indexDefinitions(readTemplate(TEMPLATE)) },
    });
    return new Promise((resolve, reject) => {
      worker.once('message', ({ url }: { url: string }) => {
        worker.off('error', reject);
        worker.on('error', (error) => log.error('The database broke', { error }));
        worker.on('exit', () => {
          if (!isClosing) void relaunch(url);
        });
        if (!wasClean) log.warn('The last stop was not clean: rebuilt the indexes', { folder });
        rmSync(cleanMark, { force: true });
        resolve({ worker, url });
      });
      worker.once('error', reject);
    });
  };
  const relaunch = async (url: string): Promise<void> => {
    log.warn('Starting the database again', {});
    current = await launch(Number(new URL(url).port));
  };

  let current: Awaited<ReturnType<typeof launch>>;
  try {
    current = await launch(0);
  } catch (cause) {
    const isTaken = isLocked(cause);
    const why = isTaken ? 'is in use by another process' : `can't be opened: ${(cause as Error).message}`;
    throw new DataFolderError(`DATA_DIR: ${folder} ${why}`, { cause });
  }
  return {
    url: current.url,
    close: async () => {
      isClosing = true;
      const ended = new Promise((resolve) => current.worker.once('exit', resolve));
      current.worker.postMessage('close');
      await ended;
      writeFileSync(cleanMark, '');
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

const isLocked = (error: unknown): boolean =>
  error instanceof Error && (`${(error as { code?: string }).code}`.includes('LOCKED') || isLocked(error.cause));

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
  }
};

const indexNames = (indexes: { IndexName?: string | undefined }[]): string =>
  indexes
    .map((index) => index.IndexName)
    .sort()
    .join();
