import { check, installPython, run, runTests } from './engine.ts';

const REQUIREMENT = 'aws-sam-cli==1.170.0';

/** The environment in which `sam` is found, and asks nobody for anything. */
export const samEnvironment = async (): Promise<Record<string, string>> => ({
  PATH: `${await installPython('sam', REQUIREMENT)}:${process.env.PATH}`,
  SAM_CLI_TELEMETRY: '0',
  AWS_DEFAULT_REGION: process.env.AWS_DEFAULT_REGION ?? 'us-east-1',
});

/** `npm run test:sam`: the SAM CLI takes the template, and what it builds does what the fixtures say. */
if (import.meta.main) {
  await check('test:sam', async () => {
    const env = await samEnvironment();
    await run('sam', ['validate', '--lint'], { env });
    await run('sam', ['build'], { env });
    await runTests(['tests/engines/artefacts'], env);
  });
}
