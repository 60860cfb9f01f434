import db, { type Store as Dynalite } from 'dynalite/db/index.js';
import { INDEX_PREFIX, toUniqueKey } from './dynamodb-index-keys.ts';

type Store = Dynalite['db'];
type Writes = Parameters<Store['batch']>[0];

const BATCH_SIZE = 1_000;

/** Index definitions by table name. */
export type IndexDefinitions = Record<string, Pick<Table, 'AttributeDefinitions' | 'GlobalSecondaryIndexes'>>;

/** Counts changes to how index entries are written. Since 2, they have unique keys, and are written together with their item. */
const FORMAT = 2;
/** Key of the format in which all index entries of a database are written. A rebuild by any version deletes it with the entries. */
const FORMAT_KEY = `${INDEX_PREFIX}format`;

/**
 * Rebuilds the indexes of a database from its items in two cases: if their definitions have changed, because dynalite can't
 * change the indexes of a table, and if the entries are not in the current format. Deletes all entries, recreates them from the
 * items, and writes the definitions and the format last. If killed half-way, the rebuild starts over at the next start.
 *
 * @param path folder of the database, which must not be open
 */
export const rebuildIndexes = async (path: string, definitions: IndexDefinitions): Promise<void> =>
  withStore(path, async (store) => {
    const tables = await readTables(store);
    const changed = tables.filter(({ table }) => hasChanged(table, definitions[table.TableName]));
    const isCurrentFormat = store.getSync(FORMAT_KEY)?.version === FORMAT;
    if (isCurrentFormat && changed.length === 0) return;
    for (const { table } of changed) Object.assign(table, toStored(definitions[table.TableName] ?? {}));
    await writeAll(store, entryDeletions(store));
    await writeAll(
      store,
      entryPuts(
        store,
        tables.map(({ table }) => table),
      ),
    );
    await store.batch([
      ...changed.map(({ key, table }): Write => ({ type: 'put', key, value: table })),
      { type: 'put', key: FORMAT_KEY, value: { version: FORMAT } },
    ]);
  });

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
type Table = Parameters<typeof db.getIndexActions>[3];

const readTables = async (store: Store): Promise<{ key: string; table: Table }[]> => {
  const tables: { key: string; table: Table }[] = [];
  for await (const [key, value] of store.iterator(withPrefix('table~'))) {
    tables.push({ key, table: value as unknown as Table });
  }
  return tables;
};

/** Tables without a definition stay unchanged. */
const hasChanged = (table: Table, definition: IndexDefinitions[string] | undefined): boolean =>
  definition !== undefined && shapeOf(table) !== shapeOf(definition);

const shapeOf = ({ GlobalSecondaryIndexes = [] }: IndexDefinitions[string]): string =>
  JSON.stringify(
    GlobalSecondaryIndexes.map(({ IndexName, KeySchema, Projection: { ProjectionType, NonKeyAttributes = [] } }) => [
      IndexName,
      KeySchema.map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`),
      ProjectionType,
      [...NonKeyAttributes].sort(),
    ]).sort(),
  );

/** The form in which dynalite stores index definitions. */
const toStored = ({ AttributeDefinitions, GlobalSecondaryIndexes = [] }: IndexDefinitions[string]): Partial<Table> => ({
  ...(AttributeDefinitions && { AttributeDefinitions }),
  GlobalSecondaryIndexes: GlobalSecondaryIndexes.map((index) => ({
    ...index,
    IndexStatus: 'ACTIVE',
    IndexSizeBytes: 0,
    ItemCount: 0,
    ProvisionedThroughput: { ReadCapacityUnits: 0, WriteCapacityUnits: 0, NumberOfDecreasesToday: 0 },
  })),
});

async function* entryDeletions(store: Store): AsyncGenerator<Write> {
  for await (const [key] of store.iterator(withPrefix(INDEX_PREFIX))) yield { type: 'del', key };
}

async function* entryPuts(store: Store, tables: Table[]): AsyncGenerator<Write> {
  for (const table of tables) {
    const prefix = `index-global~${table.TableName}~`;
    for await (const [itemKey, item] of store.iterator(withPrefix(`item-${table.TableName}~`))) {
      const { puts } = db.getIndexActions(table.GlobalSecondaryIndexes ?? [], null, item, table);
      for (const { index, key, item: entry } of puts) {
        yield { type: 'put', key: toUniqueKey(`${prefix}${index}~${key}`, itemKey), value: entry };
      }
    }
  }
}

const writeAll = async (store: Store, writes: AsyncIterable<Write>): Promise<void> => {
  let batch: Writes = [];
  for await (const write of writes) {
    batch.push(write);
    if (batch.length < BATCH_SIZE) continue;
    await store.batch(batch);
    batch = [];
  }
  if (batch.length > 0) await store.batch(batch);
};

const withPrefix = (prefix: string) => ({ gte: prefix, lt: `${prefix}\xff` });
