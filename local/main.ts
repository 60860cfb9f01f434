import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { styleText } from 'node:util';
import { InvalidEnvironment } from '@boomerang/core/config/settings.ts';
import { InvalidCatalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import { exampleProviders } from '@boomerang/core/domain/catalogue/example-providers.ts';
import { readArguments } from '../cli/command.ts';
import { DataFolderError, explainFileError } from './data-folder.ts';
import { onParentEnd } from './end-with-parent.ts';
import { usePrettyConsole } from './pretty-console.ts';
import { type LocalSettings, readLocalSettings } from './settings.ts';

/** `npm start`: runs the whole system in this process. */

const { values: options } = readArguments({
  name: 'npm start',
  about:
    'Runs Boomerang on this machine: both APIs, functions, state machine, tables and schedule in one process, until Ctrl-C.',
  options: { temporary: { type: 'boolean', about: 'keep the data in a temporary folder, deleted at exit' } },
  environment: {
    'SERVICE_PORT, PROVIDERS_PORT': 'ports of the two APIs on 127.0.0.1 (3000, 3001); 0 for any free port',
    DATA_DIR: 'data folder (.data); readable by its owner only',
    SWEEP_SECONDS: 'seconds between sweeps for due jobs (5)',
    MAX_CONCURRENT_REQUESTS: 'maximum concurrent requests per function; more get 503 (1000)',
    FAILURE_RATE: 'probability that the mock providers fail, 0 to 1 (0.5)',
    'LOCAL_API_KEY, LOCAL_SIGNING_SECRET': 'credentials of the local client (generated at the first start)',
    PROVIDER_CATALOGUE: 'path of a provider catalogue',
    '…': 'docs/configuration.md lists all settings',
  },
  examples: {
    '': 'on the default ports',
    '--temporary': 'without keeping data',
  },
  exitCodes: { 1: 'it could not start; prints one line per reason' },
});

/** Exits with 1. Errors that the user can fix are printed as one line each, others with their stack trace. */
const fail = (error: unknown): never => {
  for (const line of explain(error) ?? [error]) console.error(line);
  cleanUp();
  process.exit(1);
};

const explain = (error: unknown): readonly string[] | undefined => {
  if (!(error instanceof Error)) return undefined;
  const { code, port, path: file } = error as NodeJS.ErrnoException & { port?: number };
  if (error instanceof InvalidEnvironment) return error.faults;
  if (error instanceof DataFolderError || error.name === 'InvalidDefinition') return [error.message];
  if (error instanceof InvalidCatalogue) return [`PROVIDER_CATALOGUE: ${error.message}`];
  if (code === 'EADDRINUSE') return [`Port ${port} is in use: set SERVICE_PORT or PROVIDERS_PORT.`];
  if (code === 'EACCES' && port !== undefined)
    return [`Permission denied for port ${port}: set SERVICE_PORT or PROVIDERS_PORT.`];
  if (file?.startsWith(path.resolve(dataFolder))) return [`DATA_DIR: ${file} ${explainFileError(error)}`];
  return explain(error.cause);
};

const cleanUp = (): void => {
  if (options.temporary) rmSync(dataFolder, { recursive: true, force: true });
};

let dataFolder = '';
const readSettings = (): LocalSettings => {
  try {
    const settings = readLocalSettings(process.env);
    dataFolder = options.temporary ? mkdtempSync(path.join(tmpdir(), 'boomerang-')) : settings.DATA_DIR;
    return { ...settings, DATA_DIR: dataFolder };
  } catch (error) {
    return fail(error);
  }
};

const settings = readSettings();
if (process.stdout.isTTY) usePrettyConsole();

// Keep running if the reader of the output goes away (a closed terminal, `| head`).
for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

// An error in one request or execution must not end the others.
process.on('uncaughtException', (error) =>
  console.error(
    JSON.stringify({
      level: 'ERROR',
      message: 'Uncaught exception',
      timestamp: new Date().toISOString(),
      error: { name: error.name, message: error.message, stack: error.stack },
    }),
  ),
);

const { startCloud } = await import('./cloud.ts');
const starting = startCloud(settings);

let isStopping = false;
const stop = async (): Promise<void> => {
  if (isStopping) process.exit(130);
  isStopping = true;
  process.stdout.write('\nStopping. Press Ctrl-C again to stop at once.\n');
  try {
    await (await starting).stop();
    cleanUp();
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
};
// Registered while the cloud starts, so that an early signal also stops what has already started.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop());
onParentEnd(() => {
  if (!isStopping) void stop();
});

const cloud = await starting.catch(fail);

const describeCredential = (name: 'LOCAL_API_KEY' | 'LOCAL_SIGNING_SECRET', value: string): string =>
  settings[name] === undefined ? value : `(from ${name})`;
const { signingSecret } = cloud.client;
const authorization = settings.LOCAL_API_KEY === undefined ? `Bearer ${cloud.apiKey}` : 'Bearer $LOCAL_API_KEY';

const { ServiceApiUrl, WebhookUrl, JobsUrl, CompleteUrl, ConsoleUrl, HealthUrl, ProvidersUrl } = cloud.outputs;
/** The key is in the fragment, which browsers do not send. The console removes it from the address bar. */
const consoleLink = `${ConsoleUrl}${settings.LOCAL_API_KEY === undefined ? `#key=${encodeURIComponent(cloud.apiKey)}` : ''}`;
const exampleJob = JSON.stringify({ providers: exampleProviders(cloud.offers.values()), callbackUrl: CompleteUrl });
/** Quotes a text as one word of a POSIX shell. */
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const warnings = cloud.unsetSecrets.map(
  ({ providerId, secret, variable }) =>
    `Calls to provider ${providerId} will fail: its credential ${secret} is not set. Set ${variable} (on AWS: the SSM parameter /<stack name>/providers/${secret}).`,
);
process.stdout.write(`
Boomerang is up.

  console        ${consoleLink}
  service API    ${ServiceApiUrl}
  providers API  ${ProvidersUrl}
  jobs           ${JobsUrl}
  DynamoDB       ${cloud.endpoints.dynamodb}, table ${cloud.outputs.JobTableName}
  Step Functions ${cloud.endpoints.stepFunctions}, ${cloud.outputs.StateMachineArn}
  data           ${settings.DATA_DIR}; running.json in it has the credentials for the two endpoints above
  schedule       sweeps for due jobs every ${cloud.sweeps.everySeconds} s${cloud.isSweptMoreOften ? ' (on AWS every 60 s)' : ''}
  API key        ${describeCredential('LOCAL_API_KEY', cloud.apiKey)}
  callbacks      signed with ${describeCredential('LOCAL_SIGNING_SECRET', signingSecret)}
${warnings.map((warning) => `\n${styleText('yellow', 'Warning:')} ${warning}\n`).join('')}
Try it:

  curl -i ${WebhookUrl} -H "authorization: ${authorization}" \\
    -H 'content-type: application/json' \\
    -d ${quote(exampleJob)}

  curl ${JobsUrl} -H "authorization: ${authorization}"
  curl ${HealthUrl}

Press Ctrl-C to stop.

`);

// A parent with an IPC channel, such as the demo, learns from this message that the instance is ready.
const { outputs, endpoints, access, apiKey, sweeps } = cloud;
process.send?.({ outputs, endpoints, access, apiKey, sweeps, dataFolder });
