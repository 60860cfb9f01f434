import db from 'dynalite/db/index.js';

type Store = ReturnType<typeof db.create>['db'];
type Writes = Parameters<Store['batch']>[0];

const BATCH = 1_000;

/**
 * Makes the indexes of a database agree with its items. dynalite writes an item and its index entries one after the other:
 * a process that is killed in between leaves jobs that no index shows, or entries of jobs that are not so any more.
 * Deletes every entry, then makes them anew from the items; killed half-way, it begins again at the next start.
 *
 * @param path folder of the database; nobody else may have it open
 */
export const rebuildIndexes = async (path: string): Promise<void> =>
  withStore(path, async (store) => {
    await writeAll(store, staleEntries(store));
    await writeAll(store, freshEntries(store));
  });

/**
 * Opens a database and closes it again.
 * @throws Error when it can't be opened
 */
export const openCheck = async (path: string): Promise<void> => withStore(path, async () => {});

const withStore = async (path: string, work: (store: Store) => Promise<void>): Promise<void> => {
  const { db: store } = db.create({ path });
  await store.open();
  try {
    await work(store);
  } finally {
    await new Promise<void>((resolve, reject) => store.close((error) => (error ? reject(error) : resolve())));
  }
};

type Write = Writes[number];

async function* staleEntries(store: Store): AsyncGenerator<Write> {
  for await (const [key] of store.iterator(withPrefix('index-'))) yield { type: 'del', key };
}

async function* freshEntries(store: Store): AsyncGenerator<Write> {
  for await (const [, value] of store.iterator(withPrefix('table~'))) {
    const table = value as unknown as Parameters<typeof db.getIndexActions>[3];
    const prefix = `index-global~${table.TableName}~`;
    for await (const [, item] of store.iterator(withPrefix(`item-${table.TableName}~`))) {
      const { puts } = db.getIndexActions(table.GlobalSecondaryIndexes ?? [], null, item, table);
      for (const { index, key, item: entry } of puts) {
        yield { type: 'put', key: `${prefix}${index}~${key}`, value: entry };
      }
    }
  }
}

const writeAll = async (store: Store, writes: AsyncIterable<Write>): Promise<void> => {
  let batch: Writes = [];
  for await (const write of writes) {
    batch.push(write);
    if (batch.length < BATCH) continue;
    await store.batch(batch);
    batch = [];
  }
  if (batch.length > 0) await store.batch(batch);
};

const withPrefix = (prefix: string) => ({ gte: prefix, lt: `${prefix}\xff` });
