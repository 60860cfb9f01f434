import path from 'node:path';
import { startInstance } from '../../local/instance.ts';
import { CommandFailed, FOLDER, ROOT, run, runScript } from './engine.ts';
import { installPython } from './install.ts';

const REQUIREMENT = 'schemathesis==4.32.5';

/** Seconds of testing per API. The service API has twice as many operations as the providers API. */
const MAX_SECONDS = { service: 120, providers: 60 };

/** `npm run test:schemathesis`: tests the APIs with requests generated from their OpenAPI documents. */
const CHECK = {
  name: 'npm run test:schemathesis',
  about:
    'Sends valid and invalid requests, generated from the OpenAPI documents, to a temporary embedded cloud. Neither providers nor\nreceivers are called. Needs Python 3.10 or newer; installs schemathesis in .engines.',
  options: { seed: { type: 'string', value: 'number', about: 'seed of a run to repeat' } },
} as const;

/** The line of schemathesis's report that counts test cases, and its seed. The whole report has about 80 lines. */
const summaryOf = (report: string): string => {
  const [, cases] = /^Test cases:\n +(.+)$/m.exec(report) ?? [];
  const [, seed] = /^Seed: (\d+)$/m.exec(report) ?? [];
  if (cases === undefined) throw new Error(`schemathesis reported no number of test cases:\n${report}`);
  return `${cases} (seed ${seed})`;
};

await runScript(CHECK, async ({ seed }) => {
  const bin = await installPython('schemathesis', REQUIREMENT);
  const cloud = await startInstance({ FAILURE_RATE: '0', PAUSED: 'all', SWEEP_SECONDS: '3600' });
  const config = path.join(ROOT, 'tools/engines/schemathesis.toml');
  try {
    for (const [api, url] of [
      ['service', cloud.serviceUrl],
      ['providers', cloud.providersUrl],
    ] as const) {
      console.log(`The ${api} API, for at most ${MAX_SECONDS[api]} s …`);
      const options = ['--max-time', String(MAX_SECONDS[api]), ...(seed === undefined ? [] : ['--seed', seed])];
      const output = await run(
        path.join(bin, 'schemathesis'),
        ['--config-file', config, 'run', `${url}/openapi.json`, ...options],
        {
          isQuiet: true,
          cwd: path.join(FOLDER, 'schemathesis'),
          env: {
            API_KEY: cloud.apiKey,
            PYTHONPATH: path.join(ROOT, 'tools/engines/python'),
            PYTHONDONTWRITEBYTECODE: '1',
          },
        },
      ).catch((error) => {
        if (error instanceof CommandFailed) console.log(error.output);
        throw error;
      });
      console.log(`  ${summaryOf(output)}`);
    }
  } finally {
    await cloud.stop();
  }
});
