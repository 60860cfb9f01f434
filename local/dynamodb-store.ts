import type { RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import db, { type Store as Dynalite, type Write } from 'dynalite/db/index.js';
import validations, { type Validation } from 'dynalite/validations/index.js';
import type { Access } from './access.ts';
import { rememberExpressions } from './dynamodb-expressions.ts';
import { continueAfterUniqueKeys, isIndexEntry, toUniqueKey } from './dynamodb-index-keys.ts';
import { type Answer, rejected, type Service, serve, succeeded } from './service.ts';

rememberExpressions();
continueAfterUniqueKeys();

/** The default export of a module `actions/<operation>.js` of dynalite. */
type Operation = (store: Dynalite, input: object, callback: (error: unknown, output: unknown) => void) => void;

const OPERATIONS = [
  'BatchGetItem',
  'BatchWriteItem',
  'CreateTable',
  'DeleteItem',
  'DeleteTable',
  'DescribeTable',
  'DescribeTimeToLive',
  'GetItem',
  'ListTables',
  'ListTagsOfResource',
  'PutItem',
  'Query',
  'Scan',
  'TagResource',
  'UntagResource',
  'UpdateItem',
  'UpdateTable',
];

const load = async (name: string): Promise<[string, Validation & { run: Operation }]> => {
  const file = validations.toLowerFirst(name);
  const [{ default: run }, { default: validation }] = await Promise.all([
    import(`dynalite/actions/${file}.js`) as Promise<{ default: Operation }>,
    import(`dynalite/validations/${file}.js`) as Promise<{ default: Validation }>,
  ]);
  return [name, { ...validation, run }];
};
const operations = new Map(await Promise.all(OPERATIONS.map(load)));

/** An open database. */
export type Store = {
  service: Service;
  /** Waits for running operations. */
  close: () => Promise<void>;
};

/**
 * Opens a database, with dynalite's validation and storage, but without its HTTP server.
 * @param path the folder of the database; without it, the database is in memory
 */
export const openStore = async (path?: string): Promise<Store> => {
  const store = db.create({ ...(path !== undefined && { path }), createTableMs: 0 });
  // dynalite opens its files in the background. Opening them here surfaces errors.
  await store.db.open();
  reduceRoundTrips(store.db);
  const running = new Set<Promise<unknown>>();

  const perform: Service = async (name, body) => {
    const operation = operations.get(name);
    if (!operation) return rejected('com.amazon.coral.service#UnknownOperationException');
    const request = parse(body);
    if (!request) return rejected('com.amazon.coral.service#SerializationException');
    const { types, custom, run } = operation;
    try {
      const input = validations.checkTypes(request, types);
      validations.checkValidations(input, types, custom, store);
      return await new Promise<Answer>((resolve, reject) => {
        run(store, input, (error, output) => (error ? reject(error) : resolve(succeeded(output))));
      });
    } catch (error) {
      const { statusCode, body: answer } = error as { statusCode?: number; body?: object };
      // Other errors, such as a full disk, are not responses of DynamoDB.
      if (statusCode === undefined) throw error;
      return { status: statusCode, body: JSON.stringify(answer) };
    }
  };

  return {
    service: (name, body) => {
      const operation = perform(name, body);
      running.add(operation);
      const forget = () => running.delete(operation);
      operation.then(forget, forget);
      return operation;
    },
    close: async () => {
      await Promise.allSettled(running);
      await new Promise<void>((resolve, reject) => store.db.close((error) => (error ? reject(error) : resolve())));
    },
  };
};

/** Size of the chunks in which a range is read. Small, because other calls wait while a chunk is decoded. */
const CHUNK_VALUES = 100;
const CHUNK_BYTES = 1024 * 1024;

/**
 * Saves round trips to LevelDB's threads, which cost more CPU than the reads and writes themselves. Reads are synchronous: they
 * rarely leave memory, and the database has a thread of its own. Writes that arrive during another write are batched, in order.
 * Ranges are read in chunks. Their iterators are also closed, which dynalite does not do.
 *
 * Writes an item and its index entries in one batch, of which LevelDB keeps all or nothing if the process is killed. dynalite
 * writes the item once it has been called back for all of its entries. So each entry is held back, and called back at once.
 */
const reduceRoundTrips = (level: Dynalite['db']): void => {
  let waiting: { writes: Write[]; callback: (error: unknown) => void }[] = [];
  let isWriting = false;
  /** Index entries of the item that is written next, in the same turn: no other write comes in between. */
  let entries: Write[] = [];

  const flush = (): void => {
    const group = waiting;
    waiting = [];
    void level.batch(
      group.flatMap(({ writes }) => writes),
      (error) => {
        if (waiting.length > 0) flush();
        else isWriting = false;
        for (const { callback } of group) callback(error);
      },
    );
  };
  const enqueue = (write: Write, callback: (error: unknown) => void): void => {
    if (isIndexEntry(write)) {
      entries.push(write);
      callback(null);
      return;
    }
    const entriesOfItem = entries.map((entry) => ({ ...entry, key: toUniqueKey(entry.key, write.key) }));
    entries = [];
    waiting.push({ writes: [...entriesOfItem, write], callback });
    if (!isWriting) setImmediate(flush);
    isWriting = true;
  };
  Object.assign(level, {
    get: (key, callback) => {
      try {
        process.nextTick(callback, null, level.getSync(key));
      } catch (error) {
        process.nextTick(callback, error);
      }
    },
    put: (key, value, callback) => enqueue({ type: 'put', key, value }, callback),
    del: (key, callback) => enqueue({ type: 'del', key }, callback),
    createValueStream: (range) => streamOf(level.values({ ...range, highWaterMarkBytes: CHUNK_BYTES })),
  } satisfies Pick<Dynalite['db'], 'get' | 'put' | 'del' | 'createValueStream'>);
};

const streamOf = (values: ReturnType<Dynalite['db']['values']>): Readable =>
  new Readable({
    objectMode: true,
    highWaterMark: CHUNK_VALUES,
    read() {
      values.nextv(CHUNK_VALUES).then(
        (chunk) => {
          for (const value of chunk) this.push(value);
          if (chunk.length === 0) this.push(null);
        },
        (error) => this.destroy(error),
      );
    },
    destroy(error, callback) {
      values.close().then(() => callback(error), callback);
    },
  });

/** Serves a database to requests signed with these credentials. */
export const serveStore = (service: Service, access: Access): RequestListener =>
  serve({ name: 'dynamodb', target: 'DynamoDB_20120810', contentType: 'application/x-amz-json-1.0' }, access, service);

/** @returns undefined for malformed JSON */
const parse = (body: string): object | undefined => {
  try {
    return JSON.parse(body) as object;
  } catch {
    return undefined;
  }
};
