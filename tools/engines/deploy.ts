import { check, runTests } from './engine.ts';
import { installMiniStack } from './ministack.ts';
import { samEnvironment } from './sam-cli.ts';

/** `npm run test:deploy`: a real deployment by SAM, used, updated and deleted. */
await check('test:deploy', async () => {
  const env = await samEnvironment();
  await installMiniStack();
  await runTests(['tests/engines/deployment'], env);
});
