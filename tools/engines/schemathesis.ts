import path from 'node:path';
import { startInstance } from '../../local/instance.ts';
import { check, FOLDER, ROOT, run } from './engine.ts';
import { installPython } from './install.ts';

const REQUIREMENT = 'schemathesis==4.32.5';

/** How long requests are made up for each API, seconds: the service has a dozen operations, the mock providers half as many. */
const MAX_SECONDS = { service: 120, providers: 60 };

/** `npm run test:schemathesis`: requests made up from the documents, right ones and wrong ones. */
const CHECK = {
  name: 'npm run test:schemathesis',
  about:
    'Sends requests that are made up from the OpenAPI documents, right ones and wrong ones, to an embedded cloud of its own. Nothing is\ncalled, not even providers. Needs Python 3.10 or newer; installs schemathesis in .engines.',
  options: { seed: { type: 'string', value: 'number', about: 'the seed of a run that is to be repeated' } },
} as const;

await check(CHECK, async ({ seed }) => {
  const bin = await installPython('schemathesis', REQUIREMENT);
  const cloud = await startInstance({ FAILURE_RATE: '0', PAUSED: 'all', SWEEP_SECONDS: '3600' });
  const config = path.join(ROOT, 'tools/engines/schemathesis.toml');
  try {
    for (const [api, url] of [
      ['service', cloud.serviceUrl],
      ['providers', cloud.providersUrl],
    ] as const) {
      console.log(`\nThe ${api} API`);
      const options = ['--max-time', String(MAX_SECONDS[api]), ...(seed === undefined ? [] : ['--seed', seed])];
      await run(path.join(bin, 'schemathesis'), ['--config-file', config, 'run', `${url}/openapi.json`, ...options], {
        cwd: path.join(FOLDER, 'schemathesis'),
        env: {
          API_KEY: cloud.apiKey,
          PYTHONPATH: path.join(ROOT, 'tools/engines/python'),
          PYTHONDONTWRITEBYTECODE: '1',
        },
      });
    }
  } finally {
    await cloud.stop();
  }
});
