import { deploy, type Target } from './deployment.ts';
import { CommandFailed, check } from './engine.ts';
import { ACCESS, startMiniStack } from './ministack.ts';

const USAGE = `Builds the template and deploys it to something that plays AWS on this machine.

  npm run deploy:local                        starts MiniStack, deploys to it, and goes on until Ctrl-C
  AWS_ENDPOINT_URL=http://… npm run deploy:local   deploys to what listens there, and ends

It needs Python; the SAM CLI and MiniStack are installed in .engines.
`;

const STACK = 'boomerang-local';

const announce = ({ endpoint, access }: Target, outputs: Record<string, string>): void => {
  const lines = Object.entries(outputs).map(([name, value]) => `  ${name.padEnd(18)} ${value}`);
  const env = Object.entries({ ...access, AWS_ENDPOINT_URL: endpoint }).map(([name, value]) => `${name}=${value}`);
  console.log(`\nDeployed ${STACK} to ${endpoint}\n\n${lines.join('\n')}\n
A client of it, with its API key:

  ${env.join(' ')} \\
    npm run clients -- create --name me --stage dev --stack ${STACK}\n`);
};

/** Until somebody presses Ctrl-C. */
const interrupted = () => new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));

const deployLocal = async (): Promise<void> => {
  const { AWS_ENDPOINT_URL: given, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = process.env;
  const access = {
    AWS_ACCESS_KEY_ID: AWS_ACCESS_KEY_ID ?? ACCESS.AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: AWS_SECRET_ACCESS_KEY ?? ACCESS.AWS_SECRET_ACCESS_KEY,
    AWS_REGION: AWS_REGION ?? ACCESS.AWS_REGION,
  };
  if (given !== undefined && /(^|\.)amazonaws\.com(:|$)/.test(new URL(given).host)) {
    throw new CommandFailed(`${given} is AWS itself: deploy with sam deploy --config-env dev`);
  }
  console.log('Building and deploying …');
  if (given !== undefined) {
    const { outputs } = await deploy({ endpoint: given, access }, STACK, {});
    return announce({ endpoint: given, access }, outputs);
  }
  const engine = await startMiniStack();
  try {
    const target = { endpoint: engine.url, access: ACCESS };
    const { outputs } = await deploy(target, STACK, {});
    announce(target, outputs);
    console.log('Ctrl-C ends it; nothing of it is kept.');
    await interrupted();
  } finally {
    await engine.stop();
  }
};

if (process.argv.includes('--help') || process.argv.includes('-h')) console.log(USAGE);
else await check('deploy:local', deployLocal);
