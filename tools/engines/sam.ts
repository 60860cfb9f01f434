import { check, run, runTests } from './engine.ts';
import { samEnvironment } from './sam-cli.ts';

/** `npm run test:sam`: the SAM CLI takes the template, and what it builds does what the fixtures say. */
const CHECK = {
  name: 'npm run test:sam',
  about:
    'Validates the template with the SAM CLI, builds it, and invokes what was built with the fixtures of events/. Needs Python 3.10 or\nnewer; installs the SAM CLI in .engines.',
} as const;

await check(CHECK, async () => {
  const env = await samEnvironment();
  await run('sam', ['validate', '--lint'], { env });
  await run('sam', ['build'], { env });
  await runTests(['tests/engines/artefacts'], env);
});
