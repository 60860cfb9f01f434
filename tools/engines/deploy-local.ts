import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { UsageError } from '../../cli/usage-error.ts';
import { type Deployment, deploy, type Target, targetEnvironment } from './deployment.ts';
import { answers, CommandFailed, interrupted, ROOT, reasonOf, run, runScript } from './engine.ts';
import { ACCESS, startMiniStack } from './ministack.ts';

const DEPLOY_LOCAL = {
  name: 'npm run deploy:local',
  about:
    'Builds the template and deploys it to an AWS emulator on this machine: to MiniStack, which it starts and runs until Ctrl-C, or to the\nemulator at AWS_ENDPOINT_URL. Needs Python 3.10 or newer; installs the SAM CLI and MiniStack in .engines.',
  options: {
    'sam-local': {
      type: 'boolean',
      about: "let Docker containers reach MiniStack, so that `sam local` can use the stack's tables",
    },
  },
  environment: {
    AWS_ENDPOINT_URL: 'endpoint to deploy to, without starting MiniStack; the command ends after the deployment',
    'AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION':
      'for that endpoint (test, test, us-east-1); other AWS_ variables are ignored',
  },
  examples: { '': 'a stack on MiniStack', '--sam-local': 'also for `sam local start-api`' },
  exitCodes: { 1: 'the deployment failed' },
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
${apiKey === undefined ? 'Create a client, with its API key' : 'Create another client, with its API key'}:

  ${variables} \\
    npm run clients -- create --name me --stack ${STACK}

Try it:

  curl -i ${WebhookUrl} ${authorization} \\
    -H 'content-type: application/json' \\
    -d '{"providers":["gas","internet"],"callbackUrl":"${CompleteUrl}"}'

  curl ${JobsUrl} ${authorization}
  curl ${HealthUrl}\n`);
};

/** Creates a client to try out the stack with. Both are deleted when this process ends. */
const createClient = async (target: Target): Promise<string> => {
  const args = [path.join(ROOT, 'cli/clients.ts'), 'create', '--name', 'me', '--stack', STACK, '--json'];
  const created = await run(process.execPath, args, { env: targetEnvironment(target), isQuiet: true });
  return (JSON.parse(created) as { apiKey: string }).apiKey;
};

/** The name of this machine inside containers. */
const HOST_OF_CONTAINERS = 'host.docker.internal';
const SAM_LOCAL_VARIABLES = '.aws-sam/local-variables.json';

/**
 * Lets containers, but no other machine, reach a loopback port: on Linux by listening on the address of Docker's bridge, to which
 * `host-gateway` resolves. Elsewhere Docker Desktop forwards to loopback.
 * @throws UsageError without Docker
 */
const openToContainers = async (port: number): Promise<void> => {
  if (process.platform !== 'linux') return;
  const args = ['network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Gateway}}'];
  const address = await run('docker', args, { isQuiet: true }).catch((error: Error) => {
    throw new UsageError(`--sam-local needs Docker and its bridge network: ${reasonOf(error)}`);
  });
  const server = createServer((socket) => {
    const onward = connect(port, '127.0.0.1');
    for (const end of [socket, onward]) end.on('error', () => end.destroy());
    socket.pipe(onward).pipe(socket);
  });
  await once(server.listen(port, address.trim()), 'listening');
  server.unref();
};

/** Writes the environment variables with which functions in SAM local's containers use the deployed stack. */
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
  console.log(`Run the service API in containers, with this stack's tables:

  ${asVariables(access)} \\
    sam local start-api --config-env local --env-vars ${SAM_LOCAL_VARIABLES} --add-host ${HOST_OF_CONTAINERS}:host-gateway\n`);
};

/**
 * Reads AWS_ENDPOINT_URL; undefined if not set.
 * @throws UsageError if it is invalid, is AWS itself, or does not answer
 */
const readEndpoint = async (): Promise<string | undefined> => {
  const { AWS_ENDPOINT_URL: url = '' } = process.env;
  if (url === '') return undefined;
  const { protocol, hostname } = URL.parse(url) ?? {};
  if (!hostname || !/^https?:$/.test(protocol ?? '')) throw new UsageError(`AWS_ENDPOINT_URL is not a URL: ${url}`);
  if (/(^|\.)(amazonaws\.com(\.cn)?|api\.aws)$/.test(hostname)) {
    throw new UsageError(`${url} is AWS itself: deploy with sam deploy --config-env dev`);
  }
  if (!(await answers(url))) throw new UsageError(`AWS_ENDPOINT_URL does not answer: ${url}`);
  return url;
};

const deployLocal = async (isForSamLocal: boolean): Promise<void> => {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = { ...ACCESS, ...process.env };
  const endpoint = await readEndpoint();
  if (endpoint !== undefined) {
    if (isForSamLocal) throw new UsageError('--sam-local is not allowed with AWS_ENDPOINT_URL.');
    console.log('Building and deploying …');
    const target = { endpoint, access: { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } };
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
    console.log('Press Ctrl-C to stop. All data is deleted then.');
    const isInterrupted = await Promise.race([interrupted.then(() => true), engine.ended.then(() => false)]);
    if (!isInterrupted) throw new CommandFailed('MiniStack ended unexpectedly. See .engines/ministack/server.log.');
  } finally {
    await engine.stop();
  }
};

await runScript(DEPLOY_LOCAL, async ({ 'sam-local': isForSamLocal }) => deployLocal(isForSamLocal));
