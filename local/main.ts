import { InvalidEnvironment } from '@boomerang/core/config/settings.ts';
import { InvalidCatalogue } from '@boomerang/core/domain/catalogue.ts';
import { DataFolderError } from './dynamodb.ts';
import { usePrettyConsole } from './pretty-console.ts';
import { type LocalSettings, readLocalSettings } from './settings.ts';

/** `npm start`: the whole system in this process. */

const readSettingsOrExit = (): LocalSettings => {
  try {
    return readLocalSettings(process.env);
  } catch (error) {
    return exit(error);
  }
};

/** Errors that the one who started it can mend are one line; others show where they come from. */
const exit = (error: unknown): never => {
  console.error(explain(error) ?? error);
  process.exit(1);
};

const explain = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined;
  const { code, port } = error as { code?: string; port?: number };
  if (error instanceof InvalidEnvironment || error instanceof DataFolderError) return error.message;
  if (error instanceof InvalidCatalogue) return `PROVIDER_CATALOGUE: ${error.message}`;
  if (code === 'EADDRINUSE') return `Port ${port} is in use: set SERVICE_PORT or PROVIDERS_PORT.`;
  if (code === 'EACCES') return `Port ${port} may not be used: set SERVICE_PORT or PROVIDERS_PORT.`;
  return explain(error.cause);
};

const settings = readSettingsOrExit();
if (process.stdout.isTTY) usePrettyConsole();
Object.assign(process.env, { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
// Neither a profile nor a session of the one who starts it.
for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN']) delete process.env[name];

// Whoever read the output may go away (a closed terminal, `| head`): the jobs go on, unheard.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

// Nothing that breaks in a request or an execution may end all the others.
process.on('uncaughtException', (error) =>
  console.error(
    JSON.stringify({
      level: 'ERROR',
      message: 'Uncaught',
      timestamp: new Date().toISOString(),
      error: { name: error.name, message: error.message, stack: error.stack },
    }),
  ),
);

const { startCloud } = await import('./cloud.ts');
const cloud = await startCloud(settings).catch(exit);

let isStopping = false;
const stop = async (): Promise<void> => {
  if (isStopping) process.exit(130);
  isStopping = true;
  process.stdout.write('\nStopping. Once more to stop at once.\n');
  await cloud.stop();
  process.exit(0);
};
process.on('SIGINT', () => void stop()).on('SIGTERM', () => void stop());

const shown = (name: 'LOCAL_API_KEY' | 'LOCAL_SIGNING_SECRET', value: string): string =>
  settings[name] === undefined ? value : `(that of ${name})`;
const { apiKey, signingSecret } = cloud.client;
const authorization = settings.LOCAL_API_KEY === undefined ? `Bearer ${apiKey}` : 'Bearer $LOCAL_API_KEY';

const { WebhookUrl, JobsUrl, CompleteUrl, ProvidersUrl } = cloud.outputs;
process.stdout.write(`
Boomerang is up.

  service API    ${cloud.outputs.ServiceApiUrl}
  providers API  ${ProvidersUrl}
  jobs           ${JobsUrl}
  DynamoDB       ${cloud.endpoints.dynamodb}, table ${cloud.outputs.JobTableName}
  Step Functions ${cloud.endpoints.stepFunctions}, ${cloud.outputs.StateMachineArn}
  data           ${settings.DATA_DIR}, a sweep every ${cloud.sweepSeconds} s
  API key        ${shown('LOCAL_API_KEY', apiKey)}
  callbacks      signed with ${shown('LOCAL_SIGNING_SECRET', signingSecret)}

Try it:

  curl -i ${WebhookUrl} -H "authorization: ${authorization}" \\
    -H 'content-type: application/json' \\
    -d '{"providers":["gas","internet"],"callbackUrl":"${CompleteUrl}"}'

Ctrl-C ends it.

`);
