import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readApiKey } from '../local/local-client.ts';
import { STACK_OPTIONS, withStack } from './stack.ts';

/** `npm run postman`: fills a Postman environment with the outputs of a deployment. */

const USAGE = `Fills postman/<stage or stack>.postman_environment.json with the outputs of a deployment.

  npm run postman                       the embedded cloud that runs over DATA_DIR
  npm run postman -- --stage dev|prod   the stack on AWS called boomerang-<stage>; with --stack <name> another
                     --out <folder>     somewhere else than postman/

The API key is that of BOOMERANG_API_KEY; locally, that of the local client.
`;

const FOLDER = fileURLToPath(new URL('../postman', import.meta.url));

const localApiKey = (): string => process.env.LOCAL_API_KEY ?? readApiKey(process.env.DATA_DIR ?? '.data') ?? '';

const run = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      ...STACK_OPTIONS,
      out: { type: 'string', default: FOLDER },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const { ServiceApiUrl, ProvidersApiUrl, CompleteUrl } = await withStack(values, async ({ outputs }) => outputs);
  if (!ServiceApiUrl || !ProvidersApiUrl || !CompleteUrl)
    throw new Error('Its addresses are not known: is it running?');
  const name = values.stack ?? values.stage ?? 'local';
  const apiKey = process.env.BOOMERANG_API_KEY ?? (name === 'local' ? localApiKey() : '');
  const variables = { serviceUrl: ServiceApiUrl, providersUrl: ProvidersApiUrl, callbackUrl: CompleteUrl, apiKey };
  const environment = {
    name: `Boomerang ${name}`,
    values: Object.entries(variables).map(([key, value]) => ({
      key,
      value,
      type: key === 'apiKey' ? 'secret' : 'default',
      enabled: true,
    })),
    _postman_variable_scope: 'environment',
  };
  mkdirSync(values.out, { recursive: true });
  const file = path.join(values.out, `${name}.postman_environment.json`);
  writeFileSync(file, `${JSON.stringify(environment, null, 2)}\n`);
  process.stdout.write(`Wrote ${file}${apiKey === '' ? ', without an API key: set BOOMERANG_API_KEY' : ''}\n`);
};

await run().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
