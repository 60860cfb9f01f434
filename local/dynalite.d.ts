declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** The dynalite options used here. Without `path`, data is kept in memory. */
  export default function dynalite(options?: { path?: string; createTableMs?: number }): Server;
}

declare module 'dynalite/db/index.js' {
  type Item = Record<string, unknown>;
  type Index = {
    IndexName: string;
    KeySchema: { AttributeName: string; KeyType: string }[];
    Projection: { ProjectionType: string; NonKeyAttributes?: string[] };
  };
  type Table = { TableName: string; AttributeDefinitions?: object[]; GlobalSecondaryIndexes?: Index[] };
  type Write = { type: 'put'; key: string; value: Item } | { type: 'del'; key: string };

  const db: {
    create: (options: { path: string }) => {
      db: {
        open: () => Promise<void>;
        close: (callback: (error?: Error) => void) => void;
        batch: (writes: Write[]) => Promise<void>;
        iterator: (range: { gte: string; lt: string }) => AsyncIterable<[string, Item]>;
      };
    };
    getIndexActions: (
      indexes: object[],
      existing: Item | null,
      item: Item,
      table: Table,
    ) => { puts: { index: string; key: string; item: Item }[] };
  };
  export default db;
}
