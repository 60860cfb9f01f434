import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Deployment, deploy, type Target } from './deployment.ts';
import { CommandFailed, check, ROOT } from './engine.ts';
import { ACCESS, startMiniStack } from './ministack.ts';

const USAGE = `Builds the template and deploys it to something that plays AWS on this machine.

  npm run deploy:local                        starts MiniStack, deploys to it, and goes on until Ctrl-C
  npm run deploy:local -- --sam-local         that containers reach too, so that sam local can work on the stack's tables:
                                              it listens on all of this machine's addresses, without asking who calls
  AWS_ENDPOINT_URL=http://… npm run deploy:local   deploys to what listens there, and ends

It needs Python; the SAM CLI and MiniStack are installed in .engines.
`;

const STACK = 'boomerang-local';

const announce = ({ endpoint, access }: Target, { outputs }: Deployment): void => {
  const lines = Object.entries(outputs).map(([name, value]) => `  ${name.padEnd(18)} ${value}`);
  const env = Object.entries({ ...access, AWS_ENDPOINT_URL: endpoint }).map(([name, value]) => `${name}=${value}`);
  console.log(`\nDeployed ${STACK} to ${endpoint}\n\n${lines.join('\n')}\n
A client of it, with its API key:

  ${env.join(' ')} \\
    npm run clients -- create --name me --stage dev --stack ${STACK}\n`);
};

/** Where containers find what listens on this machine. */
const HOST_OF_CONTAINERS = 'host.docker.internal';
const SAM_LOCAL_VARIABLES = '.aws-sam/local-variables.json';

/** Writes the variables by which functions in containers of SAM local work on the deployed stack. */
const prepareSamLocal = ({ endpoint, access }: Target, { outputs, physicalIds }: Deployment): void => {
  const { port } = new URL(endpoint);
  const url = `http://${HOST_OF_CONTAINERS}:${port}`;
  const variables = {
    AWS_ENDPOINT_URL_DYNAMODB: url,
    AWS_ENDPOINT_URL_SFN: url,
    AWS_ENDPOINT_URL_SSM: url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: url,
    JOB_TABLE_NAME: outputs.JobTableName,
    CLIENT_TABLE_NAME: outputs.ClientTableName,
    STATE_MACHINE_ARN: outputs.StateMachineArn,
    PROVIDERS_API_URL: `${url}/_aws/execute-api/${physicalIds.ProvidersApi}/$default`,
  };
  writeFileSync(path.join(ROOT, SAM_LOCAL_VARIABLES), `${JSON.stringify({ Parameters: variables }, null, 2)}\n`);
  const env = Object.entries(access).map(([name, value]) => `${name}=${value}`);
  console.log(`The service API in containers, on this stack's tables:

  ${env.join(' ')} \\
    sam local start-api --config-env local --env-vars ${SAM_LOCAL_VARIABLES} --add-host ${HOST_OF_CONTAINERS}:host-gateway\n`);
};

/** Until somebody presses Ctrl-C. */
const interrupted = () => new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));

const deployLocal = async (isForSamLocal: boolean): Promise<void> => {
  const { AWS_ENDPOINT_URL: given, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = process.env;
  const access = {
    AWS_ACCESS_KEY_ID: AWS_ACCESS_KEY_ID ?? ACCESS.AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: AWS_SECRET_ACCESS_KEY ?? ACCESS.AWS_SECRET_ACCESS_KEY,
    AWS_REGION: AWS_REGION ?? ACCESS.AWS_REGION,
  };
  if (given !== undefined && /(^|\.)amazonaws\.com(:|$)/.test(new URL(given).host)) {
    throw new CommandFailed(`${given} is AWS itself: deploy with sam deploy --config-env dev`);
  }
  if (given !== undefined && isForSamLocal) throw new CommandFailed('--sam-local is for the MiniStack that it starts.');
  console.log('Building and deploying …');
  if (given !== undefined) {
    const target = { endpoint: given, access };
    return announce(target, await deploy(target, STACK, {}));
  }
  const engine = await startMiniStack(isForSamLocal ? { BIND_HOST: '0.0.0.0' } : {});
  try {
    const target = { endpoint: engine.url, access: ACCESS };
    const deployment = await deploy(target, STACK, {});
    announce(target, deployment);
    if (isForSamLocal) prepareSamLocal(target, deployment);
    console.log('Ctrl-C ends it; nothing of it is kept.');
    await interrupted();
  } finally {
    await engine.stop();
  }
};

/** @throws CommandFailed with the usage */
const readArguments = () => {
  try {
    return parseArgs({ options: { help: { type: 'boolean', short: 'h' }, 'sam-local': { type: 'boolean' } } }).values;
  } catch (error) {
    throw new CommandFailed(`${(error as Error).message}\n\n${USAGE}`);
  }
};

await check('deploy:local', async () => {
  const { help, 'sam-local': isForSamLocal = false } = readArguments();
  if (help) console.log(USAGE);
  else await deployLocal(isForSamLocal);
});
