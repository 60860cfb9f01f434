import { runScript, runTests } from './engine.ts';
import { installMiniStack } from './ministack.ts';
import { samEnvironment } from './sam-cli.ts';

/** `npm run test:deploy`: deploys with SAM, then tests, updates and deletes the stack. */
const CHECK = {
  name: 'npm run test:deploy',
  about:
    'Deploys with SAM to MiniStack, and tests the stack there: end-to-end suites, schedule, update, deletion and policies. Takes six\nminutes. Needs Python 3.10 or newer; installs the SAM CLI and MiniStack in .engines.',
} as const;

await runScript(CHECK, async () => {
  const env = await samEnvironment();
  await installMiniStack();
  await runTests(['tests/engines/deployment'], env);
});
