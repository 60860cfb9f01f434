import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder, writePrivateFile } from '../local/data-folder.ts';
import { readApiKey } from '../local/local-client.ts';
import { readLocalSecrets } from '../local/local-secrets.ts';
import { readTemplate } from '../local/template.ts';
import { orFailUsage, readArguments } from './command.ts';
import { STACK_ENVIRONMENT, STACK_OPTIONS, withStack } from './stack.ts';

/** `npm run postman`: writes a Postman environment for a deployment. */

const FOLDER = fileURLToPath(new URL('../postman', import.meta.url));
const TEMPLATE = fileURLToPath(new URL('../template.yaml', import.meta.url));

const POSTMAN = {
  name: 'npm run postman',
  about: 'Writes postman/<stage or stack>.postman_environment.json with the URLs of a deployment and an API key.',
  options: {
    ...STACK_OPTIONS,
    out: { type: 'string', default: FOLDER, value: 'folder', about: 'output folder (postman/)' },
  },
  environment: {
    ...STACK_ENVIRONMENT,
    BOOMERANG_API_KEY: 'API key to write (locally, that of the local client)',
    REPORTS_CLIENT_SECRET: 'client secret for the mock provider of reports (locally, that of the template)',
  },
  examples: {
    '': 'the embedded cloud running on DATA_DIR',
    '--stage dev': 'the stack on AWS called boomerang-dev',
  },
  exitCodes: { 1: 'the deployment was not found, or the file could not be written' },
} as const;

const localApiKey = (): string => process.env.LOCAL_API_KEY ?? readApiKey(process.env.DATA_DIR ?? '.data') ?? '';

const localReportsSecret = (): string => readLocalSecrets(readTemplate(TEMPLATE)).REPORTS_CLIENT_SECRET ?? '';

const SECRETS = ['apiKey', 'reportsClientSecret'];

const run = async (): Promise<void> => {
  const { values } = readArguments(POSTMAN);
  const { ServiceApiUrl, ProvidersApiUrl, CompleteUrl } = await withStack(values, async ({ outputs }) => outputs);
  if (!ServiceApiUrl || !ProvidersApiUrl || !CompleteUrl)
    throw new Error('The API URLs are unknown. Is the embedded cloud running?');
  const name = values.stack ?? values.stage ?? 'local';
  const apiKey = process.env.BOOMERANG_API_KEY ?? (name === 'local' ? localApiKey() : '');
  const variables = {
    serviceUrl: ServiceApiUrl,
    providersUrl: ProvidersApiUrl,
    callbackUrl: CompleteUrl,
    reportsClientSecret: process.env.REPORTS_CLIENT_SECRET ?? (name === 'local' ? localReportsSecret() : ''),
    apiKey,
  };
  const environment = {
    name: `Boomerang ${name}`,
    values: Object.entries(variables).map(([key, value]) => ({
      key,
      value,
      type: SECRETS.includes(key) ? 'secret' : 'default',
      enabled: true,
    })),
    _postman_variable_scope: 'environment',
  };
  makeFolder(values.out);
  const file = path.join(values.out, `${name}.postman_environment.json`);
  writePrivateFile(file, `${JSON.stringify(environment, null, 2)}\n`);
  process.stdout.write(
    `Wrote ${file}${apiKey === '' ? ' without an API key. Set BOOMERANG_API_KEY to include one.' : ''}\n`,
  );
};

await orFailUsage(POSTMAN, run).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
