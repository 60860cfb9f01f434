import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { UsageError } from '../../cli/usage-error.ts';
import { type Deployment, deploy, type Target, targetEnvironment } from './deployment.ts';
import { answers, CommandFailed, check, interrupted, ROOT, reasonOf, run } from './engine.ts';
import { ACCESS, startMiniStack } from './ministack.ts';

const DEPLOY_LOCAL = {
  name: 'npm run deploy:local',
  about:
    'Builds the template and deploys it to something that plays AWS on this machine: to MiniStack, which it starts and which goes on until\nCtrl-C, or to what listens at AWS_ENDPOINT_URL. Needs Python 3.10 or newer; installs the SAM CLI and MiniStack in .engines.',
  options: {
    'sam-local': {
      type: 'boolean',
      about: "let Docker's containers reach MiniStack, for `sam local` to work on the stack's tables",
    },
  },
  environment: {
    AWS_ENDPOINT_URL: 'deploys to what listens there, and ends; MiniStack is not started then',
    'AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION':
      'for that endpoint (test, test, us-east-1); nothing else of AWS in the environment is used',
  },
  examples: { '': 'a stack to play with', '--sam-local': 'for `sam local start-api`, too' },
} as const;

const STACK = 'boomerang-local';

const asVariables = (values: Record<string, string>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

const announce = ({ endpoint, access }: Target, { outputs }: Deployment, apiKey?: string): void => {
  const { WebhookUrl, JobsUrl, CompleteUrl, HealthUrl } = outputs;
  const lines = Object.entries(outputs).map(([name, value]) => `  ${name.padEnd(18)} ${value}`);
  const variables = asVariables({ ...access, AWS_ENDPOINT_URL: endpoint });
  const authorization = `-H "authorization: Bearer ${apiKey ?? '$API_KEY'}"`;
  console.log(`\nDeployed ${STACK} to ${endpoint}\n\n${lines.join('\n')}\n
${apiKey === undefined ? 'A client, with its API key' : 'Another client, with its API key'}:

  ${variables} \\
    npm run clients -- create --name me --stack ${STACK}

Try it:

  curl -i ${WebhookUrl} ${authorization} \\
    -H 'content-type: application/json' \\
    -d '{"providers":["gas","internet"],"callbackUrl":"${CompleteUrl}"}'

  curl ${JobsUrl} ${authorization}
  curl ${HealthUrl}\n`);
};

/** A client of a stack that lives no longer than this process: who tries it needs a key. */
const createClient = async (target: Target): Promise<string> => {
  const args = [path.join(ROOT, 'cli/clients.ts'), 'create', '--name', 'me', '--stack', STACK, '--json'];
  const created = await run(process.execPath, args, { env: targetEnvironment(target), isQuiet: true });
  return (JSON.parse(created) as { apiKey: string }).apiKey;
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
    announce(target, deployment, await createClient(target));
    if (isForSamLocal) prepareSamLocal(target, deployment);
    console.log('Ctrl-C ends it; nothing of it is kept.');
    const isWanted = await Promise.race([interrupted.then(() => true), engine.ended.then(() => false)]);
    if (!isWanted) throw new CommandFailed('MiniStack has ended by itself; .engines/ministack/server.log may say why.');
  } finally {
    await engine.stop();
  }
};

await check(DEPLOY_LOCAL, async ({ 'sam-local': isForSamLocal }) => deployLocal(isForSamLocal));
