import { setTimeout as sleep } from 'node:timers/promises';
import { createDynamoClientAdmin } from '@boomerang/core/adapters/dynamo/clients.ts';
import { hashApiKey, newApiKey, newSigningSecret } from '@boomerang/core/security/credentials.ts';
import { v7 as uuidv7 } from 'uuid';
import { readApiKey } from '../local/local-client.ts';
import { type CheckDeps, CheckFailed, checkDeployment } from './check-deployment.ts';
import { readArguments } from './command.ts';
import { STACK_ENVIRONMENT, STACK_OPTIONS, type Stack, withStack } from './stack.ts';
import { UsageError } from './usage-error.ts';

/** `npm run check`: checks a deployment with a real job. */

const CHECK = {
  name: 'npm run check',
  about: 'Posts a job to a deployment and waits until its callback is delivered.',
  options: {
    ...STACK_OPTIONS,
    provider: {
      type: 'string',
      default: 'gas',
      value: 'id',
      about: 'provider to fetch from (gas, a mock of the stack itself)',
    },
    'service-url': { type: 'string', value: 'url', about: 'base URL of the service API (the output of the stack)' },
    'callback-url': { type: 'string', value: 'url', about: 'callback URL (POST /complete of the same API)' },
    'timeout-seconds': { type: 'string', default: '300', value: 'n', about: 'time limit for the whole check (300)' },
  },
  environment: {
    ...STACK_ENVIRONMENT,
    BOOMERANG_API_KEY: 'API key to use; without it, a client is created for the check and revoked afterwards',
  },
  examples: {
    '': 'the embedded cloud running on DATA_DIR',
    '--stage dev': 'the stack on AWS called boomerang-dev',
  },
  exitCodes: { 1: 'the check failed', 2: 'wrong usage, or the check could not run' },
  more: 'If POST /complete verifies signatures, the API key must belong to the client whose secret it verifies with.',
} as const;

const readWholeSeconds = (text: string): number => {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new UsageError('--timeout-seconds must be a whole number from 1 to 99999');
  return Number(text);
};

/** Runs `work` with an API key: from the environment, of the local client, or of a temporary client. */
const withApiKey = async (stack: Stack, isLocal: boolean, work: (apiKey: string) => Promise<void>): Promise<void> => {
  const local = isLocal ? (process.env.LOCAL_API_KEY ?? readApiKey(process.env.DATA_DIR ?? '.data')) : undefined;
  const existing = process.env.BOOMERANG_API_KEY ?? local;
  if (existing) return work(existing);
  const clients = createDynamoClientAdmin({
    client: stack.database,
    tableName: stack.outputs.ClientTableName ?? '',
  });
  const apiKey = newApiKey();
  const clientId = uuidv7();
  await clients.put({
    clientId,
    name: 'check of a deployment',
    keyHash: hashApiKey(apiKey),
    secrets: [{ secret: newSigningSecret() }],
    createdAt: Date.now(),
  });
  try {
    await work(apiKey);
  } finally {
    await clients.revoke(clientId, Date.now());
  }
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const run = async (): Promise<void> => {
  const { values } = readArguments(CHECK);
  const timeoutMs = readWholeSeconds(values['timeout-seconds']) * 1000;
  const isLocal = values.stack === undefined && (values.stage ?? 'local') === 'local';
  await withStack(values, async (stack) => {
    const serviceUrl = values['service-url'] ?? stack.outputs.ServiceApiUrl;
    if (!serviceUrl) throw new UsageError('The service API URL is unknown. Is the embedded cloud running?');
    const callbackUrl = values['callback-url'] ?? `${serviceUrl}/complete`;
    const deps: CheckDeps = { fetch, now: Date.now, sleep: async (ms) => sleep(ms), print };
    await withApiKey(stack, isLocal, async (apiKey) =>
      checkDeployment(deps, { serviceUrl, apiKey, provider: values.provider, callbackUrl, timeoutMs }),
    );
  });
};

try {
  await run();
} catch (error) {
  const { name, message } = error as Error;
  const isKnown = ['UsageError', 'StackNotFound', 'DataFolderError', 'CheckFailed'].includes(name);
  console.error(isKnown ? message : error);
  process.exitCode = error instanceof CheckFailed ? 1 : 2;
}
