import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/usage-error.ts';
import { type Deployment, deploy, type Target } from './deployment.ts';
import { answers, CommandFailed, check, interrupted, ROOT, reasonOf, run } from './engine.ts';
import { ACCESS, startMiniStack } from './ministack.ts';

const USAGE = `Builds the template and deploys it to something that plays AWS on this machine.

  npm run deploy:local                        starts MiniStack, deploys to it, and goes on until Ctrl-C
  npm run deploy:local -- --sam-local         the same, and Docker's containers reach it: for sam local to work on its tables
  AWS_ENDPOINT_URL=http://… npm run deploy:local   deploys to what listens there, and ends

It needs Python 3.10 or newer; the SAM CLI and MiniStack are installed in .engines. With AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY and AWS_REGION are those of the environment, or test, test and us-east-1; nothing else of AWS in it is used.
`;

const STACK = 'boomerang-local';

const asVariables = (values: Record<string, string>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

const announce = ({ endpoint, access }: Target, { outputs }: Deployment): void => {
  const lines = Object.entries(outputs).map(([name, value]) => `  ${name.padEnd(18)} ${value}`);
  console.log(`\nDeployed ${STACK} to ${endpoint}\n\n${lines.join('\n')}\n
A client of it, with its API key:

  ${asVariables({ ...access, AWS_ENDPOINT_URL: endpoint })} \\
    npm run clients -- create --name me --stack ${STACK}\n`);
};

/** Where containers find what listens on this machine. */
const HOST_OF_CONTAINERS = 'host.docker.internal';
const SAM_LOCAL_VARIABLES = '.aws-sam/local-variables.json';

/**
 * Lets containers reach a port of this machine's loopback, and nobody else's machine: on Linux by the address of Docker's
 * bridge, which is what `host-gateway` stands for; elsewhere Docker Desktop hands on what containers send.
 * @throws UsageError without Docker
 */
const openToContainers = async (port: number): Promise<void> => {
  if (process.platform !== 'linux') return;
  const asked = ['network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Gateway}}'];
  const address = await run('docker', asked, { isQuiet: true }).catch((error: Error) => {
    throw new UsageError(`--sam-local needs Docker, and its network called bridge: ${reasonOf(error)}`);
  });
  const server = createServer((socket) => {
    const onward = connect(port, '127.0.0.1');
    for (const end of [socket, onward]) end.on('error', () => end.destroy());
    socket.pipe(onward).pipe(socket);
  });
  await once(server.listen(port, address.trim()), 'listening');
  server.unref();
};

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
  console.log(`The service API in containers, on this stack's tables:

  ${asVariables(access)} \\
    sam local start-api --config-env local --env-vars ${SAM_LOCAL_VARIABLES} --add-host ${HOST_OF_CONTAINERS}:host-gateway\n`);
};

/**
 * The endpoint of the environment, if it names one that may be deployed to.
 * @throws UsageError
 */
const givenEndpoint = async (): Promise<string | undefined> => {
  const { AWS_ENDPOINT_URL: given = '' } = process.env;
  if (given === '') return undefined;
  const { protocol, hostname } = URL.parse(given) ?? {};
  if (!hostname || !/^https?:$/.test(protocol ?? '')) throw new UsageError(`AWS_ENDPOINT_URL is no address: ${given}`);
  if (/(^|\.)(amazonaws\.com(\.cn)?|api\.aws)$/.test(hostname)) {
    throw new UsageError(`${given} is AWS itself: deploy with sam deploy --config-env dev`);
  }
  if (!(await answers(given))) throw new UsageError(`Nothing answers at AWS_ENDPOINT_URL, ${given}`);
  return given;
};

const deployLocal = async (isForSamLocal: boolean): Promise<void> => {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = { ...ACCESS, ...process.env };
  const given = await givenEndpoint();
  if (given !== undefined) {
    if (isForSamLocal) throw new UsageError('--sam-local is for the MiniStack that it starts.');
    console.log('Building and deploying …');
    const target = { endpoint: given, access: { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } };
    return announce(target, await deploy(target, STACK, {}));
  }
  const engine = await startMiniStack();
  try {
    if (isForSamLocal) await openToContainers(Number(new URL(engine.url).port));
    console.log('Building and deploying …');
    const target = { endpoint: engine.url, access: ACCESS };
    const deployment = await deploy(target, STACK, {});
    announce(target, deployment);
    if (isForSamLocal) prepareSamLocal(target, deployment);
    console.log('Ctrl-C ends it; nothing of it is kept.');
    const isWanted = await Promise.race([interrupted.then(() => true), engine.ended.then(() => false)]);
    if (!isWanted) throw new CommandFailed('MiniStack has ended by itself; .engines/ministack/server.log may say why.');
  } finally {
    await engine.stop();
  }
};

/** @throws UsageError */
const readArguments = () => {
  try {
    return parseArgs({ options: { help: { type: 'boolean', short: 'h' }, 'sam-local': { type: 'boolean' } } }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
};

await check('deploy:local', async () => {
  const { help, 'sam-local': isForSamLocal = false } = readArguments();
  if (help) console.log(USAGE);
  else await deployLocal(isForSamLocal);
});
