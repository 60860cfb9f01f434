import { readdirSync } from 'node:fs';
import path from 'node:path';
import { run, runScript, runTests } from './engine.ts';
import { samEnvironment } from './sam-cli.ts';

const RECIPES = 'docs/recipes';

/** `npm run test:sam`: validates template and recipes with the SAM CLI, and tests the built functions with fixtures. */
const CHECK = {
  name: 'npm run test:sam',
  about:
    'Validates the template and the recipes with the SAM CLI, builds the template, and invokes the built functions with the fixtures\nin events/. Needs Python 3.10 or newer; installs the SAM CLI in .engines.',
} as const;

await runScript(CHECK, async () => {
  const env = await samEnvironment();
  await run('sam', ['validate', '--lint'], { env });
  for (const recipe of readdirSync(RECIPES)) {
    await run('sam', ['validate', '--lint', '--template', path.join(RECIPES, recipe)], { env });
  }
  await run('sam', ['build'], { env });
  await runTests(['tests/engines/artefacts'], env);
});
