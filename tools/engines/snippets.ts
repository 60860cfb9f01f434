import path from 'node:path';
import { ROOT, runScript, runTests } from './engine.ts';
import { installGo, installPython } from './install.ts';

/** `npm run test:snippets`: runs the receivers of docs/snippets in Python and Go. `npm test` runs the one in Node. */

await runScript(
  {
    name: 'npm run test:snippets',
    about:
      'Sends signed callbacks of a temporary embedded cloud to the receivers of docs/snippets. Needs Python 3.9 or newer and Go;\ninstalls the Standard Webhooks libraries in .engines.',
  },
  async () => {
    const python = await installPython('snippet-python', 'standardwebhooks==1.1.0');
    const go = await installGo(
      'snippet-go',
      'github.com/standard-webhooks/standard-webhooks/libraries@v0.0.1',
      path.join(ROOT, 'docs/snippets/verify.go'),
    );
    const receivers = [
      ['docs/snippets/verify.py', [path.join(python, 'python'), 'docs/snippets/verify.py']],
      ['docs/snippets/verify.go', [go]],
    ];
    await runTests(['tests/engines/snippets.test.ts'], { RECEIVERS: JSON.stringify(receivers) });
  },
);
