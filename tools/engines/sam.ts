import { readdirSync } from 'node:fs';
import path from 'node:path';
import { check, run, runTests } from './engine.ts';
import { samEnvironment } from './sam-cli.ts';

const RECIPES = 'docs/recipes';

/** `npm run test:sam`: the SAM CLI takes the template and the recipes, and what it builds does what the fixtures say. */
await check('test:sam', async () => {
  const env = await samEnvironment();
  await run('sam', ['validate', '--lint'], { env });
  for (const recipe of readdirSync(RECIPES)) {
    await run('sam', ['validate', '--lint', '--template', path.join(RECIPES, recipe)], { env });
  }
  await run('sam', ['build'], { env });
  await runTests(['tests/engines/artefacts'], env);
});
