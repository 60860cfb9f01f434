import path from 'node:path';
import { check, type Engine, freePort, ROOT, run, runTests, startServer } from './engine.ts';
import { installJava } from './install.ts';

const ARTIFACT = 'software.amazon.dynamodb:DynamoDBLocal:3.3.1';

/** AWS's own DynamoDB Local, in memory; it keeps the tables of each access key apart. */
const startDynamoDbLocal = async (): Promise<Engine> => {
  const libraries = await installJava('dynamodb-local', ARTIFACT, 17);
  const port = await freePort();
  const native = `-Djava.library.path=${libraries}`;
  const main = 'software.amazon.dynamodb.services.local.main.ServerRunner';
  const options = ['-inMemory', '-port', String(port), '-disableTelemetry'];
  const ending = path.join(ROOT, 'tools/engines/end-with-parent.cjs');
  const args = [ending, 'java', native, '-cp', path.join(libraries, '*'), main, ...options];
  return startServer('DynamoDB Local', { folder: 'dynamodb-local', port, command: process.execPath, args });
};

const CHECK = {
  name: 'npm run test:dynamodb-local',
  about:
    "Runs the contract suites and integration tests on AWS's DynamoDB Local, and measures what a job costs there. Needs Java 17 or newer\nand Maven; installs DynamoDB Local in .engines.",
} as const;

/**
 * `npm run test:dynamodb-local`: the contract of the tables, and all that is tested over them, on DynamoDB Local; and what jobs
 * cost there, which the embedded database can't count.
 */
await check(CHECK, async () => {
  const database = await startDynamoDbLocal();
  const env = { DYNAMODB_URL: database.url };
  try {
    await runTests(['tests/integration'], env);
    await run(process.execPath, [path.join(ROOT, 'bench/main.ts'), 'operations'], { env });
  } finally {
    await database.stop();
  }
});
