import path from 'node:path';
import { type Engine, freePort, ROOT, run, runScript, runTests, startServer } from './engine.ts';
import { installJava } from './install.ts';

const ARTIFACT = 'software.amazon.dynamodb:DynamoDBLocal:3.3.1';

/** Starts AWS's DynamoDB Local in memory. Each access key has its own tables. */
const startDynamoDbLocal = async (): Promise<Engine> => {
  const libraries = await installJava('dynamodb-local', ARTIFACT, 17);
  const port = await freePort();
  const native = `-Djava.library.path=${libraries}`;
  const main = 'software.amazon.dynamodb.services.local.main.ServerRunner';
  const options = ['-inMemory', '-port', String(port), '-disableTelemetry'];
  const wrapper = path.join(ROOT, 'tools/engines/end-with-parent.cjs');
  const args = [wrapper, 'java', native, '-cp', path.join(libraries, '*'), main, ...options];
  return startServer('DynamoDB Local', { folder: 'dynamodb-local', port, command: process.execPath, args });
};

const CHECK = {
  name: 'npm run test:dynamodb-local',
  about:
    "Runs the contract suites and integration tests on AWS's DynamoDB Local, and measures the cost of a job there. Needs Java 17 or newer\nand Maven; installs DynamoDB Local in .engines.",
} as const;

/**
 * `npm run test:dynamodb-local`: runs the tables' contract suites and all integration tests on DynamoDB Local, and measures the
 * cost of jobs in capacity units, which the embedded database can't count.
 */
await runScript(CHECK, async () => {
  const database = await startDynamoDbLocal();
  const env = { DYNAMODB_URL: database.url };
  try {
    await runTests(['tests/integration'], env);
    await run(process.execPath, [path.join(ROOT, 'bench/main.ts'), 'operations'], { env });
  } finally {
    await database.stop();
  }
});
