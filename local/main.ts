import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { styleText } from 'node:util';
import { InvalidEnvironment } from '@boomerang/core/config/settings.ts';
import { InvalidCatalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import { readArguments } from '../cli/command.ts';
import { DataFolderError, explain as explainFileError } from './data-folder.ts';
import { onParentEnd } from './end-with-parent.ts';
import { usePrettyConsole } from './pretty-console.ts';
import { type LocalSettings, readLocalSettings } from './settings.ts';

/** `npm start`: the whole system in this process. */

const { values: options } = readArguments({
  name: 'npm start',
  about:
    'Runs Boomerang on this machine: both APIs, functions, state machine, tables and schedule in one process, until Ctrl-C.',
  options: { temporary: { type: 'boolean', about: 'keep the data in a folder of its own that is deleted at the end' } },
  environment: {
    'SERVICE_PORT, PROVIDERS_PORT': 'ports of the two APIs on 127.0.0.1 (3000, 3001); 0 takes any that is free',
    DATA_DIR: 'where the data is kept (.data); readable by its owner only',
    SWEEP_SECONDS: 'how often due jobs are swept (5)',
    FAILURE_RATE: 'probability that the mock providers fail, 0 to 1 (0.5)',
    'LOCAL_API_KEY, LOCAL_SIGNING_SECRET': 'credentials of the local client (made at the first start)',
    PROVIDER_CATALOGUE: 'path of another provider catalogue',
    '…': 'all others: docs/configuration.md',
  },
  examples: {
    '': 'on the default ports',
    '--temporary': 'without a trace',
  },
  exitCodes: { 1: 'it could not start; one line a reason' },
});

/** Errors that the user can mend are one line each; others show where they come from. */
const exit = (error: unknown): never => {
  for (const line of explain(error) ?? [error]) console.error(line);
  cleanUp();
  process.exit(1);
};

const explain = (error: unknown): readonly string[] | undefined => {
  if (!(error instanceof Error)) return undefined;
  const { code, port, path: file } = error as NodeJS.ErrnoException & { port?: number };
  if (error instanceof InvalidEnvironment) return error.culprits;
  if (error instanceof DataFolderError || error.name === 'InvalidDefinition') return [error.message];
  if (error instanceof InvalidCatalogue) return [`PROVIDER_CATALOGUE: ${error.message}`];
  if (code === 'EADDRINUSE') return [`Port ${port} is in use: set SERVICE_PORT or PROVIDERS_PORT.`];
  if (code === 'EACCES' && port !== undefined)
    return [`Port ${port} may not be used: set SERVICE_PORT or PROVIDERS_PORT.`];
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
    return exit(error);
  }
};

const settings = readSettings();
if (process.stdout.isTTY) usePrettyConsole();

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
const starting = startCloud(settings);

let isStopping = false;
const stop = async (): Promise<void> => {
  if (isStopping) process.exit(130);
  isStopping = true;
  process.stdout.write('\nStopping. Once more to stop at once.\n');
  try {
    await (await starting).stop();
    cleanUp();
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
};
// From the first moment on: who ends it while it starts must not leave half of it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop());
onParentEnd(() => {
  if (!isStopping) void stop();
});

const cloud = await starting.catch(exit);

const shown = (name: 'LOCAL_API_KEY' | 'LOCAL_SIGNING_SECRET', value: string): string =>
  settings[name] === undefined ? value : `(that of ${name})`;
const { signingSecret } = cloud.client;
const authorization = settings.LOCAL_API_KEY === undefined ? `Bearer ${cloud.apiKey}` : 'Bearer $LOCAL_API_KEY';

const { ServiceApiUrl, WebhookUrl, JobsUrl, CompleteUrl, HealthUrl, ProvidersUrl } = cloud.outputs;
const warnings = cloud.unsetSecrets.map(
  ({ providerId, secret, variable }) =>
    `Provider ${providerId} wants the credential ${secret}, and ${variable} is not set: its calls will fail. Set ${variable} (on AWS: the SSM parameter /<stack name>/providers/${secret}).`,
);
process.stdout.write(`
Boomerang is up.

  service API    ${ServiceApiUrl}
  providers API  ${ProvidersUrl}
  jobs           ${JobsUrl}
  DynamoDB       ${cloud.endpoints.dynamodb}, table ${cloud.outputs.JobTableName}
  Step Functions ${cloud.endpoints.stepFunctions}, ${cloud.outputs.StateMachineArn}
  data           ${settings.DATA_DIR}; credentials of the two endpoints above are in its running.json
  schedule       a sweep for due jobs every ${cloud.sweeps.everySeconds} s${cloud.isSweptMoreOften ? ' (on AWS every 60 s)' : ''}
  API key        ${shown('LOCAL_API_KEY', cloud.apiKey)}
  callbacks      signed with ${shown('LOCAL_SIGNING_SECRET', signingSecret)}
${warnings.map((warning) => `\n${styleText('yellow', 'Warning:')} ${warning}\n`).join('')}
Try it:

  curl -i ${WebhookUrl} -H "authorization: ${authorization}" \\
    -H 'content-type: application/json' \\
    -d '{"providers":["gas","internet"],"callbackUrl":"${CompleteUrl}"}'

  curl ${JobsUrl} -H "authorization: ${authorization}"
  curl ${HealthUrl}

Ctrl-C ends it.

`);

// To whoever started it with a channel.
const { outputs, endpoints, access, apiKey, sweeps } = cloud;
process.send?.({ outputs, endpoints, access, apiKey, sweeps, dataFolder });
