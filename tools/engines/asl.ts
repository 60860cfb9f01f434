import path from 'node:path';
import { type Engine, freePort, ROOT, runScript, runTests, startServer } from './engine.ts';
import { installPython } from './install.ts';
import { startMiniStack } from './ministack.ts';

const MOTO = 'moto[all,server]==5.2.5';

/** Starts moto's server. It sends Lambda invocations of state machines to a separate port, where the tests answer. */
const startMoto = async (): Promise<{ moto: Engine; lambdaPort: string }> => {
  const bin = await installPython('moto', MOTO);
  const [port, lambdaPort] = [await freePort(), String(await freePort())];
  const script = path.join(ROOT, 'tools/engines/python/moto-server.py');
  const args = [script, String(port), `http://127.0.0.1:${lambdaPort}`];
  return {
    moto: await startServer('moto', { folder: 'moto', port, command: path.join(bin, 'python'), args }),
    lambdaPort,
  };
};

const runTable = async (name: string, engine: Engine, env: Record<string, string>): Promise<void> => {
  console.log(`\nThe execution table on ${name}`);
  try {
    await runTests(['tests/state-machine/execution-table'], { ASL_ENGINE_URL: engine.url, ...env });
  } finally {
    await engine.stop();
  }
};

/** `npm run test:asl`: runs the state machine's definition on two more interpreters. */
const CHECK = {
  name: 'npm run test:asl',
  about:
    "Runs the state machine's execution table on two more interpreters, moto and MiniStack. Needs Python 3.10 or newer; installs both in\n.engines.",
} as const;

await runScript(CHECK, async () => {
  const { moto, lambdaPort } = await startMoto();
  await runTable('moto', moto, { ASL_LAMBDA_PORT: lambdaPort });
  await runTable('MiniStack', await startMiniStack({ SFN_WAIT_SCALE: '0.02' }), {});
});
