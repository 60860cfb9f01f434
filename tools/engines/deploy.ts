import { check, runTests } from './engine.ts';
import { installMiniStack } from './ministack.ts';
import { samEnvironment } from './sam-cli.ts';

/** `npm run test:deploy`: a real deployment by SAM, used, updated and deleted. */
const CHECK = {
  name: 'npm run test:deploy',
  about:
    'Deploys with SAM to MiniStack, and runs the end-to-end suites, the schedule, an update, a deletion and the policies there. Needs\nPython 3.10 or newer, and six minutes; installs the SAM CLI and MiniStack in .engines.',
} as const;

await check(CHECK, async () => {
  const env = await samEnvironment();
  await installMiniStack();
  await runTests(['tests/engines/deployment'], env);
});
