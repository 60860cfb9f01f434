import { check, run, runTests } from './engine.ts';
import { samEnvironment } from './sam-cli.ts';

/** `npm run test:sam`: the SAM CLI takes the template, and what it builds does what the fixtures say. */
await check('test:sam', async () => {
  const env = await samEnvironment();
  await run('sam', ['validate', '--lint'], { env });
  await run('sam', ['build'], { env });
  await runTests(['tests/engines/artefacts'], env);
});
