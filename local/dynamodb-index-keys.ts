import db, { type Write } from 'dynalite/db/index.js';

/** Begins the keys of index entries in LevelDB. */
export const INDEX_PREFIX = 'index-';

export const isIndexEntry = ({ key }: Write): boolean => key.startsWith(INDEX_PREFIX);

/**
 * Makes the key of an index entry unique. dynalite ends it with 24 bits of a hash of the item's key, so of two items with the same
 * index attributes, one could overwrite the other's entry.
 *
 * @param itemKey the key of the item in LevelDB
 */
export const toUniqueKey = (entryKey: string, itemKey: string): string => `${entryKey}${keyInTable(itemKey)}`;

/** @param itemKey `item-<table>~<key>`; table names contain no `~` */
const keyInTable = (itemKey: string): string => itemKey.slice(itemKey.indexOf('~') + 1);

/** Patches dynalite, so that queries and scans of an index continue after a unique key. */
export const continueAfterUniqueKeys = (): void => {
  const { createIndexKey, createKey } = db;
  db.createIndexKey = (item, table, keySchema) => createIndexKey(item, table, keySchema) + createKey(item, table);
};
