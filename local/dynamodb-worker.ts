import type { RequestListener } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import dynalite from 'dynalite';
import type { Access } from './access.ts';
import { type IndexDefinitions, rebuildIndexes } from './dynamodb-indexes.ts';
import { guarded, replay } from './guarded-endpoint.ts';
import { listen } from './http-server.ts';

/** The database runs in its own thread: it can use a second core, and its crashes don't end the process. */
const { path, port, wasClean, indexes, access } = workerData as {
  path: string;
  port: number;
  wasClean: boolean;
  indexes: IndexDefinitions;
  access: Access;
};

// dynalite opens its files in the background. Opening them here first surfaces errors, such as a locked folder.
await rebuildIndexes(path, indexes, !wasClean);
const server = dynalite({ path, createTableMs: 0 });
const [answer] = server.listeners('request') as [RequestListener];
server.removeAllListeners('request');
server.on(
  'request',
  guarded('dynamodb', access, (request, response) => void answer(replay(request), response as never)),
);
const { url } = await listen(server, port);
parentPort?.postMessage({ url });
parentPort?.once('message', () => {
  server.close((error) => process.exit(error ? 1 : 0));
  server.closeAllConnections();
});
