import { createServer } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import type { Access } from './access.ts';
import type { DatabaseRequest, DatabaseResponse } from './dynamodb-channel.ts';
import { type IndexDefinitions, rebuildIndexes } from './dynamodb-indexes.ts';
import { openStore, serveStore } from './dynamodb-store.ts';
import { listen } from './http-server.ts';
import type { Service } from './service.ts';

/** The database runs in its own thread: it can use a second core, and its crashes don't end the process. */
const { path, port, indexes, access } = workerData as {
  path: string;
  port: number;
  indexes: IndexDefinitions;
  access: Access;
};

await rebuildIndexes(path, indexes);
const store = await openStore(path);

const service: Service = async (operation, body) => {
  try {
    return await store.service(operation, body);
  } catch (error) {
    // The state of the database is unknown, so the thread must end. It is restarted.
    setImmediate(() => {
      throw error;
    });
    throw error;
  }
};

const server = createServer(serveStore(service, access));
const { url } = await listen(server, port);

const close = async (): Promise<void> => {
  server.close();
  server.closeAllConnections();
  await store.close();
};

parentPort?.on('message', (message: DatabaseRequest | 'close') => {
  if (message === 'close') {
    void close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
    return;
  }
  const { id, operation, body } = message;
  service(operation, body).then(
    (answer) => parentPort?.postMessage({ id, ...answer } satisfies DatabaseResponse),
    () => {},
  );
});
parentPort?.postMessage({ url });
