declare module 'dynalite/db/index.js' {
  import type { Readable } from 'node:stream';

  type Item = Record<string, unknown>;
  type Index = {
    IndexName: string;
    KeySchema: { AttributeName: string; KeyType: string }[];
    Projection: { ProjectionType: string; NonKeyAttributes?: string[] };
  };
  type Table = { TableName: string; AttributeDefinitions?: object[]; GlobalSecondaryIndexes?: Index[] };
  export type Write = { type: 'put'; key: string; value: Item } | { type: 'del'; key: string };

  type Range = { gte?: string; gt?: string; lte?: string; lt?: string; reverse?: boolean; limit?: number };

  export type Store = {
    db: {
      open: () => Promise<void>;
      get: (key: string, callback: (error: unknown, value?: Item) => void) => void;
      getSync: (key: string) => Item | undefined;
      put: (key: string, value: Item, callback: (error: unknown) => void) => void;
      del: (key: string, callback: (error: unknown) => void) => void;
      close: (callback: (error?: Error) => void) => void;
      batch: (writes: Write[], callback?: (error: unknown) => void) => Promise<void>;
      iterator: (range: Range) => AsyncIterable<[string, Item]>;
      values: (range: Range & { highWaterMarkBytes?: number }) => {
        /** The next values, at most `size`; an empty list at the end of the range. */
        nextv: (size: number) => Promise<Item[]>;
        close: () => Promise<void>;
      };
      createValueStream: (range: Range) => Readable;
    };
  };

  const db: {
    /** The options used here. Without `path`, data is kept in memory. */
    create: (options: { path?: string; createTableMs?: number }) => Store;
    /** The first 24 bits of a hash of a key. */
    hashPrefix: (key: string, type: string) => string;
    createKey: (item: Item, table: Table) => string;
    createIndexKey: (item: Item, table: Table, keySchema: Index['KeySchema']) => string;
    getIndexActions: (
      indexes: object[],
      existing: Item | null,
      item: Item,
      table: Table,
    ) => { puts: { index: string; key: string; item: Item }[] };
  };
  export default db;
}

declare module 'dynalite/validations/index.js' {
  import type { Store } from 'dynalite/db/index.js';

  /** The exports of a module `validations/<operation>.js`. */
  export type Validation = { types: object; custom?: (input: object) => unknown };

  const validations: {
    toLowerFirst: (name: string) => string;
    /** Drops unknown members. @throws an error with `statusCode` and `body` */
    checkTypes: (input: object, types: object) => object;
    /** Parses expressions, too. @throws an error with `statusCode` and `body` */
    checkValidations: (input: object, types: object, custom: Validation['custom'], store: Store) => void;
  };
  export default validations;
}

declare module 'dynalite/db/conditionParser.js' {
  export type Context = {
    attrNames?: Record<string, string> | undefined;
    attrVals?: Record<string, object> | undefined;
    /** A parser deletes the names that occur in the expression. */
    unusedAttrNames: Record<string, unknown>;
    unusedAttrVals: Record<string, unknown>;
    isReserved: (name: string) => boolean;
    compare: (operator: string, a: object, b: object) => boolean;
  };
  /** Returns an object, or a message about what is wrong with the expression. @throws SyntaxError */
  export type Parse = (expression: string, options: { context: Context }) => object | string;

  const parser: { parse: Parse };
  export default parser;
}

declare module 'dynalite/db/projectionParser.js' {
  export { default } from 'dynalite/db/conditionParser.js';
}

declare module 'dynalite/db/updateParser.js' {
  export { default } from 'dynalite/db/conditionParser.js';
}
