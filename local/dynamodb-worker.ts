import { parentPort, workerData } from 'node:worker_threads';
import dynalite from 'dynalite';
import { type IndexDefinitions, rebuildIndexes } from './dynamodb-indexes.ts';
import { listen } from './http-server.ts';

/** The database has a thread of its own: it takes the second core, and what breaks in it breaks nothing else. */
const { path, port, wasClean, indexes } = workerData as {
  path: string;
  port: number;
  wasClean: boolean;
  indexes: IndexDefinitions;
};

await rebuildIndexes(path, indexes, !wasClean);
const server = dynalite({ path, createTableMs: 0 });
const { url } = await listen(server, port);
parentPort?.postMessage({ url });
parentPort?.once('message', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
